"""Regular files: what is no file is never waited for; and texts of a source that versions of Python cut differently are one."""

import ast
import os
from pathlib import Path

import pytest

from archlab import main
from archlab.answers import BAD_INPUT
from results import bundle, calibration
from results.store import regular
from results.store.hashes import _joined
from sweeps import manifest
from sweeps.datasets import prepared


def test_a_file_is_read_and_a_pipe_is_refused(tmp_path: Path):
    (tmp_path / 'file').write_bytes(b'content')
    assert regular.read(tmp_path / 'file') == b'content'
    os.mkfifo(tmp_path / 'pipe')
    with pytest.raises(OSError, match='no regular file'):
        regular.read(tmp_path / 'pipe')

    before = len(os.listdir('/proc/self/fd')) if os.path.isdir('/proc/self/fd') else 0
    for place in ('pipe', '.', 'nowhere'):
        with pytest.raises(OSError):
            regular.read(tmp_path / place)
    assert not before or len(os.listdir('/proc/self/fd')) == before, 'what is refused is closed'


WRITERS = (
    ['report', 'quickstart', '--out'],
    ['report', 'quickstart', 'null', '--out'],
    ['data', 'show', 'little', '--out'],
    ['import-weights', 'gpt2', 'nowhere.safetensors', '--out'],
)


@pytest.mark.parametrize('command', WRITERS, ids=lambda command: command[0])
def test_a_file_of_another_kind_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture, command: list[str]):
    path = tmp_path / 'study.py'
    path.write_text('study = 5\n')
    assert main([*command, str(path)]) == BAD_INPUT and path.read_text() == 'study = 5\n'
    assert f"--out '{path}' is there and is no " in capsys.readouterr().err


def test_a_page_of_before_is_written_over(tmp_path: Path):
    path = tmp_path / 'page.html'
    for content in ('', '<!doctype html>'):
        path.write_text(content)
        regular.check_replaced(path, b'<', 'page')


READERS = {
    'calibration.json': calibration.load,
    'manifest.json': manifest.load,
    'bundle.json': bundle.read,
    'about.json': prepared.load,
}


@pytest.mark.parametrize('error', [PermissionError(13, 'Permission denied'), OSError(5, 'Input/output error')])
@pytest.mark.parametrize('name', READERS)
def test_what_is_out_of_reach_is_not_called_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: OSError):
    """To move a sound file away, or to make it anew, would lose it."""
    (tmp_path / name).write_text('{}')

    def refused(*_: object) -> None:
        raise error

    monkeypatch.setattr(regular, 'read', refused)
    with pytest.raises(
        ValueError, match=rf'{name} cannot be read \({error.strerror}\); mend that and run the same command again'
    ):
        READERS[name](tmp_path)


def test_neighbouring_texts_of_an_f_string_are_one():
    one, two, value = ast.Constant('a'), ast.Constant('b'), ast.Name('x')
    told = [part.value if isinstance(part, ast.Constant) else part.id for part in _joined([value, one, two, value, two])]
    assert told == ['x', 'ab', 'x', 'b']
