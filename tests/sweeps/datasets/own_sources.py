"""Sources of sets of one's own: small files of every reader, made for a test."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import made_sets as made
import numpy as np
from packed import as_tar
from packed_sets import colours

from sweeps.datasets.own import options_of, prepare_own
from sweeps.datasets.prepared import Prepared


def prepared(tmp_path: Path, reader: str, source: Path, **options: object) -> Prepared:
    return prepare_own(reader, source, 'mine', options_of(reader, options), tmp_path)[0]


def npz(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)
    return path


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding='utf-8')
    return path


X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = np.arange(40) % 2
GREY = np.random.default_rng(1).integers(0, 256, (40, 8, 8), np.uint8)


def text_of(name: str, text: str) -> Callable[[Path], Path]:
    return lambda at: written(at / name, text)


def npz_of(**arrays: object) -> Callable[[Path], Path]:
    return lambda at: npz(at / 'a.npz', **arrays)


def PACKED_NPZ(at: Path) -> Path:
    """Some kilobytes that unpack to 24 megabytes."""
    np.savez_compressed(at / 'a.npz', x=np.zeros((2_000, 32, 32, 3), np.float32), y=np.zeros(2_000, np.int32))
    return at / 'a.npz'


def LYING_NPZ(at: Path) -> Path:
    """An array by whose header no machine could hold it."""
    with zipfile.ZipFile(at / 'a.npz', 'w') as archive, archive.open('x.npy', 'w') as file:
        np.lib.format.write_array_header_1_0(file, {'descr': '<f8', 'fortran_order': False, 'shape': (10**14, 8)})
        file.write(bytes(64))
    return at / 'a.npz'


def IMAGES(at: Path) -> Path:
    return made.images(at / 'i', 8)


def TABLE(at: Path) -> Path:
    return made.rows(at / 'r.csv')


def listed(at: Path, ending: str) -> Path:
    """A table of the files below a folder, with the folder of each as its class."""
    files = sorted(at.rglob(f'*{ending}'))
    return made.table(at / 'files.csv', [['file', 'kind'], *([path.relative_to(at), path.parent.name] for path in files)])


def shard(path: Path) -> Path:
    """Documents of one to five tokens, each with the token 0 before it."""
    tokens = [token for number in range(60) for token in (0, *range(1 + number, 1 + number + number % 5))]
    np.array(tokens, np.uint16).tofile(path)
    return path


def tar(path: Path) -> Path:
    """A WebDataset shard of thirty images of two classes."""
    files = {
        f'{n}.{end}': content for n, x in enumerate(colours(30)) for end, content in (('png', x), ('cls', b'%d' % (n % 2)))
    }
    path.write_bytes(as_tar(files))
    return path


PATHS = {'inputs': ('file',), 'target': ('kind',)}


def REVIEWS(at: Path) -> Path:
    return made.reviews(at / 'r.jsonl')


def ESOL(at: Path) -> Path:
    return made.esol(at / 'e.csv')


SOLUBILITY = 'measured log solubility in mols per litre'
INPUTS = ('age', 'city', 'weight')
SHORT = ('csv', {'inputs': ('a',), 'target': ('b',)})
ROWS = '\n'.join(f'{n / 7:.2f},{"xy"[n % 2]},g{n % 3}' for n in range(30))
