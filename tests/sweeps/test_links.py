"""Links in the place of what the lab writes: they are replaced, and what they lead to is another's and stays."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ablations.studies import STUDIES
from results.store import atomic, defined, text_cache
from sweeps import manifest, pace, presence
from sweeps.datasets import intact
from sweeps.launch import order_files

THEIRS = b'precious'


def present(folder: Path) -> None:
    path = folder / presence.FOLDER / presence_name()
    with presence.present(folder, 'run'):
        assert path.is_file() and '"run"' in path.read_text()
    path.touch()


def presence_name() -> str:
    return f'run@{os.uname().nodename}-{os.getpid()}.json'


def checked(folder: Path) -> None:
    (folder / 'a').write_text('a')
    intact.check(folder, ['a'], {'a': intact.checksum(folder / 'a')}, '')


def measured(folder: Path) -> None:
    one = pace.Pace(folder)
    one.save()


OWN: dict[str, tuple[str, Callable[[Path], object]]] = {
    'definition': (defined.FILE, lambda folder: defined.save(folder, STUDIES['quickstart'])),
    'manifest': (manifest.FILE, lambda folder: manifest.save(folder, {'settings': []})),
    'presence': (f'{presence.FOLDER}/{presence_name()}', present),
    'pace': (pace.FILE, measured),
    'texts': (f'{text_cache.FOLDER}/one', lambda folder: text_cache.save(folder, 'one', 'body', '*', 9)),
    'checksums': (intact.REMEMBERED, checked),
    'orders': (f'{order_files.FOLDER}/one.json', lambda folder: order_files.write(folder, 'one', {})),
    'answers': (f'{order_files.FOLDER}/one.answer', lambda folder: order_files.tell(folder, 'one', {})),
}


@pytest.mark.parametrize('kind', ['link', 'pipe'])
@pytest.mark.parametrize(('name', 'write'), OWN.values(), ids=OWN)
def test_what_only_the_lab_names_is_not_followed(tmp_path: Path, name: str, write: Callable, kind: str):
    theirs, own = tmp_path / 'theirs', tmp_path / 'folder' / name
    theirs.write_bytes(THEIRS)
    own.parent.mkdir(parents=True)
    own.symlink_to(theirs) if kind == 'link' else os.mkfifo(own)
    write(tmp_path / 'folder')
    assert theirs.read_bytes() == THEIRS
    assert own.is_file() and not own.is_symlink()


def test_a_link_to_a_folder_is_replaced_again_and_again(tmp_path: Path):
    (tmp_path / 'far').mkdir()
    (tmp_path / 'far' / 'it').write_bytes(THEIRS)
    (tmp_path / 'link').symlink_to('far')
    for number in range(3):
        with atomic.replacing_folder(tmp_path / 'link') as inside:
            (inside / 'number').write_text(str(number))
        assert (tmp_path / 'link' / 'number').read_text() == str(number)
        assert sorted(path.name for path in tmp_path.iterdir()) == ['far', 'link']
    assert (tmp_path / 'far' / 'it').read_bytes() == THEIRS
