"""Preparing: splits without a common example, checksums, partial sets, interruptions, and several processes at a time."""

import gzip
import hashlib
import os
import signal
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from killed import killed

from ablations.tasks import own_task
from sweeps.datasets import catalog
from sweeps.datasets.material import Options
from sweeps.datasets.own import prepare_own
from sweeps.datasets.prepare import prepare
from sweeps.datasets.prepared import load
from sweeps.datasets.writing import Writing

PARTIAL = Options(partial=True, unverified=True)


def idx(path: Path, array: np.ndarray) -> None:
    """Write an IDX file of bytes, packed where the name says so."""
    content = bytes([0, 0, 8, array.ndim]) + struct.pack(f'>{array.ndim}I', *array.shape) + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == '.gz' else content)


def mnist(folder: Path, pool: np.ndarray, test: np.ndarray, labels: tuple = (None, None)) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for word, x, y in (('train', pool, labels[0]), ('t10k', test, labels[1])):
        idx(folder / f'{word}-images-idx3-ubyte.gz', x)
        idx(folder / f'{word}-labels-idx1-ubyte.gz', np.arange(len(x)) % 10 if y is None else y)
    return folder


def pictures(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 28, 28), np.uint8)


def rows(part) -> list[bytes]:
    return [np.asarray(part.example(number)).tobytes() for number in range(len(part))]


def test_what_stands_in_both_official_splits_is_only_test(tmp_path: Path):
    pool, test = pictures(20), pictures(8, seed=1)
    pool[3], pool[11] = test[5], test[5]
    pool[17] = pool[2]
    dataset, new = prepare('mnist', mnist(tmp_path / 'raw', pool, test), tmp_path, options=PARTIAL)
    assert new and dataset.about['dropped'] == 2 and dataset.about['sizes'] == {'pool': 18, 'test': 8}
    assert not set(rows(dataset.pool())) & set(rows(dataset.test()))
    places = [i for i in range(20) if i not in (3, 11)]
    assert np.array_equal(dataset.pool().x[..., 0], pool[places]) and dataset.pool().y.tolist() == [i % 10 for i in places]
    group = dataset.pool().group
    assert group[places.index(17)] == group[places.index(2)] and len(set(group.tolist())) == 17
    notes = ' '.join(dataset.about['notes'])
    assert '2 examples of the pool are identical to a test example' in notes and '1 examples of pool repeat another' in notes
    assert dataset.about['partial'] == ['20 of 60,000 pool examples', '8 of 10,000 test examples']


def test_a_split_by_hash_is_the_same_in_every_order(tmp_path: Path):
    lines = [f'C{"C" * (i % 37)}N{i}' for i in range(400)]
    lines += lines[:30]
    shuffled = [lines[i] for i in np.random.default_rng(2).permutation(len(lines))]
    splits = []
    for name, some in (('one', lines), ('two', shuffled)):
        (tmp_path / f'{name}.smi').write_text('\n'.join(some) + '\n')
        dataset, _ = prepare('smiles', tmp_path / f'{name}.smi', tmp_path, called=name)
        assert len(dataset.pool()) + len(dataset.test()) == 430 and dataset.about['dropped'] == 0
        splits.append((set(rows(dataset.pool())), set(rows(dataset.test()))))
        assert not splits[-1][0] & splits[-1][1]
    assert splits[0] == splits[1]
    hashes = {line.encode(): hashlib.blake2b(line.encode(), digest_size=16).hexdigest() for line in lines}
    wanted = {line for line, digest in hashes.items() if int(digest[:16], 16) / 2**64 < 0.1}
    assert splits[0][1] == wanted and 20 < len(wanted) < 65


def test_groups_hold_identical_examples_together(tmp_path: Path):
    (tmp_path / 'm.smi').write_text('CC\nCN\nCC\nCO\nCN\nCCC\nCF\nCCl\nCBr\nCI\nCCCC\nCCN\nCCO\n')
    dataset, _ = prepare('smiles', tmp_path / 'm.smi', tmp_path, called='m')
    for part in (dataset.pool(), dataset.test()):
        by_group: dict[int, set[bytes]] = {}
        for group, row in zip(part.group.tolist(), rows(part), strict=True):
            by_group.setdefault(group, set()).add(row)
        assert sorted(by_group) == list(range(len(by_group)))
        assert all(len(some) == 1 for some in by_group.values()) and len(by_group) == len(set(rows(part)))


def test_what_lacks_needs_partial_and_is_recorded(tmp_path: Path):
    raw = mnist(tmp_path / 'raw', pictures(20), pictures(8, seed=1))
    with pytest.raises(ValueError, match=r"'mnist' is not all there: 20 of 60,000 pool examples.*--partial"):
        prepare('mnist', raw, tmp_path, options=Options(unverified=True))
    assert not (tmp_path / 'prepared' / 'mnist').exists()


