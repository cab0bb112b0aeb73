"""Library files: windows of a split that are new, against a count by hand."""

import hashlib
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from sweeps.tasks.made import syntax
from sweeps.tasks.made.library_files import SEALED, pieces, sources
from sweeps.tasks.made.made_set import windows


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
