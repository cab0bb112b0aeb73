"""Image folders: ImageNet, Tiny ImageNet and any folder with a folder for each class.

A reader gives the classes in label order and, by split, paths of images with their labels; no image is opened.
"""

import csv
from pathlib import Path
from typing import NamedTuple

from sweeps.datasets.formats.image_files import SUFFIXES

SPLITS = {
    'train': 'train',
    'training': 'train',
    'val': 'val',
    'valid': 'val',
    'validation': 'val',
    'test': 'test',
    'testing': 'test',
}
"""Folder names of splits, and the split's name here."""


class Folders(NamedTuple):
    """Classes in label order, the same for all splits; images with their labels by split ('train', 'val', 'test').

    `aside` are images of a test split without labels, and `lists` the files that say the classes of images.
    """

    classes: list[str]
    splits: dict[str, list[tuple[Path, int]]]
    aside: list[Path] = []
    lists: list[Path] = []


def _folders(path: Path) -> list[Path]:
    if not path.is_dir():
        raise ValueError(f'{path}: no such folder; give a folder of images')
    return sorted(
        (entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith('.')), key=lambda x: x.name
    )


def _images(folder: Path, suffixes: tuple[str, ...] = SUFFIXES) -> list[Path]:
    """The images of a folder by name, without its other files; or files with other suffixes."""
    entries = (entry for entry in folder.iterdir() if entry.suffix.lower() in suffixes and not entry.name.startswith('.'))
    return sorted(entries, key=lambda entry: entry.name)


def _existing(path: Path, *names: str) -> Path:
    for name in names:
        if (path / name).is_dir():
            return path / name
    there = sorted(entry.name for entry in path.iterdir())[:10] if path.is_dir() else 'no such folder'
    raise ValueError(f'{path}: no folder {" or ".join(names)}; there: {there}; give the folder that holds it')


def _by_class(
    folder: Path, classes: list[str], inside: str = '', suffixes: tuple[str, ...] = SUFFIXES, deep: bool = False
) -> list[tuple[Path, int]]:
    """The images in the folders of classes, and if `deep` in folders below these where none lies in one itself.

    Raises ValueError on a class without images and on a folder that is no class.
    """
    known = {name: label for label, name in enumerate(classes)}
    strange = [entry.name for entry in _folders(folder) if entry.name not in known]
    if strange:
        raise ValueError(
            f"{folder}: folder '{strange[0]}' is not one of the {len(classes)} classes; allowed: {classes[:10]}...; "
            'rename it or take it out'
        )
    labelled = []
    for name, label in known.items():
        place = folder / name / inside
        images = _images(place, suffixes) if place.is_dir() else []
        if deep and not images and place.is_dir():
            images = sorted(image for inner in place.rglob('*') if inner.is_dir() for image in _images(inner, suffixes))
        if not images:
            what = 'images' if suffixes is SUFFIXES else f'{", ".join(suffixes)} files'
            raise ValueError(f"{folder}: class '{name}' has no {what} in {place}; add them, or take the class out everywhere")
        labelled += [(image, label) for image in images]
    return labelled


def _by_list(folder: Path, listed: dict[str, str], classes: list[str], source: Path) -> list[tuple[Path, int]]:
    """Images of one folder, each with its class from a list. Raises ValueError if images and list do not match."""
    known = {name: label for label, name in enumerate(classes)}
    images = _images(folder)
    labelled = []
    for image in images:
        wnid = listed.get(image.name, listed.get(image.stem))
        if wnid is None:
            raise ValueError(f'{image}: not in {source}; allowed: images with a line there; get the list of these images')
        if wnid not in known:
            raise ValueError(
                f"{source}: class '{wnid}' of {image.name} is not one of the {len(classes)} classes; "
                'get the list of these images'
            )
        labelled.append((image, known[wnid]))
    if len(listed) != len(images):
        raise ValueError(
            f'{source}: {len(listed)} lines for {len(images)} images in {folder}; allowed: one each; '
            'get the list of these images'
        )
    empty = sorted(set(range(len(classes))) - {label for _, label in labelled})
    if empty:
        raise ValueError(f"{source}: class '{classes[empty[0]]}' has no images in {folder}; get the whole set")
    return labelled