def test_checksums_are_compared_with_the_official_ones(tmp_path: Path):
    raw = mnist(tmp_path / 'raw', pictures(20), pictures(8, seed=1))
    with pytest.raises(ValueError, match=r'differs from the official file: MD5 [0-9a-f]{32}, not [0-9a-f]{32}; get the file'):
        prepare('mnist', raw, tmp_path, options=Options(partial=True))
    dataset, _ = prepare('mnist', raw, tmp_path, options=PARTIAL)
    first = dataset.about['sources'][0]
    assert first['sha256'] == hashlib.sha256((raw / first['file']).read_bytes()).hexdigest()
    assert first['official'].startswith('differs') and any('--unverified' in note for note in dataset.about['notes'])


def test_an_official_checksum_is_known_packed_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    raw = mnist(tmp_path / 'raw', pictures(20), pictures(8, seed=1))
    official = {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in sorted(raw.iterdir())}
    name = 't10k-images-idx3-ubyte'
    official[name] = hashlib.md5(gzip.decompress((raw / f'{name}.gz').read_bytes())).hexdigest()
    del official[f'{name}.gz']
    entry = catalog.DATASETS['mnist']
    monkeypatch.setitem(catalog.DATASETS, 'mnist', type(entry)(**{**vars(entry), 'md5': official}))
    dataset, _ = prepare('mnist', raw, tmp_path, options=Options(partial=True))
    assert [one['official'] for one in dataset.about['sources']] == ['matches'] * 4


def test_what_is_prepared_is_kept_unless_forced(tmp_path: Path):
    raw = mnist(tmp_path / 'raw', pictures(20), pictures(8, seed=1))
    first, _ = prepare('mnist', raw, tmp_path, options=PARTIAL)
    mnist(raw, pictures(30, seed=3), pictures(8, seed=1))
    again, new = prepare('mnist', None, tmp_path, options=PARTIAL)
    assert not new and again.about['digest'] == first.about['digest']
    with pytest.raises(ValueError, match=r'is prepared already, with grey False, not True; add --force'):
        prepare('mnist', raw, tmp_path, options=Options(partial=True, unverified=True, grey=True))
    forced, new = prepare('mnist', raw, tmp_path, options=PARTIAL, force=True)
    assert new and forced.about['sizes']['pool'] == 30


def test_files_in_the_data_folder_are_found(tmp_path: Path):
    mnist(tmp_path / 'mnist', pictures(20), pictures(8, seed=1))
    assert prepare('mnist', None, tmp_path, options=PARTIAL)[1]
    with pytest.raises(ValueError, match=r"no files of 'kmnist' under .*looked for kmnist.*--source PATH"):
        prepare('kmnist', None, tmp_path)
    with pytest.raises(ValueError, match='no such file or folder'):
        prepare('kmnist', tmp_path / 'nowhere', tmp_path)


def damaged_labels(folder: Path) -> None:
    idx(folder / 'train-labels-idx1-ubyte.gz', np.full(20, 10))


def cut_short(folder: Path) -> None:
    path = folder / 't10k-images-idx3-ubyte.gz'
    path.write_bytes(path.read_bytes()[:-20])


def other_counts(folder: Path) -> None:
    idx(folder / 't10k-labels-idx1-ubyte.gz', np.zeros(7))


def exchanged(folder: Path) -> None:
    (folder / 'train-labels-idx1-ubyte.gz').write_bytes((folder / 'train-images-idx3-ubyte.gz').read_bytes())


def gone(folder: Path) -> None:
    (folder / 't10k-labels-idx1-ubyte.gz').unlink()


DAMAGE = [
    (damaged_labels, 'label 10 of example 0'),
    (cut_short, 'damaged or cut short'),
    (other_counts, '8 images and 7 labels'),
    (exchanged, 'are images and labels exchanged'),
    (gone, 'no t10k-labels-idx1-ubyte'),
]


@pytest.mark.parametrize(('damage', 'message'), DAMAGE, ids=[damage.__name__ for damage, _ in DAMAGE])
def test_damaged_files_are_errors_and_leave_nothing(tmp_path: Path, damage, message: str):
    raw = mnist(tmp_path / 'raw', pictures(20), pictures(8, seed=1))
    damage(raw)
    with pytest.raises(ValueError, match=message):
        prepare('mnist', raw, tmp_path, options=PARTIAL)
    assert [path.name for path in (tmp_path / 'prepared').iterdir()] == ['.mnist.lock']


@pytest.mark.parametrize(('name', 'message'), [('mnits', "Did you mean 'mnist'"), ('text', 'give the set a name: --name')])
def test_unknown_sets_are_refused(tmp_path: Path, name: str, message: str):
    with pytest.raises(ValueError, match=message):
        prepare(name, tmp_path, tmp_path)


SLOW = """
import sys, time
from pathlib import Path
from sweeps.datasets.material import Options
from sweeps.datasets.own import prepare_own
from sweeps.datasets.prepare import prepare

def told(stage, done, total):
    if stage == 'examples':
        Path(sys.argv[2], 'begun').touch()
        time.sleep(60)

prepare('mnist', Path(sys.argv[1]), Path(sys.argv[2]), options=Options(partial=True, unverified=True), progress=told)
"""


