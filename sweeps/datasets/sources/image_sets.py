"""Images: IDX files, CIFAR, folders of images, Parquet and WebDataset shards."""

import functools
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from ablations.option_words import option
from sweeps.datasets.material import Block, Material, Options, blocks, by_split, of_arrays, split_of
from sweeps.datasets.sources.division import of_folders
from sweeps.datasets.sources.locate import check, with_endings, with_names

ROWS = 256
"""Decoded images in a block."""


def idx(
    source: Path,
    options: Options,
    classes: list[str],
    prefix: str = '',
    test: str = 't10k',
    first: int = 0,
    transposed: bool = False,
) -> Material:
    """The MNIST family. `first`: the label of the first class; `transposed`: rows and columns are exchanged (EMNIST)."""
    from sweeps.datasets.formats.idx import read_idx
    from sweeps.datasets.formats.labels import checked_labels

    names = {split: [f'{prefix}{word}-{what}' for what in ('images-idx3-ubyte', 'labels-idx1-ubyte')] for split, word in
             (('pool', 'train'), ('test', test))}  # fmt: skip
    if not any(check(source).glob('**/*-idx3-ubyte*')) and any(source.glob('**/*.idx3-ubyte*')):
        names = {split: [name.replace('-idx', '.idx') for name in pair] for split, pair in names.items()}
    files = with_names(source, [name for pair in names.values() for name in pair])
    splits = {}
    for split, (images, labels) in names.items():
        x, y = read_idx(files[images]), read_idx(files[labels]).astype(np.int32) - first
        if x.ndim != 3 or x.dtype != np.uint8 or y.ndim != 1:
            raise ValueError(
                f'{files[images]}: {x.dtype} {list(x.shape)} with labels {list(y.shape)}; allowed: uint8 [n, H, W] and [n]; '
                'are images and labels exchanged?'
            )
        if len(x) != len(y):
            raise ValueError(f'{files[images]}: {len(x)} images and {len(y)} labels; get the files again')
        y = checked_labels(y, len(classes), str(files[labels]))
        splits[split] = (x.transpose(0, 2, 1) if transposed else x)[..., None], y
    return _of_splits(splits['pool'], splits['test'], list(files.values()), classes)


def _of_splits(pool: tuple, test: tuple, files: list[Path], classes: list[str]) -> Material:
    counts = {'pool': len(pool[1]), 'test': len(test[1])}
    return Material('images', of_arrays(*pool), of_arrays(*test), files, classes, counts=counts)


def cifar(source: Path, options: Options, classes: int) -> Material:
    """CIFAR-10 and CIFAR-100 in the binary or the python version: a folder or the official archive."""
    from sweeps.datasets.formats.cifar import read_cifar

    try:
        splits, names = read_cifar(check(source), classes, partial=options.partial)
    except ValueError as error:
        # The reader names its own argument; a user knows the option.
        raise ValueError(str(error).replace('(partial)', f'({option("partial")})')) from error
    files = [source] if source.is_file() else [path for path in sorted(source.rglob('*')) if _of_cifar(path)]
    return _of_splits(splits['train'], splits['test'], files, names or [str(number) for number in range(classes)])


def _of_cifar(path: Path) -> bool:
    return path.is_file() and path.name.partition('.')[0].startswith(('data_batch', 'test', 'train', 'batches', 'meta', 'fine'))


def folder(source: Path, options: Options, layout: str, size: int | None = None) -> Material:
    """A folder of images, a folder a class, in the layout 'imagenet', 'tiny_imagenet' or 'any'; archives come unpacked."""
    from sweeps.datasets.formats import folders

    readers = {
        'imagenet': folders.read_imagenet,
        'tiny_imagenet': folders.read_tiny_imagenet,
        'any': folders.read_image_folder,
    }
    inner = source / 'tiny-imagenet-200'
    source = inner if inner.is_dir() else check(source)
    classes, splits, aside, lists = readers[layout](source)
    pool, test = of_folders(splits, source, options)
    named = [path for path in _words(source) if path.is_file()][:1]
    words = folders.read_words(named[0]) if named else {}
    skipped, stored = [], []
    return Material(
        'images',
        decoded(pool, options, size, skipped, stored),
        decoded(test, options, size, skipped) if test else None,
        [path for path, _ in [*pool, *(test or [])]],
        [f'{name} {words[name].partition(",")[0]}' if name in words else name for name in classes],
        counts={'pool': len(pool), 'test': len(test)} if test else {},
        skipped=skipped,
        notes=[withheld(len(aside), 'images', str(aside[0].parent.relative_to(source)))] if aside else [],
        split=f'the folder {"test" if splits.get("test") else "val"}' if test and layout == 'any' else '',
        lists=[*lists, *named, *aside],
        stored=stored,
    )