def _lines(path: Path) -> list[str]:
    from sweeps.datasets.formats.text_files import all_lines

    return [line for line in all_lines(path) if line.strip()]


def read_image_folder(path: Path) -> Folders:
    """Any folder of folders of images, as `read_class_folders` reads it, and Tiny ImageNet's layout by its lists."""
    tiny = (path / 'wnids.txt').is_file() and (path / 'val' / 'val_annotations.txt').is_file()
    return read_tiny_imagenet(path) if tiny else read_class_folders(path)


def read_class_folders(path: Path, suffixes: tuple[str, ...] = SUFFIXES) -> Folders:
    """Any folder of folders of files: `train/<class>/*` beside `val` and `test`, or `<class>/*` alone (split 'train').

    Classes are the folders of `train` by name, the same for all splits. Where none of a class lies in its folder itself, those
    in folders below it are taken. Images that lie in `test` itself have no labels, and are left aside.
    """
    splits = {}
    for folder in _folders(path):
        split = SPLITS.get(folder.name.lower())
        if split in splits:
            raise ValueError(f'{path}: {folder.name} and {splits[split].name} are both {split}; leave one')
        if split is not None:
            splits[split] = folder
    if 'train' not in splits:
        if splits:
            raise ValueError(f"{path}: folders {sorted(x.name for x in splits.values())} but no 'train'; rename or add it")
        splits = {'train': path}
    classes = [folder.name for folder in _folders(splits['train'])]
    if len(classes) < 2:
        raise ValueError(
            f'{splits["train"]}: {len(classes)} folders; allowed: a folder for each of two or more classes; '
            'give the folder that holds them'
        )
    # Test images without folders of classes have no labels: those of official sets are kept back.
    aside = _images(splits['test'], suffixes) if 'test' in splits and not _folders(splits['test']) else []
    if aside:
        del splits['test']
    there = [split for split in ('train', 'val', 'test') if split in splits]
    return Folders(classes, {split: _by_class(splits[split], classes, suffixes=suffixes, deep=True) for split in there}, aside)


def read_tiny_imagenet(path: Path) -> Folders:
    """Tiny ImageNet: classes as in wnids.txt, splits 'train' and 'val' (its test images have no labels)."""
    classes = [line.strip() for line in _lines(path / 'wnids.txt')]
    if len(set(classes)) < max(len(classes), 2):
        raise ValueError(
            f'{path / "wnids.txt"}: {len(classes)} classes, {len(set(classes))} different; allowed: two or more, each once; '
            'get the file again'
        )
    source = path / 'val' / 'val_annotations.txt'
    listed = {}
    for number, line in enumerate(_lines(source), 1):
        fields = line.split('\t')
        if len(fields) < 2 or fields[0] in listed:
            raise ValueError(f'{source}: line {number}: {line[:60]!r}; allowed: a file once, a tab, its class; mend the line')
        listed[fields[0]] = fields[1]
    train = _by_class(_existing(path, 'train'), classes, 'images')
    splits = {'train': train, 'val': _by_list(_existing(path / 'val', 'images'), listed, classes, source)}
    return Folders(classes, splits, lists=[path / 'wnids.txt', source])


def read_words(path: Path) -> dict[str, str]:
    """Words for each class of `words.txt` or `LOC_synset_mapping.txt`: the code, white space, the words."""
    return {line.split(None, 1)[0]: line.split(None, 1)[-1].strip() for line in _lines(Path(path))}


