"""The folder of compiled programs does not grow without end."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from sweeps.launch.compilation_cache import bound, cache_folder


def test_what_was_used_the_longest_ago_goes_first(tmp_path: Path):
    for age, name in enumerate(('new-cache', 'middle-cache', 'old-cache', 'a letter')):
        (tmp_path / name).write_bytes(b'x' * 100)
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    outside = tmp_path.parent / 'outside'
    outside.write_bytes(b'x' * 1000)
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'link-cache').symlink_to(outside)
    assert bound(tmp_path, 300) == 0
    assert bound(tmp_path, 250) == 1
    assert {path.name for path in tmp_path.iterdir()} == {
        'new-cache',
        'middle-cache',
        'a letter',
        'folder',
        'link-cache',
    } and outside.exists()
    (linked := tmp_path.parent / 'linked').symlink_to(tmp_path)
    assert bound(linked, 0) == 0
    assert bound(tmp_path, 0) == 2 and (tmp_path / 'a letter').exists()


def test_a_folder_that_is_not_there_is_no_fault(tmp_path: Path):
    assert bound(tmp_path / 'none') == 0


COMPILES = (
    'from sweeps.launch.compilation_cache import overlook_cut_programs; overlook_cut_programs(); '
    'import jax; print(jax.numpy.arange(4.0).sum())'
)


def test_a_program_that_is_cut_off_is_compiled_anew_without_a_word(tmp_path: Path):
    def compiled() -> subprocess.CompletedProcess:
        told = {**os.environ, 'JAX_COMPILATION_CACHE_DIR': str(tmp_path), 'PYTHONPATH': os.pathsep.join(sys.path)}
        return subprocess.run([sys.executable, '-c', COMPILES], env=told, capture_output=True, text=True, timeout=100)

    compiled()
    programs = sorted(tmp_path.glob('*-cache'))
    for program in programs:
        program.write_bytes(program.read_bytes()[:-20])
    again = compiled()
    assert programs and (again.stdout, again.stderr, again.returncode) == ('6.0\n', '', 0)


def test_each_kind_of_processor_has_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A program is compiled for what its processor can do."""
    told: dict[str, object] = {}

    def read_text(path: Path) -> str:
        if isinstance(told['text'], OSError):
            raise told['text']
        return str(told['text'])

    monkeypatch.setattr(Path, 'read_text', read_text)
    monkeypatch.setattr(platform, 'processor', lambda: told.get('processor', ''))
    folders = []
    for text in ('x: 1\nflags : avx\nflags : other', 'flags : avx\nx: 2', 'flags : avx2', 'Features : neon', 'x: 1', OSError()):
        told['text'] = text
        folders.append(cache_folder().name)
    told['processor'] = 'i386'
    folders.append(cache_folder().name)
    assert folders[0] == folders[1] and folders[4] == folders[5] and len({*folders}) == 5
    monkeypatch.setattr(platform, 'machine', lambda: 'another')
    assert cache_folder().name not in folders
