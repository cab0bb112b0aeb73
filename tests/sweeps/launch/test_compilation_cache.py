"""The folder of compiled programs does not grow without end."""

import os
import subprocess
import sys
from pathlib import Path

from sweeps.launch.compilation_cache import bound


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
