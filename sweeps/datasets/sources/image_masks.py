"""Image masks: a folder of images beside a folder of masks of the same names, in which every pixel has a class.

    images/12.jpg   masks/12.png        or train/images, train/masks, test/images ...; or images/train, masks/train ...

`labels` and `annotations` are names of a folder of masks too. Names agree up to their endings, also in folders below.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ablations.option_words import option
from results.store import regular
from sweeps.datasets.formats.folders import SPLITS
from sweeps.datasets.formats.image_files import SUFFIXES as IMAGES
from sweeps.datasets.formats.image_files import decode
from sweeps.datasets.formats.mask_files import (
    SUFFIXES,
    as_classes,
    classes_of_values,
    measured,
    read_classes,
    read_mask,
    resized,
)
from sweeps.datasets.material import Block, Material, Options
from sweeps.datasets.sources.division import of_folders
from sweeps.datasets.sources.image_sets import ROWS, withheld
from sweeps.datasets.sources.locate import beside, check

MASKS = ('masks', 'mask', 'labels', 'annotations')
LIST = 'classes.txt'


class Pairs(NamedTuple):
    """Images with their masks; images without one, as `aside` where no mask of their split is there; lines of what has no
    partner."""

    both: list[tuple[Path, Path]]
    aside: list[Path]
    alone: list[str]


def image_masks(source: Path, options: Options) -> Material:
    """Images, and a class for each pixel of them by a mask of the same name; `classes.txt` says what values mean."""
    places = _places(check(source))
    pairs = {split: _pairs(images, masks, source) for split, (images, masks) in places.items()}
    aside = [path for one in pairs.values() for path in one.aside]
    splits = {split: one.both for split, one in pairs.items() if one.both}
    alone = [line for one in pairs.values() for line in one.alone]
    if 'train' not in splits:
        first = f' ({alone[0]})' if alone else ''
        raise ValueError(
            f'{source}: no image with a mask to learn from{first}; a mask has the name of its image, 12.jpg and 12.png'
        )
    pool, test = of_folders(splits, source, options, where='with masks')
    all_pairs = [*pool, *(test or [])]
    skipped: list[str] = []
    for line in alone:
        _damaged(line, options, skipped)
    listed = source / LIST
    if listed.is_file():
        table, names = read_classes(listed)
        notes = []
    else:
        table, names = classes_of_values(_values([mask for _, mask in all_pairs], options), source, LIST)
        notes = [f'classes are the values of the masks, 0 to {len(names) - 1}; {LIST} names them otherwise']

    def stream(some: list[tuple[Path, Path]]) -> Iterator[Block]:
        return _decoded(some, table, options, skipped)

    return Material(
        'images',
        stream(pool),
        stream(test) if test else None,
        [path for pair in all_pairs for path in pair],
        names,
        counts={'pool': len(pool), 'test': len(test)} if test else {},
        skipped=skipped,
        notes=[*([withheld(len(aside), 'images', str(aside[0].parent.relative_to(source)))] if aside else []), *notes],
        split=f'the folder {"test" if splits.get("test") else "val"}' if test else '',
        lists=[*([listed] if listed.is_file() else []), *aside],
        target='map',
    )


def _damaged(line: str, options: Options, skipped: list[str]) -> None:
    if not options.skip_damaged:
        raise ValueError(f'{line}; mend it, or leave such images out, counted: {option("skip_damaged")}')
    skipped.append(line)


def _inner(folder: Path) -> dict[str, Path]:
    """The folders in a folder by their names in small letters."""
    return {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith('.')}


def _both(folder: Path) -> tuple[Path, Path | None] | None:
    """The folder of images in a folder, and that of masks if there is one."""
    inner = _inner(folder)
    masks = [inner[name] for name in MASKS if name in inner]
    if len(masks) > 1:
        raise ValueError(f'{folder}: folders {[path.name for path in masks]} may both hold the masks; leave one')
    return (inner['images'], masks[0] if masks else None) if 'images' in inner else None


def _by_split(folder: Path) -> dict[str, Path]:
    """The folders in a folder that are named as splits."""
    splits: dict[str, Path] = {}
    for name, path in _inner(folder).items():
        split = SPLITS.get(name)
        if split in splits:
            raise ValueError(f'{folder}: {path.name} and {splits[split].name} are both {split}; leave one')
        if split:
            splits[split] = path
    return splits


def _places(source: Path) -> dict[str, tuple[Path, Path | None]]:
    """The folders of images and masks of each split; 'train' alone where nothing is named as one."""
    if not source.is_dir():
        raise ValueError(f'{source} is a file; give the folder that holds the folders images and masks: {option("source")}')
    if both := _both(source):
        images, masks = both
        if masks is None:
            raise ValueError(f'{source}: a folder images and none of {", ".join(MASKS)}; there: {sorted(_inner(source))}')
        splits, of_masks = _by_split(images), _by_split(masks)
        return {split: (path, of_masks.get(split)) for split, path in splits.items()} or {'train': (images, masks)}
    places = {split: _both(path) for split, path in _by_split(source).items()}
    if not places or None in places.values():
        raise ValueError(
            f'{source}: no folders images and masks in it, or in train, val and test; there: {sorted(_inner(source))[:10]}; '
            'give the folder that holds them, or rename them'
        )
    return places


def _stems(folder: Path, suffixes: tuple[str, ...], source: Path) -> dict[str, list[Path]]:
    """Files by their path below a folder without its ending."""
    stems: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob('*')):
        if path.suffix.lower() in suffixes and path.is_file() and not beside(path, source):
            stems.setdefault(path.relative_to(folder).with_suffix('').as_posix(), []).append(path)
    return stems


def _pairs(images: Path, masks: Path | None, source: Path) -> Pairs:
    there = _stems(images, IMAGES, source)
    if masks is None:
        return Pairs([], [path for paths in there.values() for path in paths], [])
    others = _stems(masks, tuple(dict.fromkeys([*SUFFIXES, *IMAGES])), source)
    both, alone = [], []
    for stem in sorted({*there, *others}):
        some, of_mask = there.get(stem, []), others.get(stem, [])
        if len(some) == len(of_mask) == 1 and of_mask[0].suffix.lower() in SUFFIXES:
            both.append((some[0], of_mask[0]))
        elif len(some) > 1 or len(of_mask) > 1:
            alone.append(f'{(some if len(some) > 1 else of_mask)[0]}: several files of this name; allowed: one for each')
        elif not of_mask:
            alone.append(f'{some[0]}: no mask of this name in {masks}')
        elif not some:
            alone.append(f'{of_mask[0]}: no image of this name in {images}')
        else:
            alone.append(f'{of_mask[0]}: this format changes the values of pixels; allowed: masks as {", ".join(SUFFIXES)}')
    return Pairs(both, [], alone)


def _values(masks: list[Path], options: Options) -> set[int]:
    """All values of some masks; one that cannot be read is told of when its image is."""
    values: set[int] = set()
    for path in masks:
        try:
            values.update(np.unique(read_mask(regular.read(path))).tolist())
        except (ValueError, OSError) as error:
            if not options.skip_damaged:
                raise ValueError(f'{path}: {error}; leave such images out, counted: {option("skip_damaged")}') from error
    return values


def _pair(image: Path, mask: Path, table: dict[int, int], options: Options) -> tuple[np.ndarray, np.ndarray]:
    """An image and the class of each of its pixels."""
    content = regular.read(image)
    try:
        sides = measured(content)
        x = decode(content, options.size, 1 if options.grey else 3)
    except ValueError as error:
        raise ValueError(f'{image}: {error}') from error
    try:
        y = as_classes(read_mask(regular.read(mask)), table)
        if y.shape != sides:
            raise ValueError(f'{y.shape[1]} x {y.shape[0]} pixels, and its image has {sides[1]} x {sides[0]}')
    except ValueError as error:
        raise ValueError(f'{mask}: {error}') from error
    return x, resized(y, options.size) if options.size else y


def _decoded(pairs: list[tuple[Path, Path]], table: dict[int, int], options: Options, skipped: list[str]) -> Iterator[Block]:
    """Blocks of images with their maps of classes, all of one size."""
    shape, xs, ys = None, [], []
    for image, mask in pairs:
        try:
            x, y = _pair(image, mask, table, options)
        except (ValueError, OSError) as error:
            _damaged(str(error), options, skipped)
            continue
        shape = shape or x.shape
        if x.shape != shape:
            raise ValueError(
                f'{image}: {x.shape[1]} x {x.shape[0]} pixels, those before are {shape[1]} x {shape[0]}; bring them to one '
                f'size: {option("size", 64)}'
            )
        xs, ys = [*xs, x], [*ys, y]
        if len(xs) == ROWS:
            yield xs, np.stack(ys)
            xs, ys = [], []
    if xs:
        yield xs, np.stack(ys)
