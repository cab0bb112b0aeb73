"""Sources of images: small sets in their official layouts, made here, prepared and compared with what was put in."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from sweeps.datasets.material import Options
from sweeps.datasets.prepare import prepare
from sweeps.datasets.sources import image_sets

PARTIAL = Options(partial=True, unverified=True)


def png(array: np.ndarray, form: str = 'PNG') -> bytes:
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(array).save(content, form)
    return content.getvalue()


def colours(count: int, size: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), np.uint8)


def test_cifar_binary_folder(tmp_path: Path):
    x, y = np.random.default_rng(0).integers(0, 256, (12, 3072), np.uint8), np.arange(12, dtype=np.uint8) % 10
    folder = tmp_path / 'cifar-10-batches-bin'
    folder.mkdir()
    records = np.concatenate([y[:, None], x], 1)
    (folder / 'test_batch.bin').write_bytes(records[:4].tobytes())
    with pytest.raises(ValueError, match=r'test_batch.bin: 4 examples; allowed: 10000; .*--partial'):
        prepare('cifar10', folder, tmp_path)
    (folder / 'data_batch_1.bin').write_bytes(records[4:].tobytes())
    dataset, _ = prepare('cifar10', folder, tmp_path, options=PARTIAL)
    assert np.array_equal(dataset.pool().x, x[4:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    assert dataset.test().y.tolist() == [0, 1, 2, 3] and len(dataset.about['partial']) == 3
    assert [one['file'] for one in dataset.about['sources']] == ['data_batch_1.bin', 'test_batch.bin']
    (folder / 'readme.html').write_text('no batch')
    again, _ = prepare('cifar10', folder, tmp_path, options=PARTIAL, force=True)
    assert again.about['sources'] == dataset.about['sources'] and again.about['digest'] == dataset.about['digest']


def write_idx(path: Path, array: np.ndarray) -> None:
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + np.array(array.shape, '>u4').tobytes() + array.astype(np.uint8).tobytes())


def test_emnist_is_turned_and_counted_from_one(tmp_path: Path):
    x = np.random.default_rng(0).integers(0, 256, (9, 28, 28), np.uint8)
    for word, some in (('train', slice(0, 6)), ('test', slice(6, 9))):
        write_idx(tmp_path / f'emnist-letters-{word}-images-idx3-ubyte', x[some])
        write_idx(tmp_path / f'emnist-letters-{word}-labels-idx1-ubyte', np.arange(1, 10)[some])
    dataset, _ = prepare('emnist_letters', tmp_path, tmp_path, options=PARTIAL)
    assert np.array_equal(dataset.pool().x[..., 0], x[:6].transpose(0, 2, 1))
    assert dataset.pool().y.tolist() == [0, 1, 2, 3, 4, 5] and dataset.about['classes'][0] == 'A'


def image_folder(folder: Path, x: np.ndarray, split: str, form: str = 'png') -> None:
    for number, image in enumerate(x):
        place = folder / split / ('cat', 'dog')[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f'{number:03}.{form}').write_bytes(png(image, form.upper()))


def test_an_image_folder(tmp_path: Path):
    x = colours(10)
    image_folder(tmp_path / 'raw', x[:6], 'train')
    image_folder(tmp_path / 'raw', x[6:], 'test')
    dataset, _ = prepare('image_folder', tmp_path / 'raw', tmp_path, called='pets')
    assert dataset.about['classes'] == ['cat', 'dog'] and dataset.pool().y.tolist() == [0, 0, 0, 1, 1, 1]
    assert np.array_equal(dataset.pool().x, x[[0, 2, 4, 1, 3, 5]]) and np.array_equal(dataset.test().x, x[[6, 8, 7, 9]])
    grey, _ = prepare('image_folder', tmp_path / 'raw', tmp_path, called='grey', options=Options(size=4, grey=True))
    assert grey.about['shape'] == [4, 4, 1] and len(grey.about['mean']) == 1


def test_a_folder_without_splits_is_split_by_hash(tmp_path: Path):
    image_folder(tmp_path / 'raw', colours(80), '.')
    dataset, _ = prepare('image_folder', tmp_path / 'raw', tmp_path, called='pets')
    held = {row.tobytes() for row in dataset.test().x}
    assert (
        0 < len(held) < 30 and len(dataset.pool()) + len(held) == 80 and not held & {row.tobytes() for row in dataset.pool().x}
    )
    assert dataset.about['test_split'] == '0.1 of the examples, by hash of content'


def test_damaged_and_mixed_images(tmp_path: Path):
    image_folder(tmp_path / 'raw', colours(6), 'train', 'jpeg')
    image_folder(tmp_path / 'raw', colours(2, seed=1), 'test', 'jpeg')
    bad = tmp_path / 'raw' / 'train' / 'dog' / '003.jpeg'
    bad.write_bytes(bad.read_bytes()[:200])
    with pytest.raises(ValueError, match=r'003\.jpeg.*--skip-damaged'):
        prepare('image_folder', tmp_path / 'raw', tmp_path, called='pets')
    dataset, _ = prepare('image_folder', tmp_path / 'raw', tmp_path, called='pets', options=Options(skip_damaged=True))
    assert len(dataset.pool()) == 5 and '1 damaged examples were left out (--skip-damaged)' in dataset.about['notes']
    assert '003.jpeg' in dataset.about['skipped'][0]
    bad.write_bytes(png(colours(1, size=9)[0], 'JPEG'))
    with pytest.raises(ValueError, match=r'9 x 9 pixels, those before are 6 x 6.*--size'):
        prepare('image_folder', tmp_path / 'raw', tmp_path, called='mixed')
    sized, _ = prepare('image_folder', tmp_path / 'raw', tmp_path, called='sized', options=Options(size=5))
    assert sized.about['shape'] == [5, 5, 3]
    assert sorted(path.name for path in (tmp_path / 'prepared').iterdir() if not path.name.startswith('.')) == ['pets', 'sized']


def test_imagenet_layouts(tmp_path: Path):
    codes, x = ['n00000001', 'n00000002'], colours(12, size=80)
    for number in range(8):
        place = tmp_path / 'raw' / 'train' / codes[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f'{number}.JPEG').write_bytes(png(x[number], 'JPEG'))
    for number in range(8, 12):
        place = tmp_path / 'raw' / 'val' / codes[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f'{number}.JPEG').write_bytes(png(x[number], 'JPEG'))
    (tmp_path / 'raw' / 'LOC_synset_mapping.txt').write_text('n00000001 tench, Tinca tinca\nn00000002 goldfish\n')
    dataset, _ = prepare('imagenet', tmp_path / 'raw', tmp_path, options=PARTIAL)
    assert dataset.about['shape'] == [64, 64, 3] and dataset.about['sizes'] == {'pool': 8, 'test': 4}
    assert dataset.about['classes'] == ['n00000001 tench', 'n00000002 goldfish']
    assert dataset.about['partial'] == ['8 of 1,281,167 pool examples', '4 of 50,000 test examples']
    with pytest.raises(ValueError, match=r'not all there: 8 of 1,281,167 .*--partial'):
        prepare('imagenet', tmp_path / 'raw', tmp_path, called='whole', options=Options(skip_damaged=True))


@pytest.mark.parametrize('column', ['image', 'img'])
def test_parquet_images(tmp_path: Path, column: str):
    import pyarrow
    from pyarrow import parquet

    x = colours(9)
    (tmp_path / 'raw').mkdir()
    for name, some in (('train-00000-of-00001', range(6)), ('test-00000-of-00001', range(6, 9))):
        images = [{'bytes': png(x[number]), 'path': f'{number}.png'} for number in some]
        table = pyarrow.table({column: images, 'label': [number % 3 for number in some]})
        parquet.write_table(table, tmp_path / 'raw' / f'{name}.parquet')
    dataset, _ = prepare('parquet_images', tmp_path / 'raw', tmp_path, called='shards')
    assert np.array_equal(dataset.pool().x, x[:6]) and dataset.test().y.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match='fine_label'):
        prepare('parquet_images', tmp_path / 'raw', tmp_path, called='other', options=Options(field='fine_label'))


def test_webdataset(tmp_path: Path):
    x = colours(9)
    (tmp_path / 'raw').mkdir()
    for name, some in (('train-000', range(6)), ('val-000', range(6, 9))):
        with tarfile.open(tmp_path / 'raw' / f'{name}.tar', 'w') as archive:
            for number in some:
                for ending, content in (('png', png(x[number])), ('cls', str(number % 3).encode())):
                    member = tarfile.TarInfo(f'{number:05}.{ending}')
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
    dataset, _ = prepare('webdataset', tmp_path / 'raw', tmp_path, called='shards')
    assert np.array_equal(dataset.pool().x, x[:6]) and np.array_equal(dataset.test().x, x[6:])


def shard_of(path: Path, labels: list[int]) -> None:
    import pyarrow
    from pyarrow import parquet

    images = [{'bytes': png(x), 'path': ''} for x in colours(len(labels), seed=len(labels))]
    parquet.write_table(pyarrow.table({'image': images, 'label': labels}), path)


def test_large_class_numbers_become_dense_and_keep_their_names(tmp_path: Path):
    (tmp_path / 'raw').mkdir()
    shard_of(tmp_path / 'raw' / 'train.parquet', [20_000_003, 7, 1 << 40, 7])
    shard_of(tmp_path / 'raw' / 'test.parquet', [1 << 40, 20_000_001, 20_000_003])
    dataset, _ = prepare('parquet_images', tmp_path / 'raw', tmp_path, called='numbered', options=PARTIAL)
    assert dataset.about['classes'] == ['7', '20000001', '20000003', str(1 << 40)]
    assert dataset.pool().y.tolist() == [2, 0, 3, 0] and dataset.test().y.tolist() == [3, 1, 2]
    assert dataset.pool().y.dtype == np.int32 and dataset.about['balance'] == {'pool': [2, 0, 1, 1], 'test': [0, 1, 1, 1]}


def test_small_class_numbers_stay_as_they_are(tmp_path: Path):
    (tmp_path / 'raw').mkdir()
    shard_of(tmp_path / 'raw' / 'train.parquet', [9, 0, 9])
    shard_of(tmp_path / 'raw' / 'test.parquet', [4, 0])
    with pytest.raises(ValueError, match=r'not all there: 1 of 10 classes have no example for training \(4\); .*--partial'):
        prepare('parquet_images', tmp_path / 'raw', tmp_path, called='gaps')
    dataset, _ = prepare('parquet_images', tmp_path / 'raw', tmp_path, called='gaps', options=PARTIAL)
    assert dataset.about['balance']['test'] == [1, 0, 0, 0, 1, 0, 0, 0, 0, 0], 'every class is counted in both splits'
    assert dataset.pool().y.tolist() == [9, 0, 9] and dataset.about['classes'] == [str(number) for number in range(10)]
    for test, told in (([4, 0, 5, 6], r'\(4, 5, 6\);'), ([4, 0, 5, 6, 7], r'\(4, 5, 6, \.\.\.\);')):
        shard_of(tmp_path / 'raw' / 'test.parquet', test)
        with pytest.raises(ValueError, match=f'have no example for training {told}'):
            prepare('parquet_images', tmp_path / 'raw', tmp_path, called='gaps_told')
    shard_of(tmp_path / 'raw' / 'train.parquet', [9, -1, 9])
    with pytest.raises(ValueError, match='row 1: label -1; allowed'):
        prepare('parquet_images', tmp_path / 'raw', tmp_path, called='unlabelled')


def test_one_image_a_class_leaves_nothing_to_learn_from(tmp_path: Path):
    for number, x in enumerate(colours(40)):
        place = tmp_path / 'raw' / f'class_{number:02}'
        place.mkdir(parents=True)
        (place / 'a.png').write_bytes(png(x))
    with pytest.raises(ValueError, match=r'of 40 classes have no example for training \(class_'):
        prepare('image_folder', tmp_path / 'raw', tmp_path, called='single')


def test_test_splits_whose_labels_are_kept_back_are_left_aside(tmp_path: Path):
    (tmp_path / 'raw').mkdir()
    shard_of(tmp_path / 'raw' / 'train.parquet', [0, 1, 0, 1])
    shard_of(tmp_path / 'raw' / 'valid.parquet', [1, 0])
    shard_of(tmp_path / 'raw' / 'test.parquet', [-1, -1, -1])
    made, _ = prepare('parquet_images', tmp_path / 'raw', tmp_path, called='kept_back')
    assert made.about['sizes'] == {'pool': 4, 'test': 2} and 'valid.parquet' in made.about['test_split']
    told = [note for note in made.about['notes'] if 'not read' in note or 'aside' in note]
    assert told == ['1 files for testing have no labels (test.parquet): they are left aside']
    for number, x in enumerate(colours(8, seed=5)):
        for place in ('train', 'val') if number < 4 else ('train',):
            folder = tmp_path / 'flat' / place / f'class_{number % 2}'
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f'{place}_{number}.png').write_bytes(png(x + (place == 'val')))
        (tmp_path / 'flat' / 'test').mkdir(exist_ok=True)
        (tmp_path / 'flat' / 'test' / f'{number}.png').write_bytes(png(255 - x))
    made, _ = prepare('image_folder', tmp_path / 'flat', tmp_path, called='flat')
    assert made.about['sizes'] == {'pool': 8, 'test': 4} and made.about['test_split'] == 'the folder val'
    told = [note for note in made.about['notes'] if 'not read' in note or 'aside' in note]
    assert told == ['8 images for testing have no labels (test): they are left aside']


def test_members_with_a_second_dot_are_read_or_counted(tmp_path: Path):
    x = colours(24)
    (tmp_path / 'raw').mkdir()
    for name, some in (('train', range(16)), ('test', range(16, 24))):
        with tarfile.open(tmp_path / 'raw' / f'{name}.tar', 'w') as archive:
            for number in some:
                key = f'cat.{number:03}' if number % 2 else f'{number:03}'
                more = [('mask.png', png(x[number])), ('caption.txt', b'a cat')] if not number % 2 else []
                for ending, content in [('png', png(x[number])), *more, ('cls', str(number % 2).encode())]:
                    member = tarfile.TarInfo(f'{key}.{ending}')
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
    made, _ = prepare('webdataset', tmp_path / 'raw', tmp_path, called='dotted')
    assert made.about['sizes'] == {'pool': 16, 'test': 8} and np.array_equal(made.pool().x, x[:16])
    assert made.about['notes'] == ['not read: 12 .mask.png, 12 .txt']


def test_shards_for_testing_without_labels_are_left_aside_unless_there_is_nothing_else(tmp_path: Path, monkeypatch):
    asked = []

    def read(some: list[Path], passed: list[str] | None) -> list:
        asked.append(([path.name for path in some], passed))
        return []

    monkeypatch.setattr(image_sets, 'decoded', lambda examples, *given: iter(examples))
    names = ['train-0.tar', 'train-1.tar', 'test-0.tar']

    def made(paths: list[str], unlabelled: tuple[str, ...] = ()) -> tuple:
        given = [tmp_path / name for name in paths]
        material = image_sets._sharded(tmp_path, given, read, None, Options(), lambda one: one.name in unlabelled, len)
        return [path.name for path in material.files], material.counts, [path.name for path in material.lists], material.notes

    assert made(names) == (names, {'pool': 2, 'test': 1}, [], [])
    notes = ['1 files for testing have no labels (test-0.tar): they are left aside']
    assert made(names, ('test-0.tar',)) == (names[:2], {'pool': 2}, ['test-0.tar'], notes)
    # Where all are withheld they are read, and the reader says what is wrong.
    assert made(names[2:], ('test-0.tar',)) == (names[2:], {'pool': 1}, [], [])
    assert asked == [(names[:2], None), (names[2:], None), (names[:2], None), (names[2:], None)]
    # The name of the folder itself says nothing: a shard for training is read, and the reader says what is wrong with it.
    (tmp_path := tmp_path / 'test').mkdir()
    assert made(names, ('train-0.tar',)) == (names, {'pool': 2, 'test': 1}, [], [])


@pytest.mark.parametrize('name', ['{}-idx{}-ubyte', '{}.idx{}-ubyte'])
def test_files_of_the_mnist_family_have_two_spellings(tmp_path: Path, name: str):
    x, y = np.arange(96, dtype=np.uint8).reshape(6, 4, 4), np.arange(6) % 3 + 1
    for split, places in (('train', slice(0, 4)), ('t10k', slice(4, 6))):
        write_idx(tmp_path / name.format(f'{split}-images', 3), x[places])
        write_idx(tmp_path / name.format(f'{split}-labels', 1), y[places])
    made = image_sets.idx(tmp_path, Options(), ['a', 'b', 'c'], first=1, transposed=True)
    ((pool, labels),), ((test, tested),) = made.pool, made.test
    assert np.array_equal(pool, x[:4].transpose(0, 2, 1)[..., None]) and labels.tolist() == [0, 1, 2, 0]
    assert np.array_equal(test, x[4:].transpose(0, 2, 1)[..., None]) and tested.tolist() == [1, 2]
    assert len(made.files) == 4 and made.counts == {'pool': 4, 'test': 2}
    with pytest.raises(ValueError, match=r'labels-idx1-ubyte|labels.idx1-ubyte.*: label 2 of example 2'):
        image_sets.idx(tmp_path, Options(), ['a', 'b'], first=1)
    write_idx(tmp_path / name.format('t10k-labels', 1), y)
    with pytest.raises(ValueError, match='2 images and 6 labels; get the files again'):
        image_sets.idx(tmp_path, Options(), ['a', 'b', 'c'], first=1)
    write_idx(tmp_path / name.format('t10k-labels', 1), x)
    with pytest.raises(ValueError, match='are images and labels exchanged'):
        image_sets.idx(tmp_path, Options(), ['a', 'b', 'c'], first=1)


def test_what_is_no_parquet_file_is_told(tmp_path: Path):
    (tmp_path / 'a.parquet').write_text('no table of images')
    with pytest.raises(ValueError, match=r'a\.parquet: not a Parquet file, damaged or cut short'):
        image_sets.parquet_images(tmp_path, Options())


@pytest.mark.parametrize(
    ('name', 'known'),
    [
        *((name, True) for name in ('data_batch_1', 'data_batch_5.bin', 'data_batch_1_dog.bin.xz', 'test_batch', 'test.bin')),
        *((name, True) for name in ('train', 'train.bin.gz', 'batches.meta', 'meta', 'fine_label_names.txt')),
        *((name, False) for name in ('coarse_label_names.txt', 'readme.html', 'a.train', 'data.bin')),
    ],
)
def test_files_of_cifar_are_told_by_their_names(tmp_path: Path, name: str, known: bool):
    (tmp_path / name).write_bytes(b'')
    assert image_sets._of_cifar(tmp_path / name) is known
    (tmp_path / 'folder' / name).mkdir(parents=True)
    assert image_sets._of_cifar(tmp_path / 'folder' / name) is False


def test_the_column_of_images_is_the_only_one_with_bytes_in_a_struct(tmp_path: Path):
    import pyarrow
    from pyarrow import parquet

    image, other = [{'bytes': b'x', 'path': ''}], [{'width': 3}]
    for columns, wanted in (
        ({'about': other, 'img': image, 'label': [1]}, 'img'),
        ({'image': [b'x'], 'img': image}, 'image'),
        ({'one': image, 'two': image}, 'image'),
        ({'about': other, 'bytes': [b'x']}, 'image'),
        ({'img': image}, 'img'),
    ):
        parquet.write_table(pyarrow.table(columns), tmp_path / 'a.parquet')
        assert image_sets._image_column(tmp_path / 'a.parquet') == wanted
