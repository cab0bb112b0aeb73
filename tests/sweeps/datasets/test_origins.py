"""Origins: files beside their official checksums, packed or not; and the lock of a folder that is made."""

import gzip
import hashlib
from pathlib import Path

import pytest

from sweeps.datasets.aside import locked, unpacked_aside
from sweeps.datasets.origins import EACH, origins

CONTENT = b'what the file holds'


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    ('name', 'official', 'verdict'),
    [
        ('a.bin', {}, 'no official checksum known'),
        ('a.bin', {'b.bin': md5(CONTENT)}, 'no official checksum known'),
        ('a.bin', {'a.bin': md5(CONTENT)}, 'matches'),
        ('a.bin.gz', {'a.bin': md5(CONTENT)}, 'matches'),
        ('a.bin.gz', {'a.bin.gz': None, 'a.bin': md5(b'other')}, 'matches'),
        ('a.zip', {'a': md5(CONTENT)}, 'no official checksum known'),
        ('a', {'': md5(CONTENT)}, 'no official checksum known'),
    ],
    ids=['none', 'of another', 'own', 'of the content', 'its own comes first', 'no packed file', 'no ending'],
)
def test_a_file_is_compared_with_what_is_official(tmp_path: Path, name: str, official: dict, verdict: str):
    content = gzip.compress(CONTENT, mtime=0) if name.endswith('.gz') else CONTENT
    (tmp_path / name).write_bytes(content)
    official = {key: md5(content) if value is None else value for key, value in official.items()}
    (one,), notes = origins([tmp_path / name], official, False)
    sha256 = hashlib.sha256(content).hexdigest()
    assert one == {'file': name, 'bytes': len(content), 'sha256': sha256, 'official': verdict} and notes == []


@pytest.mark.parametrize('packed', [False, True])
def test_a_file_that_differs_is_refused_or_taken_with_a_note(tmp_path: Path, packed: bool):
    path = tmp_path / ('a.bin.gz' if packed else 'a.bin')
    path.write_bytes(gzip.compress(CONTENT) if packed else CONTENT)
    official = {'a.bin': md5(b'other')}
    said = f'differs from the official file: MD5 {md5(CONTENT)}, not {md5(b"other")}'
    with pytest.raises(ValueError, match=f'{path.name}: {said}; get the file again, or go on with --unverified'):
        origins([path], official, False)
    (one,), (note,) = origins([path], official, True)
    assert one['official'] == said and note == f'{path.name}: {said}; taken all the same (--unverified)'


def test_many_files_are_told_by_their_number_and_sizes(tmp_path: Path):
    paths = [tmp_path / f'{number:03}' for number in range(EACH + 1)]
    for path in paths:
        path.write_bytes(b'abc')
    assert len(origins(paths[:EACH], {}, False)[0]) == EACH
    (one,), notes = origins(paths, {}, False)
    told = ''.join(f'{tmp_path.name}/{path.name} 3\n' for path in paths)
    sha256 = hashlib.sha256(told.encode()).hexdigest()
    assert one == {'files': EACH + 1, 'bytes': 3 * (EACH + 1), 'names_and_sizes_sha256': sha256} and notes == []
    paths[5].write_bytes(b'abcd')
    assert origins(paths, {}, False)[0][0]['names_and_sizes_sha256'] != one['names_and_sizes_sha256']


def test_leftovers_go_once_the_folder_is_locked_and_others_stay(tmp_path: Path):
    folder = tmp_path / 'deep' / 'mine'
    for name in ('.mine.unpacked-1', '.mine.aside-2', '.other.unpacked-1', '.mine.before', 'mine'):
        (folder.parent / name).mkdir(parents=True)
    waited = []
    with locked(folder, lambda: waited.append(1)):
        there = {path.name for path in folder.parent.iterdir()}
        with unpacked_aside(folder) as place:
            assert place.is_dir() and place.name.startswith('.mine.unpacked-')
            (place / 'file').touch()
        assert not place.exists()
    assert there == {'.mine.lock', '.other.unpacked-1', '.mine.before', 'mine'} and not waited
    (tmp_path / 'file').touch()
    with (
        pytest.raises(ValueError, match=r'file: cannot be written \(.*\); give --data a folder'),
        locked(tmp_path / 'file' / 'a'),
    ):
        pass
