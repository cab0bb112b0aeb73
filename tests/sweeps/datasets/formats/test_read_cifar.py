"""CIFAR: both versions, folders and archives, the real batches, and batches that are missing or wrong."""

import gzip
import io
import lzma
import pickle
import tarfile

import numpy as np
import pytest

from sweeps.datasets.formats import cifar
from sweeps.datasets.formats.cifar import read_cifar

TEN = [f'data_batch_{number}' for number in range(1, 6)] + ['test_batch']
NAMES = {10: [f'class{i}' for i in range(10)], 100: [f'class{i}' for i in range(100)]}


@pytest.fixture
def small(monkeypatch):
    """Official batches of four examples, so that whole sets are small."""
    less = {classes: {split: dict.fromkeys(batches, 4) for split, batches in splits.items()}
            for classes, splits in cifar.BATCHES.items()}  # fmt: skip
    monkeypatch.setattr(cifar, 'BATCHES', less)


def images(batch: str, count: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Pixels [n, 32, 32, 3] and labels that differ from batch to batch."""
    generator = np.random.default_rng(sum(batch.encode()))
    return generator.integers(0, 256, (count, 32, 32, 3), np.uint8), generator.integers(0, 10, count)


def binary(batch: str, classes: int = 10, count: int = 4) -> bytes:
    x, y = images(batch, count)
    content = b''
    for image, label in zip(x, y.tolist(), strict=True):
        content += bytes([label] if classes == 10 else [7, label])
        content += b''.join(image[:, :, channel].tobytes() for channel in range(3))
    return content


def pickled(batch: str, classes: int = 10, count: int = 4) -> bytes:
    x, y = images(batch, count)
    data = np.stack([np.concatenate([image[:, :, channel].reshape(-1) for channel in range(3)]) for image in x])
    labels = {b'labels': y.tolist()} if classes == 10 else {b'coarse_labels': [7] * count, b'fine_labels': y.tolist()}
    return pickle.dumps({b'data': data, b'batch_label': b'x', **labels}, 2)


def whole(version: str, classes: int) -> dict[str, bytes]:
    """Every file of an official version."""
    batches = TEN if classes == 10 else ['train', 'test']
    if version == 'binary':
        names = 'batches.meta.txt' if classes == 10 else 'fine_label_names.txt'
        return {f'{x}.bin': binary(x, classes) for x in batches} | {names: '\n'.join([*NAMES[classes], '']).encode()}
    meta = ('batches.meta', b'label_names') if classes == 10 else ('meta', b'fine_label_names')
    return {x: pickled(x, classes) for x in batches} | {
        meta[0]: pickle.dumps({meta[1]: [x.encode() for x in NAMES[classes]]}, 2)
    }


def write(folder, files: dict[str, bytes]):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def archive(path, files: dict[str, bytes], mode: str):
    with tarfile.open(path, mode) as target:
        for name, content in files.items():
            entry = tarfile.TarInfo(f'cifar-batches/{name}')
            entry.size = len(content)
            target.addfile(entry, io.BytesIO(content))
    return path


@pytest.mark.parametrize('place', ['folder', 'above', 'tar.gz', 'tar.xz'])
@pytest.mark.parametrize('classes', [10, 100])
@pytest.mark.parametrize('version', ['binary', 'python'])
def test_whole_sets(tmp_path, small, version, classes, place):
    files = whole(version, classes)
    if place == 'folder':
        path = write(tmp_path / 'set', files)
    elif place == 'above':
        path = write(tmp_path / 'set' / f'cifar-{classes}-batches', files).parent
    else:
        path = archive(tmp_path / f'set.{place}', files, f'w:{place[-2:]}')
    splits, names = read_cifar(path, classes)
    assert names == NAMES[classes]
    assert sorted(splits) == ['test', 'train']
    batches = {'train': TEN[:5] if classes == 10 else ['train'], 'test': ['test_batch' if classes == 10 else 'test']}
    for split, (x, y) in splits.items():
        wanted = [images(batch) for batch in batches[split]]
        assert (x.dtype, y.dtype) == (np.uint8, np.int32)
        np.testing.assert_array_equal(x, np.concatenate([one for one, _ in wanted]))
        np.testing.assert_array_equal(y, np.concatenate([one for _, one in wanted]))


@pytest.mark.parametrize(('suffix', 'pack'), [('.xz', lzma.compress), ('.gz', gzip.compress)])
def test_packed_batches(tmp_path, small, suffix, pack):
    folder = write(tmp_path, {f'{name}.bin{suffix}': pack(binary(name)) for name in TEN})
    splits, names = read_cifar(folder)
    assert names is None
    np.testing.assert_array_equal(splits['test'][0], images('test_batch')[0])


def test_part_of_a_set(tmp_path, small):
    folder = write(
        tmp_path, {'data_batch_2.bin': binary('data_batch_2'), 'test_batch_first3.bin': binary('test_batch', count=3)}
    )
    with pytest.raises(ValueError, match=r'data_batch_1, data_batch_3, data_batch_4, data_batch_5 missing; there: '):
        read_cifar(folder)
    splits, _ = read_cifar(folder, partial=True)
    assert len(splits['train'][1]) == 4
    np.testing.assert_array_equal(splits['test'][0], images('test_batch', 3)[0])
    (folder / 'test_batch_first3.bin').unlink()
    with pytest.raises(ValueError, match='test_batch missing'):
        read_cifar(folder, partial=True)


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('data_batch_3.bin', binary('x')[:-1], r'data_batch_3\.bin: 12,291 bytes; allowed: a multiple of 3073'),
        ('data_batch_3.bin', b'', r'data_batch_3\.bin: 0 bytes'),
        ('data_batch_3.bin', binary('x', count=3), r'data_batch_3\.bin: 3 examples; allowed: 4'),
        ('data_batch_3.bin', b'\x0a' + binary('x')[1:], 'label 10 of example 0.*allowed: 0 to 9'),
        ('data_batch_3', pickled('x'), 'data_batch_3 is there twice'),
    ],
    ids=['size', 'empty', 'count', 'label', 'twice'],
)
def test_wrong_binary_batches(tmp_path, small, name, content, message):
    folder = write(tmp_path, whole('binary', 10) | {name: content})
    with pytest.raises(ValueError, match=message):
        read_cifar(folder)


class Asks:
    def __reduce__(self):
        import os

        return os.system, ('touch executed',)


GOOD = np.zeros((4, 3072), np.uint8)


@pytest.mark.parametrize(
    ('batch', 'message'),
    [
        ({'data': GOOD}, "no 'data' and 'labels'; there: \\['data'\\]"),
        ([GOOD, [0] * 4], "no 'data' and 'labels'; there: list"),
        ({'data': GOOD[:, 1:], 'labels': [0] * 4}, r'data uint8 \(4, 3071\)'),
        ({'data': GOOD.astype(np.int16), 'labels': [0] * 4}, 'data int16'),
        ({'data': GOOD, 'labels': [0] * 3}, r'\(3,\) labels'),
        ({'data': GOOD, 'labels': [0.5] * 4}, 'labels of float64'),
        ({'data': GOOD, 'labels': [0, 1, -1, 2]}, 'label -1 of example 2'),
        ({'data': GOOD[:3], 'labels': [0] * 3}, '3 examples; allowed: 4'),
        ({'data': GOOD, 'labels': Asks()}, 'nothing in it was executed'),
    ],
    ids=['labels', 'list', 'width', 'type', 'counts', 'fractions', 'range', 'examples', 'malicious'],
)
def test_wrong_pickled_batches(tmp_path, small, monkeypatch, batch, message):
    monkeypatch.chdir(tmp_path)
    folder = write(tmp_path / 'set', whole('python', 10) | {'data_batch_3': pickle.dumps(batch, 2)})
    with pytest.raises(ValueError, match=f'data_batch_3: .*{message}'):
        read_cifar(folder)
    assert [entry.name for entry in tmp_path.iterdir()] == ['set']


def test_wrong_calls(tmp_path, small):
    with pytest.raises(ValueError, match=r'CIFAR with 20 classes; allowed: \[10, 100\]'):
        read_cifar(tmp_path, 20)
    with pytest.raises(ValueError, match=r'data_batch_1, .* missing'):
        read_cifar(tmp_path)
    with pytest.raises(ValueError, match=r'train missing.*CIFAR-100'):
        read_cifar(write(tmp_path, whole('binary', 10)), 100)
    with pytest.raises(ValueError, match='9 class names; allowed: 10'):
        read_cifar(write(tmp_path, {'batches.meta.txt': b'a\n' * 9}))


def test_the_real_batches(shared):
    """Label counts and means as the folder's README has them."""
    splits, names = read_cifar(shared('cifar-10'), partial=True)
    x, y = splits['train']
    assert names[:3] == ['airplane', 'automobile', 'bird']
    assert np.bincount(y).tolist() == [1005, 974, 1032, 1016, 999, 937, 1030, 1001, 1025, 981]
    np.testing.assert_allclose(x.mean((0, 1, 2)) / 255, [0.4935, 0.4834, 0.4472], atol=5e-5)
    assert np.bincount(splits['test'][1]).tolist() == [103, 89, 100, 103, 90, 86, 112, 102, 106, 109]


def test_a_batch_has_no_more_bytes_than_any_batch(tmp_path, small, monkeypatch):
    for name, content in whole('binary', 10).items():
        (tmp_path / name).write_bytes(content)
    assert len(read_cifar(tmp_path).splits['train'][0]) == 20
    monkeypatch.setattr(cifar, 'MOST', 4 * 3073 - 1)
    with pytest.raises(ValueError, match=r'data_batch_1\.bin: more than 12,291 bytes; allowed: a batch of CIFAR; get it from'):
        read_cifar(tmp_path)
