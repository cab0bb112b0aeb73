"""IDX: arrays of the MNIST family. Two zero bytes, a type, a count of axes, their lengths (big endian), then the values."""

import math
import struct
from pathlib import Path

import numpy as np

from sweeps.datasets.formats.archives import open_stream, read_exactly
from sweeps.datasets.formats.labels import checked_labels

TYPES = {0x08: '>u1', 0x09: '>i1', 0x0B: '>i2', 0x0C: '>i4', 0x0D: '>f4', 0x0E: '>f8'}


def read_idx(path: Path) -> np.ndarray:
    """The array of an IDX file, packed or not, in the machine's own byte order.

    Raises ValueError on a wrong magic number, on fewer values than the header says and on bytes after the last one.
    """
    with open_stream(path) as stream:
        magic = stream.read(4)
        if len(magic) < 4 or magic[:2] != b'\0\0' or magic[2] not in TYPES or not magic[3]:
            raise ValueError(
                f'{path}: starts with {magic.hex(" ")}; allowed: 00 00, a type ({", ".join(f"{kind:02x}" for kind in TYPES)}) '
                'and a count of axes; this is not an IDX file'
            )
        lengths = stream.read(4 * magic[3])
        if len(lengths) < 4 * magic[3]:
            raise ValueError(f'{path}: cut short inside its header; get the file again')
        shape = struct.unpack(f'>{magic[3]}I', lengths)
        dtype = np.dtype(TYPES[magic[2]])
        wanted = math.prod(shape) * dtype.itemsize
        content = read_exactly(stream, wanted)
        header = ' x '.join(map(str, shape))
        if len(content) < wanted:
            raise ValueError(
                f'{path}: its header says {header} values of {dtype.itemsize} bytes, {wanted:,} bytes; it has '
                f'{len(content):,}; get the file again'
            )
        if stream.read(1):
            raise ValueError(f'{path}: goes on after the {header} values that its header says; get the file again')
    return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder('='))


def read_labelled(images: Path, labels: Path, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Images [n, h, w] uint8 and their labels [n] int32 from two IDX files.

    Raises ValueError if the two files do not belong together, or a label is outside 0 to classes - 1.
    """
    x, y = read_idx(images), read_idx(labels)
    if x.ndim != 3 or x.dtype != np.uint8:
        raise ValueError(f'{images}: {x.ndim} axes of {x.dtype}; allowed: images as 3 axes of uint8; give the images file')
    if y.ndim != 1 or y.dtype.kind not in 'iu':
        raise ValueError(f'{labels}: {y.ndim} axes of {y.dtype}; allowed: labels as 1 axis of integers; give the labels file')
    if len(x) != len(y):
        raise ValueError(
            f'{len(x)} images in {images}, {len(y)} labels in {labels}; allowed: one each; give files of one split'
        )
    return x, checked_labels(y, classes, str(labels))