def _words(source: Path) -> list[Path]:
    """Files that may hold the words for ImageNet's class codes."""
    return [source / 'words.txt', source / 'LOC_synset_mapping.txt', source.parent / 'LOC_synset_mapping.txt']


def parquet_images(source: Path, options: Options) -> Material:
    """Parquet shards of images with a class, as Hugging Face datasets have them; --field names another column than label."""
    from sweeps.datasets.formats.parquet import class_names, count_rows, is_withheld, read_images

    paths, label = with_endings(source, ('.parquet',)), options.field or 'label'
    image = _image_column(paths[0])

    def read(some: list[Path], skipped: list[str] | None) -> Iterator[tuple[bytes, int]]:
        return read_images(some, image, label, skipped)

    unlabelled = functools.partial(is_withheld, label=label)
    return _sharded(source, paths, read, class_names(paths[0], label), options, unlabelled, count_rows)


def _image_column(path: Path) -> str:
    """'image', or else the only column with bytes in a struct (some sets call it img)."""
    import pyarrow
    from pyarrow import parquet

    try:
        schema = parquet.read_schema(path)
    except pyarrow.ArrowException:
        return 'image'  # the reader says what is wrong with the file
    structs = [
        field.name for field in schema if pyarrow.types.is_struct(field.type) and field.type.get_field_index('bytes') >= 0
    ]
    return structs[0] if 'image' not in schema.names and len(structs) == 1 else 'image'


def webdataset(source: Path, options: Options) -> Material:
    """WebDataset tar shards of images with their classes."""
    from sweeps.datasets.formats.webdataset import is_withheld, read_webdataset

    unread: Counter[str] = Counter()

    def read(some: list[Path], skipped: list[str] | None) -> Iterator[tuple[bytes, int]]:
        return read_webdataset(some, skipped=skipped, unread=unread)

    material = _sharded(source, with_endings(source, ('.tar', '.tar.gz', '.tgz')), read, None, options, is_withheld)
    material.unread = unread
    return material


def _sharded(
    source: Path,
    paths: list[Path],
    read: Callable[[list[Path], list[str] | None], Iterator[tuple[bytes, int]]],
    classes: list[str] | None,
    options: Options,
    is_withheld: Callable[[Path], bool],
    count: Callable[[list[Path]], int] | None = None,
) -> Material:
    """Material of shards; `count` gives their number of examples. Test shards without labels are left aside."""
    folder = source if source.is_dir() else source.parent
    aside = [path for path in paths if split_of(str(path.relative_to(folder))) == 'test' and is_withheld(path)]
    if len(aside) == len(paths):
        aside = []
    split = by_split(paths, source, options.split, aside)
    skipped: list[str] = []
    passed = skipped if options.skip_damaged else None
    stored: dict[str, list] = {'pool': [], 'test': []}
    streams = [
        decoded(read(some, passed), options, None, skipped, stored[name]) if some else None
        for name, some in (('pool', split.pool), ('test', split.test))
    ]
    counts = {} if count is None else {'pool': count(split.pool), **({'test': count(split.test)} if split.test else {})}
    files, notes = [*split.pool, *split.test], [withheld(len(aside), 'files', aside[0].name)] if aside else []
    return Material(
        'images',
        *streams,
        files,
        classes,
        counts=counts,
        skipped=skipped,
        notes=notes,
        split=split.said,
        lists=aside,
        stored=stored['pool'],
    )


def withheld(count: int, what: str, where: str) -> str:
    """What is said of a test split without labels."""
    return f'{count:,} {what} for testing have no labels ({where}): they are left aside'


def decoded(
    examples: Iterable[tuple[Path | bytes, int]],
    options: Options,
    size: int | None,
    skipped: list[str],
    stored: list | None = None,
) -> Iterator[Block]:
    """Blocks of decoded images of one size (`--size`, else `size`, else that of the first).

    A damaged image is an error that names it or, with --skip-damaged, a line in `skipped`; two sizes are an error. How images
    were stored is appended to `stored`.
    """
    from sweeps.datasets.formats.image_files import decode_all

    try:
        yield from blocks(
            decode_all(
                examples,
                options.size or size,
                1 if options.grey else 3,
                skipped=skipped if options.skip_damaged else None,
                threads=os.cpu_count() or 1,
                stored=stored,
            ),
            ROWS,
        )
    except ValueError as error:
        raise ValueError(f'{error} ({option("skip_damaged")}; {option("size", 64)})') from error
