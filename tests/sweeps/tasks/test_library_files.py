"""Library files: windows of a split that are new, against a count by hand."""

import ast
import hashlib
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from sweeps.tasks.made import identifiers, library_packages, syntax
from sweeps.tasks.made.library_files import SEALED, pieces, sources
from sweeps.tasks.made.made_set import windows
from sweeps.tasks.stdlib_bytes import StdlibBytes


def by_hand(path: Path, length: int) -> list[bytes]:
    return [row.tobytes() for row in windows(np.frombuffer(path.read_bytes(), np.uint8), length)]


@pytest.mark.parametrize('sealed', [False, True])
def test_no_window_is_there_twice_nor_in_both_splits(tmp_path: Path, sealed: bool):
    """Nine files, of which many have the same windows."""
    texts = ['aaaabbbbcccc', 'aaaabbbb', 'ddddeeee', 'bbbbffff', 'aaaagggg', 'gggghhhh', 'iiiidddd', 'jjjjjjjj', 'ffffkkkkaaaa']
    paths = []
    for number, text in enumerate(texts):
        paths.append(tmp_path / f'{number}.py')
        paths[-1].write_text(text)
    own = [path for number, path in enumerate(paths) if (number % SEALED == 0) == sealed]
    assert own and len(own) < len(paths)
    seen = {window for path in paths if sealed and path not in own for window in by_hand(path, 4)}
    given = list(pieces(paths, sealed, 4))
    assert [path for path, _, _ in given] == own
    for path, rows, new in given:
        there = by_hand(path, 4)
        assert [row.tobytes() for row in rows] == there
        expected = [number for number, one in enumerate(there) if one not in seen and one not in there[:number]]
        assert new.tolist() == expected
        seen.update(there)


def test_files_of_the_library_come_by_the_hash_of_their_names_and_of_a_size():
    library = Path(sysconfig.get_paths()['stdlib'])
    given = sources(('json', ''), 2_000, 9_000)
    assert {path.parent for path in given} == {library, library / 'json'}
    assert all(2_000 <= path.stat().st_size <= 9_000 for path in given)
    one = given[3].stat().st_size
    assert given[3] in sources(('json', ''), one, one)
    hashes = [hashlib.sha256(str(path.relative_to(library)).encode()).hexdigest() for path in given]
    assert hashes == sorted(hashes)
    with pytest.raises(ValueError, match=r'no \*\.py files of 1 to 2 bytes'):
        sources(('json',), 1, 2)


def test_a_library_of_few_modules_is_refused_with_what_it_has(monkeypatch: pytest.MonkeyPatch):
    few = list(syntax.sources(syntax.FOLDERS, 2_000, 24_000))[:4]
    monkeypatch.setattr(syntax, 'sources', lambda *asked: few)
    with pytest.raises(ValueError, match=r'syntax: \d+ pieces, 3000 needed; use a Python with more modules'):
        syntax.draw(np.random.default_rng(0), 3000, False)


def library(monkeypatch: pytest.MonkeyPatch, folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)
    monkeypatch.setattr(sysconfig, 'get_paths', lambda: {'stdlib': str(folder)})


def test_a_python_without_sources_or_with_few_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    library(monkeypatch, tmp_path, {})
    with pytest.raises(ValueError, match=rf'stdlib_bytes: no \*\.py files in {tmp_path}; use a Python whose standard library'):
        StdlibBytes().pool()
    library(monkeypatch, tmp_path, {f'{number}.py': f'{number:03}' * 30 for number in range(30)})
    with pytest.raises(ValueError, match=r'stdlib_bytes: \d+ test windows, 512 needed; use a shorter length'):
        StdlibBytes(length=4).test()


def test_windows_of_bytes_share_their_ends_and_a_last_short_one_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Of nine bytes two windows of four and what follows them; of eight only one has a byte that follows."""
    sealed = {name for name in 'abcdefgh' if int(hashlib.sha256(f'{name}.py'.encode()).hexdigest(), 16) % 6 == 0}
    one, other = sorted(set('abcdefgh') - sealed)[:2]
    library(monkeypatch, tmp_path, {f'{one}.py': '123456789', f'{other}.py': 'stuvwxyz', 'notes.txt': 'not a module'})
    pool = StdlibBytes(length=4).pool()
    rows = sorted((bytes(x.tolist()), bytes(y.tolist())) for x, y in zip(pool.x, pool.y, strict=True))
    assert rows == [(b'1234', b'2345'), (b'5678', b'6789'), (b'stuv', b'tuvw')]
    assert sorted(pool.group.tolist()) == [0, 0, 1]


SOURCE = """
class Shape:
    size = 3
    def area(self, scale, /, unit, *, round_up): self.width = other.height = 4
    if True:
        async def later(self): pass
def plain(one):
    def inner(two): pass
try:
    def tried(): pass
except ValueError:
    class Caught: pass
"""


def test_names_of_a_source_have_the_roles_in_which_they_stand():
    told: dict[str, set[str]] = {}
    for name, role in identifiers.roles(ast.parse(SOURCE)):
        told.setdefault(role, set()).add(name)
    assert told == {
        'class': {'Shape', 'Caught'},
        'method': {'area', 'later'},
        'function': {'plain', 'tried'},
        'parameter': {'self', 'scale', 'unit', 'round_up', 'one', 'two'},
        'attribute': {'width'},
    }


def test_names_too_short_too_long_or_of_two_roles_are_no_examples(monkeypatch: pytest.MonkeyPatch):
    one = frozenset({'class'})
    names = {'ab': one, '__ab__': one, 'abc': one, '_abc': one, 'x' * 24: one, 'x' * 25: one, 'é' * 13: one}
    names |= {'both': frozenset({'class', 'method'})}
    monkeypatch.setattr(identifiers, 'known', lambda: names)
    there = []
    for sealed in (False, True):
        with pytest.raises(ValueError, match=r'identifiers: \d names, 9 needed; use a Python with more modules') as told:
            identifiers.draw(np.random.default_rng(0), 9, sealed)
        there.append(int(str(told.value).split()[1]))
        part = identifiers.draw(np.random.default_rng(0), there[-1], sealed) if there[-1] else None
        assert part is None or {bytes(part.example(n)).decode() for n in range(len(part))} <= {'abc', '_abc', 'x' * 24}
    assert sum(there) == 3


def test_a_package_of_few_windows_is_refused_with_its_name():
    with pytest.raises(ValueError, match=r'packages: \d+ windows of asyncio, 1000000 needed; use a Python with more modules'):
        library_packages.draw(np.random.default_rng(0), 6_000_000, True)
