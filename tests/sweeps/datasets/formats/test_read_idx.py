"""IDX: every type, the real Fashion-MNIST, and every way in which a file can be wrong."""

import gzip
import struct

import numpy as np
import pytest

from sweeps.datasets.formats.idx import read_idx, read_labelled


def idx_bytes(values: np.ndarray, kind: int) -> bytes:
    """Written by hand: the types of the format, big endian."""
    codes = {0x08: 'B', 0x09: 'b', 0x0B: 'h', 0x0C: 'i', 0x0D: 'f', 0x0E: 'd'}
    head = struct.pack(f'>BBBB{values.ndim}I', 0, 0, kind, values.ndim, *values.shape)
    return head + struct.pack(f'>{values.size}{codes[kind]}', *values.reshape(-1).tolist())


@pytest.mark.parametrize('suffix', ['', '.gz', '.xz'])
@pytest.mark.parametrize(
    ('kind', 'dtype'), [(0x08, 'u1'), (0x09, 'i1'), (0x0B, 'i2'), (0x0C, 'i4'), (0x0D, 'f4'), (0x0E, 'f8')]
)
def test_every_type(packed, kind, dtype, suffix):
    values = (np.arange(24).reshape(2, 3, 4) * (5 if dtype == 'u1' else -5)).astype(dtype)
    array = read_idx(packed(f'values{suffix}', idx_bytes(values, kind)))
    assert array.dtype == np.dtype(dtype)
    assert array.dtype.isnative
    np.testing.assert_array_equal(array, values)


GOOD = idx_bytes(np.arange(20).reshape(5, 2, 2), 0x08)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'starts with '),
        (b'\0\0\x08', 'starts with 00 00 08;'),
        (b'\x89PNG' + GOOD[4:], 'starts with 89 50 4e 47.*not an IDX file'),
        (b'\0\0\x0a\x03' + GOOD[4:], 'starts with 00 00 0a 03'),
        (b'\0\0\x08\0' + GOOD[4:], 'starts with 00 00 08 00'),
        (GOOD[:10], 'cut short inside its header'),
        (GOOD[:-1], r'5 x 2 x 2 values of 1 bytes, 20 bytes; it has 19'),
        (GOOD + b'\0', 'goes on after the 5 x 2 x 2 values'),
        (GOOD[:4] + b'\xff\xff\xff\xff' * 3 + GOOD[16:], '4294967295 x 4294967295 x 4294967295'),
    ],
    ids=['empty', 'short', 'png', 'type', 'axes', 'header', 'fewer', 'more', 'huge'],
)
def test_wrong_files(packed, content, message):
    for name in ('images', 'images.gz'):
        if content or name == 'images':
            with pytest.raises(ValueError, match=f'{name}: .*{message}'):
                read_idx(packed(name, content))


def test_a_cut_gzip(packed):
    path = packed('images', gzip.compress(idx_bytes(np.random.default_rng(0).integers(0, 255, (9, 9, 9)), 0x08))[:-300])
    with pytest.raises(ValueError, match='images: damaged or cut short'):
        read_idx(path)


@pytest.mark.parametrize(
    ('images', 'labels', 'message'),
    [
        (np.zeros((3, 2, 2)), np.array([0, 1, 10]), 'label 10 of example 2 .* allowed: 0 to 9'),
        (np.zeros((3, 2, 2)), np.array([0, 1]), '3 images .* 2 labels'),
        (np.zeros((3, 2)), np.array([0, 1, 2]), 'give the images file'),
        (np.zeros((3, 2, 2)), np.zeros((3, 2, 2)), 'give the labels file'),
    ],
    ids=['range', 'counts', 'images', 'labels'],
)
def test_images_and_labels_belong_together(packed, images, labels, message):
    paths = [packed(name, idx_bytes(values.astype(int), 0x08)) for name, values in (('images', images), ('labels', labels))]
    with pytest.raises(ValueError, match=message):
        read_labelled(*paths, 10)


def test_fashion_mnist(shared):
    """Counts and means as the folder's README has them, measured there by another parser."""
    folder = shared('fashion-mnist')
    for split, count, mean in (('train', 60_000, 72.940), ('t10k', 10_000, 73.147)):
        x, y = read_labelled(folder / f'{split}-images-idx3-ubyte.gz', folder / f'{split}-labels-idx1-ubyte.gz', 10)
        assert x.shape == (count, 28, 28)
        assert x.dtype == np.uint8
        assert abs(x.mean() - mean) < 5e-4
        assert np.bincount(y).tolist() == [count // 10] * 10
