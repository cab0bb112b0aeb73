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


def of_size(size: int, word: str = 'x') -> str:
    """A source of one comment, so many bytes long."""
    return f'# {word}'.ljust(size, word[0])


def test_names_are_those_of_modules_of_2_to_40_kilobytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    files = {}
    for name, size in {'small': 1_999, 'least': 2_000, 'most': 40_000, 'large': 40_001}.items():
        source = f'def {name}_one(): pass\nclass {name}_two: pass\n'
        files[f'{name}.py'] = source + of_size(size - len(source))
    library(monkeypatch, tmp_path, files)
    one, two = frozenset({'function'}), frozenset({'class'})
    known = {'least_one': one, 'least_two': two, 'most_one': one, 'most_two': two}
    assert list(identifiers.known.__wrapped__().items()) == sorted(known.items())


def test_names_are_drawn_with_their_roles_each_by_itself(monkeypatch: pytest.MonkeyPatch):
    names = {f'name_{number:02}': frozenset({identifiers.ROLES[number % 5]}) for number in range(60)}
    monkeypatch.setattr(identifiers, 'known', lambda: names)
    parts = [identifiers.draw(np.random.default_rng(3), 8, sealed) for sealed in (False, True)]
    told = [[bytes(part.example(n)).decode() for n in range(8)] for part in parts]
    assert not set(told[0]) & set(told[1]) and told == [sorted(one) for one in told]
    for part, own in zip(parts, told, strict=True):
        assert [identifiers.ROLES[y] for y in part.y] == [next(iter(names[name])) for name in own]
        assert part.group.tolist() == list(range(8)) and part.y.dtype == np.int32 and part.offsets.dtype == np.int64
    assert all(int(hashlib.sha256(name.encode()).hexdigest(), 16) % 5 == 0 for name in told[1])


def test_pieces_of_syntax_are_of_plain_modules_of_2_to_24_kilobytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Not of those with other characters or page breaks; of a module 32 pieces at most, and 24 in the test split."""
    files = {f'{name}.py': of_size(size, name) for name, size in {'a': 1_999, 'b': 2_000, 'c': 24_000, 'd': 24_001}.items()}
    files |= {'é.py': 'x = "é"\n' + of_size(3_000, 'e'), 'f.py': 'x = 1\f\n' + of_size(3_000, 'f')}
    library(monkeypatch, tmp_path, files)
    asked: list[Path] = []
    monkeypatch.setattr(syntax, 'pieces', lambda paths, sealed, length: asked.extend(paths) or iter(()))
    with pytest.raises(ValueError, match=r'syntax: 0 pieces, 5 needed'):
        syntax.draw(np.random.default_rng(0), 5, False)
    assert {path.name for path in asked} == {'b.py', 'c.py', 'é.py', 'f.py'}

    def given(paths: list[Path], sealed: bool, length: int):
        for path in sorted(paths):
            rows = np.arange(60 * length).reshape(60, length).astype(np.uint8)
            yield path, rows, np.arange(60)

    monkeypatch.setattr(syntax, 'pieces', given)
    monkeypatch.setattr(syntax, 'of_bytes', lambda text: np.arange(60 * 64, dtype=np.int32) // 64)
    for sealed, most in ((False, 32), (True, 24)):
        part = syntax.draw(np.random.default_rng(0), most + 3, sealed)
        assert len(part) == most + 3 and len(part.y) == (most + 3) * 64
        assert (np.diff(part.y[::64][:most]) > 0).all(), 'in their order'
        with pytest.raises(ValueError, match=f'syntax: {2 * most} pieces, {2 * most + 1} needed'):
            syntax.draw(np.random.default_rng(0), 2 * most + 1, sealed)


def test_packages_have_as_many_pieces_each_of_modules_of_1_to_200_kilobytes(monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(library_packages, 'sources', lambda folders, *sizes: asked.append((folders, sizes)) or folders)

    def given(folders: tuple[str, ...], sealed: bool, length: int):
        for number in range(3):
            rows = np.random.default_rng([len(folders[0]), number]).integers(0, 256, (9, length)).astype(np.uint8)
            yield folders, rows, np.arange(1, 9)

    monkeypatch.setattr(library_packages, 'pieces', given)
    part = library_packages.draw(np.random.default_rng(0), 6 * 20, False)
    assert asked == [(library_packages.FOLDERS[name], (1_000, 200_000)) for name in library_packages.PACKAGES]
    assert part.y.tolist() == np.repeat(np.arange(6), 20).tolist() and len(part.x) == 120 * 128
    with pytest.raises(ValueError, match='packages: 24 windows of asyncio, 25 needed'):
        library_packages.draw(np.random.default_rng(0), 6 * 25, False)
    assert len(library_packages.draw(np.random.default_rng(0), 6 * 24, False)) == 144


def test_the_pool_of_the_library_is_four_times_what_is_asked_for_and_drawn_by_a_fixed_seed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    library(monkeypatch, tmp_path, {f'{number}.py': f'{number:04}' * 400 for number in range(20)})
    task = StdlibBytes(length=4, train=5, held=3)
    everything = task._windows(sealed=False)
    order = np.random.default_rng(0).permutation(len(everything.x))[:32]
    pool, sealed = task.pool(), task.test()
    assert (pool.x == everything.x[order]).all() and (pool.y == everything.y[order]).all()
    assert pool.group.tolist() == everything.group[order].tolist()
    own = task._windows(sealed=True)
    known = {row.tobytes() for row in everything.x}
    new = np.array([number for number, row in enumerate(own.x) if row.tobytes() not in known])
    chosen = np.random.default_rng(0).permutation(new)[:512]
    assert (sealed.x == own.x[chosen]).all() and sealed.group.tolist() == own.group[chosen].tolist()
