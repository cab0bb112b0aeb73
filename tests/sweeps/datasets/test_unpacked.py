"""Archives of image sets: what is prepared from them is, bit by bit, what their folders give."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
from packed_sets import (
    IMAGENET,
    PACKERS,
    SOLUTION,
    as_tar,
    as_zip,
    colours,
    emnist,
    imagenet,
    lay,
    left,
    official,
    pets,
    tiny,
    within,
)

from sweeps.datasets import catalog, unpacked
from sweeps.datasets.catalog import DATASETS
from sweeps.datasets.dataset import Archive
from sweeps.datasets.inventory import listing
from sweeps.datasets.material import Options
from sweeps.datasets.prepare import prepare
from sweeps.datasets.prepared import Prepared
from sweeps.datasets.unpacked import archives_of

PARTIAL = Options(partial=True, unverified=True)


def same(one: Prepared, other: Prepared) -> None:
    for key in ('digest', 'checksums', 'classes', 'sizes', 'shape', 'dropped', 'partial', 'test_split', 'mean'):
        assert one.about[key] == other.about[key], key
    assert np.array_equal(one.pool().x, other.pool().x) and np.array_equal(one.test().y, other.test().y)


@pytest.mark.parametrize('root', ['', 'pets', 'a/b'])
@pytest.mark.parametrize('packer', PACKERS)
def test_an_archive_of_an_image_folder(tmp_path: Path, packer: str, root: str):
    wanted, _ = prepare('image_folder', lay(tmp_path / 'folder', pets()), tmp_path / 'one', called='pets')
    files = within(root, pets()) if root else pets()
    # What a Mac adds to the archives that it makes is no class.
    files |= {'__MACOSX/train/cat/._0.png': b'x', '.DS_Store': b'y'}
    path = tmp_path / f'pets.{packer}'
    path.write_bytes(PACKERS[packer](files))
    dataset, new = prepare('image_folder', path, tmp_path / 'two', called='pets')
    assert new and left(tmp_path / 'two') == ['pets'] and dataset.damaged() == []
    same(dataset, wanted)
    assert dataset.about['sources'][0] == {
        'file': path.name,
        'bytes': path.stat().st_size,
        'sha256': hashlib.sha256(path.read_bytes()).hexdigest(),
        'official': 'no official checksum known',
    }
    assert dataset.about['sources'][1:] == wanted.about['sources'] and len(wanted.about['sources']) == 10


@pytest.mark.parametrize('root', ['', 'pets/'])
def test_a_tar_of_a_tar_for_each_class(tmp_path: Path, root: str):
    files = {f'{("cat", "dog")[i % 2]}/{i}.png': content for i, content in enumerate(colours(60))}
    wanted, _ = prepare('image_folder', lay(tmp_path / 'folder', files), tmp_path / 'one', called='pets')
    inner = {
        f'{root}{code}.tar': as_tar({f'./{n[4:]}': x for n, x in files.items() if n[:3] == code}) for code in ('cat', 'dog')
    }
    path = tmp_path / 'pets.tar'
    path.write_bytes(as_tar(inner | {f'{root}._cat.tar': b'no tar'}))
    dataset, _ = prepare('image_folder', path, tmp_path / 'two', called='pets')
    same(dataset, wanted)


def test_the_zip_of_tiny_imagenet(tmp_path: Path):
    wanted, _ = prepare('tiny_imagenet', lay(tmp_path / 'folder', tiny()), tmp_path / 'one', options=PARTIAL)
    path = lay(tmp_path / 'packed', {'tiny-imagenet-200.zip': as_zip(within('tiny-imagenet-200', tiny()))})
    told, there = [], []

    def tell(stage: str, done: int, total: int | None) -> None:
        told.append(stage)
        if stage == 'looking at the files':
            there.extend(p.name for p in (tmp_path / 'two' / 'prepared').glob('.tiny_imagenet.unpacked-*/*/*'))

    dataset, _ = prepare('tiny_imagenet', path, tmp_path / 'two', options=PARTIAL, progress=tell)
    same(dataset, wanted)
    assert dataset.about['classes'][0] == 'n01440764 tench'
    # It says so, and test images without labels are not unpacked.
    assert 'unpacking tiny-imagenet-200.zip (MB)' in told and sorted(there) == ['train', 'val', 'wnids.txt', 'words.txt']
    assert left(tmp_path / 'two') == ['tiny_imagenet']
    # The zip itself as the source, beside a folder that somebody has unpacked from it.
    lay(path / 'tiny-imagenet-200', {'wnids.txt': b'other'})
    again, _ = prepare('tiny_imagenet', path / 'tiny-imagenet-200.zip', tmp_path / 'three', options=PARTIAL)
    same(again, wanted)


def test_what_is_unpacked_already_is_read_as_it_lies(tmp_path: Path):
    files = within('tiny-imagenet-200', tiny()) | {'tiny-imagenet-200.zip': b'not even opened'}
    dataset, _ = prepare('tiny_imagenet', lay(tmp_path / 'raw', files), tmp_path, options=PARTIAL)
    assert dataset.about['sizes'] == {'pool': 6, 'test': 3}
    assert 'tiny-imagenet-200.zip' not in [one['file'] for one in dataset.about['sources']]


def test_an_archive_in_the_data_folder_is_found(tmp_path: Path):
    lay(tmp_path / 'tiny_imagenet', {'tiny-imagenet-200.zip': as_zip(within('tiny-imagenet-200', tiny()))})
    known = listing(tmp_path)['tiny_imagenet']
    assert known['state'] == 'found' and known['get'].startswith('tiny-imagenet-200.zip as it is')
    assert prepare('tiny_imagenet', None, tmp_path, options=PARTIAL)[1]


@pytest.mark.parametrize('layout', IMAGENET)
def test_the_archives_of_imagenet(tmp_path: Path, layout: str):
    train, val = imagenet()
    folder = lay(tmp_path / 'folder', within('train', train) | within('val', val) | {'LOC_val_solution.csv': SOLUTION.encode()})
    wanted, _ = prepare('imagenet', folder, tmp_path / 'one', options=PARTIAL)
    assert wanted.test().y.tolist() == [2, 0, 1] and wanted.about['shape'] == [64, 64, 3]
    files = IMAGENET[layout](train, val)
    raw = lay(tmp_path / 'raw', files)
    dataset, _ = prepare('imagenet', raw, tmp_path / 'two', options=PARTIAL)
    same(dataset, wanted)
    assert left(tmp_path / 'two') == ['imagenet']
    # One of the archives stands for all that lie beside it; what was linked is still there.
    one = next(raw / name for name in files if name.endswith(('.tar', '.zip', '.gz')))
    same(prepare('imagenet', one, tmp_path / 'three', options=PARTIAL)[0], wanted)
    assert {str(path.relative_to(raw)): path.read_bytes() for path in raw.rglob('*') if path.is_file()} == files


def test_a_part_of_the_archives_is_an_error_before_anything_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    files = official(*imagenet())
    monkeypatch.setattr(unpacked, '_unpack', None)
    del files['ILSVRC2012_img_val.tar']
    raw = lay(tmp_path / 'raw', files)
    for source in (raw, raw / 'ILSVRC2012_img_train.tar'):
        with pytest.raises(
            ValueError, match=r'raw: ILSVRC2012_img_train.tar, .* without ILSVRC2012_img_val.tar \(or .*put it there'
        ):
            prepare('imagenet', source, tmp_path, options=PARTIAL)
    assert left(tmp_path) == []


def test_an_archive_of_one_split_only_is_an_error_that_names_it(tmp_path: Path):
    path = lay(tmp_path, {'mine.tar': as_tar(within('train', imagenet()[0]))}) / 'mine.tar'
    with pytest.raises(ValueError, match=r"/mine\.tar: no folder val; there: \['train'\]"):
        prepare('imagenet', path, tmp_path, options=PARTIAL)
    assert left(tmp_path) == []


@pytest.mark.parametrize('name', ['gzip.zip', 'emnist.zip', 'any'])
def test_the_zip_of_emnist(tmp_path: Path, name: str):
    files = emnist(('letters', 'digits'))
    wanted, _ = prepare('emnist_letters', lay(tmp_path / 'folder', files), tmp_path / 'one', options=PARTIAL)
    path = lay(tmp_path, {f'packed/{name}': as_zip(files)}) / 'packed' / name
    there = []

    def tell(stage: str, done: int, total: int | None) -> None:
        if stage == 'looking at the files':
            there.extend(p.name for p in (tmp_path / 'two' / 'prepared').glob('.emnist_letters.unpacked-*/gzip/*'))

    dataset, _ = prepare('emnist_letters', path, tmp_path / 'two', options=PARTIAL, progress=tell)
    same(dataset, wanted)
    assert len(there) == 4 and all(one.startswith('emnist-letters-') for one in there)
    with pytest.raises(ValueError, match='no emnist-mnist-train-images-idx3-ubyte'):
        prepare('emnist_mnist', path, tmp_path / 'two', options=PARTIAL)
    assert left(tmp_path / 'two') == ['emnist_letters']


def test_other_sets_come_in_archives_too(tmp_path: Path):
    lines = '\n'.join(f'C{"C" * i}N' for i in range(60))
    wanted, _ = prepare('smiles', lay(tmp_path / 'raw', {'m.smi': lines.encode()}), tmp_path, called='plain')
    path = lay(tmp_path, {'m.zip': as_zip({'some/m.smi': lines.encode()})}) / 'm.zip'
    dataset, _ = prepare('smiles', path, tmp_path, called='packed')
    assert dataset.about['digest'] == wanted.about['digest']


def test_official_checksums_are_compared_before_anything_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = lay(tmp_path, {'tiny-imagenet-200.zip': as_zip(within('tiny-imagenet-200', tiny()))}) / 'tiny-imagenet-200.zip'
    with monkeypatch.context() as patched:
        patched.setattr(unpacked, '_unpack', None)
        with pytest.raises(ValueError, match=r'200.zip: differs from the official file: MD5 [0-9a-f]{32}, not 90528d7c'):
            prepare('tiny_imagenet', path, tmp_path, options=Options(partial=True))
    md5 = {path.name: hashlib.md5(path.read_bytes()).hexdigest()}
    entry = catalog.DATASETS['tiny_imagenet']
    monkeypatch.setitem(catalog.DATASETS, 'tiny_imagenet', type(entry)(**{**vars(entry), 'md5': md5}))
    dataset, _ = prepare('tiny_imagenet', path, tmp_path, options=Options(partial=True))
    assert dataset.about['sources'][0]['official'] == 'matches' and dataset.about['notes'] == []


@pytest.mark.parametrize(
    ('there', 'said'),
    [
        (('a.zip', 'b.zip'), {'a.zip': '.', 'b.zip': 'labels'}),
        (('a.zip', 'b.txt'), {'a.zip': '.'}),
        (('b.zip', 'x.txt'), {'b.zip': 'labels'}),
        ((), {}),
        (('a.zip',), r'a\.zip without b\.zip \(or b\.txt, c\); put it there'),
        (('b.zip',), r'b\.zip without a\.zip \(or \); put it there'),
    ],
)
def test_a_group_of_archives_is_whole_or_what_lacks_is_named(tmp_path: Path, there: tuple, said: dict | str):
    """What was unpacked beside an archive stands for it: by its own patterns, or by the marks of the set."""
    group = (Archive('a.zip'), Archive('b.zip', ('b.txt', 'c'), 'labels'))
    known = dataclasses.replace(DATASETS['mnist'], archives=(group,), marks=('x.txt',), reader={'kind': 'folder'})
    for name in there:
        (tmp_path / name).touch()
    if isinstance(said, dict):
        assert archives_of(tmp_path, known) == {tmp_path / name: into for name, into in said.items()}
        return
    with pytest.raises(ValueError, match=said):
        archives_of(tmp_path, known)