def read_imagenet(path: Path, labels: Path | None = None, devkit: Path | None = None) -> Folders:
    """ImageNet: classes are the folders of `train` by name, splits 'train' and 'val'.

    `path` holds `train` and `val` (or `ILSVRC/Data/CLS-LOC`). Images of `val` lie in a folder for each class, or all in one
    folder. In one folder they need a list of their classes: `labels`, or one that lies beside `val`. The list may be
    LOC_val_solution.csv, lines of a file and its class (a code, or its number from 0 in the order of the codes), or
    ILSVRC2012_validation_ground_truth.txt. The last needs the `meta.mat` of the development kit (`devkit`); both are also
    looked for in the kit's folder `ILSVRC2012_devkit_t12`.
    """
    inner = next((path / x for x in ('ILSVRC/Data/CLS-LOC', 'Data/CLS-LOC', '.') if (path / x / 'train').is_dir()), path)
    train, val = _existing(inner, 'train'), _existing(inner, 'val')
    classes = [folder.name for folder in _folders(train)]
    if len(classes) < 2:
        raise ValueError(
            f'{train}: {len(classes)} folders; allowed: two or more, named by codes such as n01440764; '
            'give the folder that holds them'
        )
    splits = {'train': _by_class(train, classes)}
    if _folders(val):
        return Folders(classes, splits | {'val': _by_class(val, classes)})
    names = ('LOC_val_solution.csv', 'ILSVRC2012_validation_ground_truth.txt', 'val_labels.txt', 'val.txt')
    folders = (inner, path, val, path / 'ILSVRC2012_devkit_t12' / 'data')
    places = [labels] if labels else [place / name for place in folders for name in names]
    source = next((Path(place) for place in places if Path(place).is_file()), None)
    if source is None:
        raise ValueError(
            f'{val}: images without class folders and no list of their classes; looked for {list(map(str, places))}; get '
            'LOC_val_solution.csv or ILSVRC2012_devkit_t12.tar.gz'
        )
    listed = _val_classes(source, val, classes, devkit)
    return Folders(classes, splits | {'val': _by_list(val, listed, classes, source)}, lists=[source])


def _val_classes(source: Path, val: Path, classes: list[str], devkit: Path | None) -> dict[str, str]:
    """Class code by name of validation image, from one of the usual lists."""
    if source.suffix == '.csv':
        rows = list(csv.reader(_lines(source)))
        if not rows or rows[0][:2] != ['ImageId', 'PredictionString']:
            raise ValueError(
                f'{source}: starts with {rows[:1]}; allowed: the header ImageId,PredictionString; get LOC_val_solution.csv'
            )
        wrong = next((row for row in rows[1:] if len(row) < 2 or not row[1].strip()), None)
        if wrong:
            raise ValueError(f'{source}: row {wrong}; allowed: an image, a comma, its class and boxes; get the file again')
        return {row[0]: row[1].split()[0] for row in rows[1:]}
    lines = [line.split() for line in _lines(source)]
    if all(len(fields) == 1 and fields[0].isdigit() for fields in lines):
        codes = _ground_truth_codes(source, devkit)
        images = _images(val)
        if len(lines) != len(images):
            raise ValueError(
                f'{source}: {len(lines)} lines for {len(images)} images in {val}; allowed: one each; '
                'get the list of these images'
            )
        unknown = next((fields[0] for fields in lines if int(fields[0]) not in codes), None)
        if unknown is not None:
            raise ValueError(f'{source}: class {unknown}; allowed: the numbers in meta.mat; get both of one development kit')
        return {image.name: codes[int(fields[0])] for image, fields in zip(images, lines, strict=True)}
    listed = {}
    for number, fields in enumerate(lines, 1):
        if len(fields) != 2 or (fields[1].isdigit() and int(fields[1]) >= len(classes)):
            raise ValueError(
                f'{source}: line {number}: {fields}; allowed: a file and its class, 0 to {len(classes) - 1} or a code; '
                'mend the line'
            )
        listed[Path(fields[0]).name] = classes[int(fields[1])] if fields[1].isdigit() else fields[1]
    return listed


def _ground_truth_codes(source: Path, devkit: Path | None) -> dict[int, str]:
    """Class codes by the numbers of the development kit; the codes have another order."""
    from scipy.io import loadmat

    places = [Path(devkit)] if devkit else [source.parent]
    tables = [x for place in places for x in (place, place / 'meta.mat', place / 'data' / 'meta.mat') if x.is_file()]
    if not tables:
        raise ValueError(
            f'{source}: its numbers mean classes only with the meta.mat of the development kit (ILSVRC2012_devkit_t12/data); '
            'put it beside the list, or use LOC_val_solution.csv'
        )
    try:
        synsets = loadmat(tables[0], squeeze_me=True)['synsets']
        return {int(synset['ILSVRC2012_ID']): str(synset['WNID']) for synset in synsets}
    except Exception as error:
        raise ValueError(f'{tables[0]}: no table of synsets ({error}); get the development kit again') from error