def test_a_killed_preparation_leaves_nothing_half_made(tmp_path: Path):
    raw = mnist(tmp_path / 'raw', pictures(20), pictures(8, seed=1))
    killed(SLOW, raw, tmp_path)
    left = sorted(path.name for path in (tmp_path / 'prepared').iterdir())
    assert len(left) == 2 and left[0].startswith('.mnist.aside-') and not (tmp_path / 'prepared' / 'mnist').exists()
    dataset, new = prepare('mnist', raw, tmp_path, options=PARTIAL)
    assert new and dataset.damaged() == [] and np.array_equal(dataset.pool().x[..., 0], pictures(20))
    assert sorted(path.name for path in (tmp_path / 'prepared').iterdir()) == ['.mnist.lock', 'mnist']


def test_a_leftover_that_cannot_be_removed_is_no_hindrance(tmp_path: Path):
    left = tmp_path / 'prepared' / '.mnist.aside-0'
    left.parent.mkdir()
    left.write_text('a file in the place of a folder')
    dataset, new = prepare('mnist', mnist(tmp_path / 'raw', pictures(20), pictures(8, seed=1)), tmp_path, options=PARTIAL)
    assert new and dataset.damaged() == [] and left.is_file()


def test_two_at_the_same_time_make_it_once(tmp_path: Path):
    raw = mnist(tmp_path / 'raw', pictures(20), pictures(8, seed=1))
    inside, waited, made = threading.Event(), threading.Event(), {}

    def told(stage: str, done: int, total: int | None) -> None:
        if 'waiting' in stage:
            waited.set()
        elif stage == 'examples' and not inside.is_set():
            inside.set()
            assert waited.wait(20)

    def work(number: int) -> None:
        made[number] = prepare('mnist', raw, tmp_path, options=PARTIAL, progress=told)

    first = threading.Thread(target=work, args=(1,))
    first.start()
    assert inside.wait(20)
    second = threading.Thread(target=work, args=(2,))
    second.start()
    first.join(30)
    second.join(30)
    assert (made[1][1], made[2][1]) == (True, False)
    assert made[1][0].about['digest'] == made[2][0].about['digest'] == load(tmp_path / 'prepared' / 'mnist').about['digest']


@pytest.mark.parametrize('is_closed', [False, True], ids=['full disk', 'closed before'])
def test_what_cannot_be_closed_does_not_hide_the_error_before(tmp_path: Path, is_closed: bool):
    writers = [Writing(tmp_path / name, ragged=False) for name in ('pool', 'test')]
    if not is_closed:
        (tmp_path / 'pool' / 'x.npy').symlink_to('/dev/full')
    for writer in writers:
        writer.add(pictures(2), None, [bytes(16), bytes(16)])
        if is_closed:
            writer.close(None)
    with pytest.raises(ValueError, match='the first error'):
        try:
            raise ValueError('the first error')
        except ValueError:
            for writer in writers:
                writer.abandon()
            raise
    assert all(file._file.closed for writer in writers for file in writer._files.values())


@pytest.fixture
def in_time(monkeypatch) -> Iterator[None]:
    """Whoever waits for a pipe or reads a device to its end is interrupted."""

    def late(*_: object) -> None:
        raise TimeoutError('it waits')

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 10)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize('kind', ['pipe', 'device'])
@pytest.mark.parametrize('name', [*catalog.DATASETS, *own_task.READERS])
def test_a_source_that_is_a_pipe_or_a_device_is_not_waited_for(tmp_path: Path, name: str, kind: str, in_time):
    source = tmp_path / 'source.csv'
    os.mkfifo(source) if kind == 'pipe' else source.symlink_to('/dev/zero')
    with pytest.raises(ValueError, match='neither a file nor a folder'):
        if name in catalog.DATASETS:
            prepare(name, source, tmp_path, 'mine')
        else:
            prepare_own(name, source, 'mine', Options(), tmp_path)


@pytest.mark.parametrize(
    'name', ['a.csv', 'a.jsonl', 'a.parquet', 'a.txt', 'a.smi', 'a.bin', 'a.wav', 'a_TRAIN.ts', 'x.npy', 'a.tar']
)
@pytest.mark.parametrize('reader', [name for name in own_task.READERS if name not in ('function', 'which_set')])
def test_a_pipe_among_the_files_of_a_source_is_not_waited_for(tmp_path: Path, reader: str, name: str, in_time):
    for place in (tmp_path / 'source', tmp_path / 'source' / 'train' / 'a'):
        place.mkdir(parents=True, exist_ok=True)
        os.mkfifo(place / name)
        os.mkfifo(place / 'one.png')
        (place / 'x_TEST.tsv').symlink_to('/dev/zero')
    with pytest.raises(ValueError):
        prepare_own(reader, tmp_path / 'source', 'mine', Options(), tmp_path)
