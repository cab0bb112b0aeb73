"""Small sets of images as their archives hold them, for the tests of unpacking."""

import gzip
import io
import struct
from pathlib import Path

import numpy as np
from packed import as_tar, as_zip
from scipy.io import savemat

CODES = ['n01440764', 'n01443537', 'n02077923']


def png(array: np.ndarray) -> bytes:
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(array).save(content, 'PNG')
    return content.getvalue()


def colours(count: int, seed: int = 0) -> list[bytes]:
    return [png(x) for x in np.random.default_rng(seed).integers(0, 256, (count, 6, 6, 3), np.uint8)]


def as_tar_gz(files: dict[str, bytes]) -> bytes:
    return as_tar(files, 'w:gz')


def as_class_tars(files: dict[str, bytes]) -> bytes:
    """A tar with CLASS.tar for each class, which holds its images without a folder."""
    by_class: dict[str, dict[str, bytes]] = {}
    for name, content in files.items():
        by_class.setdefault(name.split('/')[0], {})[name.split('/')[1]] = content
    return as_tar({f'{code}.tar': as_tar(some) for code, some in by_class.items()})


PACKERS = {'zip': as_zip, 'tar': as_tar, 'tar.gz': as_tar_gz}


def lay(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files below a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def within(root: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {f'{root}/{name}': content for name, content in files.items()}


def left(data: Path) -> list[str]:
    """What lies beside the locks of prepared sets."""
    return sorted(path.name for path in (data / 'prepared').iterdir() if not path.name.endswith('.lock'))


def tiny() -> dict[str, bytes]:
    """Tiny ImageNet with three classes, two images each for training and one for validation."""
    x = colours(9)
    files = {f'train/{code}/images/{code}_{i}.JPEG': x[3 * i + j] for j, code in enumerate(CODES) for i in range(2)}
    files |= {f'val/images/val_{i}.JPEG': x[6 + i] for i in range(3)}
    lines = [f'val_{i}.JPEG\t{code}\t0\t0\t5\t5\n' for i, code in enumerate(reversed(CODES))]
    return files | {
        'wnids.txt': '\n'.join(CODES).encode(),
        'words.txt': f'{CODES[0]}\ttench, Tinca tinca\n'.encode(),
        'val/val_annotations.txt': ''.join(lines).encode(),
        'test/images/test_0.JPEG': b'never looked at',
    }


def imagenet() -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Images of train as CODE/name and of val as name; of the val images the classes are 2, 0, 1."""
    x = colours(9)
    train = {f'{code}/{code}_{i}.JPEG': x[3 * i + j] for j, code in enumerate(CODES) for i in range(2)}
    return train, {f'ILSVRC2012_val_0000000{i + 1}.JPEG': x[6 + i] for i in range(3)}


SOLUTION = 'ImageId,PredictionString\n' + ''.join(
    f'ILSVRC2012_val_0000000{i + 1},{CODES[label]} 1 2 3 4 \n' for i, label in enumerate((2, 0, 1))
)


def devkit() -> dict[str, bytes]:
    """The development kit, in which the classes have the numbers 9, 8 and 7."""
    table = np.zeros((3, 1), [('ILSVRC2012_ID', object), ('WNID', object)])
    for row, (number, code) in enumerate(zip((9, 8, 7), CODES, strict=True)):
        table[row, 0] = (np.array([[number]], np.uint16), code)
    meta = io.BytesIO()
    savemat(meta, {'synsets': table})
    kit = {'data/meta.mat': meta.getvalue(), 'data/ILSVRC2012_validation_ground_truth.txt': b'7\n9\n8\n', 'readme.txt': b'-'}
    return within('ILSVRC2012_devkit_t12', kit)


def official(train: dict, val: dict) -> dict[str, bytes]:
    return {
        'ILSVRC2012_img_train.tar': as_class_tars(train),
        'ILSVRC2012_img_val.tar': as_tar(val),
        'ILSVRC2012_devkit_t12.tar.gz': as_tar_gz(devkit()),
    }


def kaggle(train: dict, val: dict) -> dict[str, bytes]:
    images = within('train', train) | within('val', val) | {'test/ILSVRC2012_test_00000001.JPEG': b'unread'}
    boxes = {'ILSVRC/Annotations/CLS-LOC/train/n01440764/n01440764_0.xml': b'<annotation/>'}
    return within('ILSVRC/Data/CLS-LOC', images) | boxes


LISTS = {'LOC_val_solution.csv': SOLUTION.encode(), 'LOC_sample_submission.csv': b'ImageId,PredictionString\n'}
PATCHED = 'imagenet_object_localization_patched2019.tar.gz'
IMAGENET = {
    'official': official,
    'kaggle': lambda *x: {'imagenet-object-localization-challenge.zip': as_zip(kaggle(*x) | LISTS)},
    'kaggle_nested': lambda *x: {
        'imagenet-object-localization-challenge.zip': as_zip({PATCHED: as_tar_gz(kaggle(*x))} | LISTS)
    },
    'kaggle_tar': lambda *x: {PATCHED: as_tar_gz(kaggle(*x))} | LISTS,
    'kaggle_tar_zip': lambda *x: {PATCHED: as_tar_gz(kaggle(*x)), 'LOC_val_solution.csv.zip': as_zip(LISTS)},
    'val_only': lambda train, val: (
        within('train', train) | {name: x for name, x in official(train, val).items() if 'train' not in name}
    ),
    'with_a_list': lambda train, val: (
        official(train, val)
        | {
            'ILSVRC2012_devkit_t12.tar.gz': b'not opened',
            'val.txt': ''.join(f'{n} {i}\n' for n, i in zip(val, (2, 0, 1), strict=True)).encode(),
        }
    ),
}


def emnist(splits: tuple[str, ...]) -> dict[str, bytes]:
    """What gzip.zip holds of some splits of EMNIST: six examples for training and three for testing, labels from 1."""
    files = {}
    for seed, split in enumerate(splits):
        x = np.random.default_rng(seed).integers(0, 256, (9, 28, 28), np.uint8)
        for word, some in (('train', slice(0, 6)), ('test', slice(6, 9))):
            for kind, array in (('images-idx3', x[some]), ('labels-idx1', np.arange(1, 10, dtype=np.uint8)[some])):
                header = bytes([0, 0, 8, array.ndim]) + struct.pack(f'>{array.ndim}I', *array.shape)
                files[f'gzip/emnist-{split}-{word}-{kind}-ubyte.gz'] = gzip.compress(header + array.tobytes(), mtime=0)
    return files


def pets() -> dict[str, bytes]:
    """Cats and dogs: six images for training, four for testing."""
    x = colours(10)
    train = {f'train/{("cat", "dog")[i % 2]}/{i}.png': x[i] for i in range(6)}
    return train | {f'test/{("cat", "dog")[i % 2]}/{i}.png': x[i] for i in range(6, 10)}
