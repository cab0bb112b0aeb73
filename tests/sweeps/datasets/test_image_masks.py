"""Images with masks: what pairs, what a value means, and what is refused or counted."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import made_sets as made
import numpy as np
import pytest
from own_sources import prepared, written
from PIL import Image

from sweeps.datasets.formats.mask_files import (
    COLOUR,
    as_classes,
    classes_of_values,
    measured,
    read_classes,
    read_mask,
    resized,
    told,
)

COLOURS = np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]], np.uint8)


def masks(folder: Path) -> list[Path]:
    return sorted((folder / 'masks').iterdir(), key=lambda path: int(path.stem))


def again(change: Callable[[np.ndarray], np.ndarray | Image.Image], count: int | None = None) -> Callable[[Path], Path]:
    """A made set whose first masks are changed."""

    def source(at: Path) -> Path:
        for path in masks(made.masked(at / 'm'))[:count]:
            new = change(np.asarray(Image.open(path)))
            (new if isinstance(new, Image.Image) else Image.fromarray(new)).save(path)
        return at / 'm'

    return source


def palette(values: np.ndarray) -> Image.Image:
    image = Image.fromarray(values, 'P')
    image.putpalette(COLOURS.tobytes())
    return image


def colours(values: np.ndarray) -> np.ndarray:
    return COLOURS[values]


def listed(lines: str, source: Callable[[Path], Path]) -> Callable[[Path], Path]:
    def made_with_list(at: Path) -> Path:
        folder = source(at)
        written(folder / 'classes.txt', lines)
        return folder

    return made_with_list


PLAIN = again(lambda values: values, 0)


@pytest.mark.parametrize(
    ('source', 'classes'),
    [
        (again(palette), ['0', '1', '2']),
        (again(lambda values: Image.fromarray(values.astype(np.uint16))), ['0', '1', '2']),
        (again(lambda values: (values > 0)), ['0', '1']),
        (listed('0 ground\n1 red\n2 green\n', PLAIN), ['ground', 'red', 'green']),
        (listed('# a list\n0, ground\n1, patch\n2, patch\n', PLAIN), ['ground', 'patch']),
        (listed('0 0 0 ground\n255 0 0 one\n0 0 255 other one\n', again(colours)), ['ground', 'one', 'other one']),
    ],
    ids=['palette', '16 bits', '1 bit', 'names', 'two values of a class', 'colours'],
)  # fmt: skip
def test_values_palettes_and_colours_are_classes(tmp_path: Path, source: Callable, classes: list[str]):
    one = prepared(tmp_path, 'image_masks', source(tmp_path))
    y, x = np.asarray(one.pool().y), np.asarray(one.pool().x)
    assert one.about['classes'] == classes and y.shape == x.shape[:3] and set(np.unique(y)) == set(range(len(classes)))
    # What is bright in an image is what its mask says.
    assert ((y > 0) == (x.max(-1) > 100)).all()


def test_values_of_no_class_have_no_weight(tmp_path: Path):
    one = prepared(tmp_path, 'image_masks', listed('0 ground\n1 red\n2 none\n', PLAIN)(tmp_path))
    assert one.about['classes'] == ['ground', 'red'] and np.asarray(one.pool().y).min() == -1


def test_masks_are_cut_and_shrunk_with_their_images(tmp_path: Path):
    one = prepared(tmp_path, 'image_masks', PLAIN(tmp_path), size=8)
    y, x = np.asarray(one.pool().y), np.asarray(one.pool().x)
    assert y.shape[1:] == (8, 8) and ((y > 0) == (x.max(-1) > 120)).mean() > 0.93
    wide = np.repeat(np.arange(6)[None], 4, 0).astype(np.int32)
    assert resized(wide, 4).tolist() == [[1, 2, 3, 4]] * 4 and resized(wide, 2).tolist() == [[2, 4]] * 2


def moved(split: str, inside: bool, labels: bool = True) -> Callable[[Path], Path]:
    """A made set in train and another folder, either below images and masks or above them."""

    def source(at: Path) -> Path:
        made.masked(at / 'm')
        for what in ('images', 'masks'):
            for path in sorted((at / 'm' / what).iterdir()):
                name = split if int(path.stem) >= 20 else 'train'
                place = at / 'set' / (f'{what}/{name}' if inside else f'{name}/{what}')
                if what == 'images' or name == 'train' or labels:
                    place.mkdir(parents=True, exist_ok=True)
                    path.rename(place / path.name)
        return at / 'set'

    return source


@pytest.mark.parametrize('inside', [True, False])
@pytest.mark.parametrize('split', ['val', 'test'])
def test_the_test_split_is_that_of_folders(tmp_path: Path, split: str, inside: bool):
    one = prepared(tmp_path, 'image_masks', moved(split, inside)(tmp_path))
    assert one.about['test_split'] == f'the folder {split}' and one.about['sizes'] == {'pool': 20, 'test': 10}


@pytest.mark.parametrize('inside', [True, False])
def test_a_test_split_without_masks_is_left_aside_and_counted(tmp_path: Path, inside: bool):
    one = prepared(tmp_path, 'image_masks', moved('test', inside, labels=False)(tmp_path), share=0.3)
    assert sum(one.about['sizes'].values()) == 20 and '10 images for testing have no labels' in ' '.join(one.about['notes'])
    assert 'not read' not in ' '.join(one.about['notes'])


def alone(what: str, name: str) -> Callable[[Path], Path]:
    def source(at: Path) -> Path:
        (made.masked(at / 'm') / what / name).unlink()
        return at / 'm'

    return source


def jpeg(at: Path) -> Path:
    path = masks(made.masked(at / 'm'))[0]
    Image.open(path).save(path.with_suffix('.jpg'))
    path.unlink()
    return at / 'm'


def turned(at: Path) -> Path:
    path = made.masked(at / 'm') / 'images' / '0.png'
    image, exif = Image.open(path), Image.Exif()
    exif[0x0112] = 3
    image.save(path, exif=exif)
    return at / 'm'


def damaged(at: Path) -> Path:
    masks(made.masked(at / 'm'))[0].write_bytes(b'no image')
    return at / 'm'


def twice(at: Path) -> Path:
    path = made.masked(at / 'm') / 'images' / '0.png'
    Image.open(path).save(path.with_suffix('.bmp'))
    return at / 'm'


ONE = {
    'no mask': (alone('masks', '3.png'), r'3\.png: no mask of this name in .*masks; mend it, or leave'),
    'no image': (alone('images', '3.png'), r'3\.png: no image of this name in .*images'),
    'a JPEG': (jpeg, 'this format changes the values of pixels; allowed: masks as .png'),
    'two images': (twice, r'several files of this name; allowed: one for each'),
    'another size': (again(lambda values: values[:8], 1), '16 x 8 pixels, and its image has 16 x 16'),
    'to be turned': (turned, r'say that it is to be turned \(3\), and its mask does not'),
    'damaged': (damaged, 'not a readable mask'),
    'a value of no class': (
        listed('0 ground\n1 red\n2 green\n', again(lambda values: values + 3, 1)),
        r'3 is not in the list of classes .*allowed: 0, 1, 2; add a line',
    ),
}


@pytest.mark.parametrize(('source', 'said'), ONE.values(), ids=ONE)
def test_an_image_that_cannot_be_used_is_refused_or_counted(tmp_path: Path, source: Callable, said: str):
    with pytest.raises(ValueError, match=said):
        prepared(tmp_path, 'image_masks', source(tmp_path))
    one = prepared(tmp_path, 'image_masks', tmp_path / 'm', skip_damaged=True)
    assert sum(one.about['sizes'].values()) == 29 and '1 damaged examples were left out' in ' '.join(one.about['notes'])


@pytest.mark.parametrize(
    ('source', 'said'),
    [
        (again(lambda values: values * 100), r'its masks have 3 values, 0, 100, 200: what they are can not be known; write .*'
                                             r"classes.txt with a line for each, such as '0 road'"),
        (again(colours), r"3 colours, 0 0 0, 0 0 255, 255 0 0: .*such as '0 0 0 road'"),
        (listed('0 ground\n', PLAIN), '1 classes; allowed: two or more'),
        (listed('ground\nred\n', PLAIN), "line 1: 'ground'; allowed: '7 road'"),
        (listed('0 ground\n0 red\n', PLAIN), 'line 2: 0 stands there twice'),
        (listed('0 0 256 ground\n', PLAIN), 'allowed: colours from 0 to 255'),
        (made.images, 'no folders images and masks in it, or in train, val and test'),
        (lambda at: made.images(at / 'm' / 'images').parent, 'a folder images and none of masks'),
    ],
    ids=['gaps', 'colours', 'one class', 'no values', 'twice', 'no colour', 'no folders', 'no masks'],
)  # fmt: skip
def test_what_masks_say_must_be_known(tmp_path: Path, source: Callable, said: str):
    with pytest.raises(ValueError, match=said):
        prepared(tmp_path, 'image_masks', source(tmp_path if source is not made.images else tmp_path / 'm'))


def test_images_of_two_sizes_are_brought_to_one(tmp_path: Path):
    for number, size in enumerate((16, 20)):
        made.masked(tmp_path / str(number), 15, size)
        for what in ('images', 'masks'):
            (tmp_path / 'set' / what / str(number)).mkdir(parents=True)
            for path in (tmp_path / str(number) / what).iterdir():
                path.rename(tmp_path / 'set' / what / str(number) / path.name)
    with pytest.raises(ValueError, match='20 x 20 pixels, those before are 16 x 16; bring them to one size: --size 64'):
        prepared(tmp_path, 'image_masks', tmp_path / 'set')
    assert prepared(tmp_path, 'image_masks', tmp_path / 'set', size=16).about['shape'] == [16, 16, 3]


def test_a_mask_with_transparency_is_its_colours(tmp_path: Path):
    Image.fromarray(np.full((2, 2, 4), (1, 2, 3, 9), np.uint8)).save(tmp_path / 'a.png')
    assert (read_mask((tmp_path / 'a.png').read_bytes()) == COLOUR + 0x010203).all()
    table, names = read_classes(written(tmp_path / 'c.txt', '1 2 3 sea\n4 none\n5 land\n'))
    assert names == ['sea', 'land'] and as_classes(np.array([[COLOUR + 0x010203, 4, 5]]), table).tolist() == [[0, -1, 1]]


def file(image: Image.Image, form: str = 'PNG') -> bytes:
    content = io.BytesIO()
    image.save(content, form)
    return content.getvalue()


@pytest.mark.parametrize(
    ('image', 'values'),
    [
        (Image.fromarray(np.array([[3, 200]], np.uint8)), [3, 200]),
        (Image.fromarray(np.array([[3, 300]], np.uint16)), [3, 300]),
        (Image.fromarray(np.array([[[3, 9], [4, 0]]], np.uint8), 'LA'), [3, 4]),
        (Image.fromarray(np.array([[[1, 2, 3, 9], [0, 0, 1, 0]]], np.uint8), 'RGBA'), [COLOUR + 66051, COLOUR + 1]),
        (Image.fromarray(np.array([[False, True]])), [0, 1]),
    ],
    ids=['grey', '16 bits', 'grey and alpha', 'colour and alpha', '1 bit'],
)
def test_a_mask_is_read_whatever_its_pixels_are(image: Image.Image, values: list[int]):
    assert read_mask(file(image)).tolist() == [values]


def test_masks_without_values_are_refused(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ValueError, match=r'pixels of mode CMYK; allowed: grey, palette or red, green, blue'):
        read_mask(file(Image.new('CMYK', (2, 2)), 'TIFF'))
    with pytest.raises(
        ValueError, match=r'^not a readable mask \(of no known format\); allowed: whole files that end with \.png, \.bmp'
    ):
        read_mask(b'no image')
    with pytest.raises(ValueError, match=r'^not a readable image \(of no known format\)$'):
        measured(b'no image')
    assert measured(file(Image.new('L', (3, 2)))) == (2, 3)
    monkeypatch.setattr('sweeps.datasets.formats.mask_files.PIXELS', 6)
    assert read_mask(file(Image.new('L', (3, 2)))).shape == (2, 3)
    with pytest.raises(ValueError, match='4 x 2 pixels; allowed: 6 in all'):
        read_mask(file(Image.new('L', (4, 2))))


def test_values_without_a_class_are_named_as_their_list_has_them():
    values = np.array([[7, COLOUR + 65536 * 255, 0]])
    assert [told(one) for one in values[0].tolist()] == ['7', '255 0 0', '0']
    with pytest.raises(ValueError, match=r'7 is not in the list of classes \(2 such values\); allowed: 0, 1; add a line'):
        as_classes(values, {0: 0, 1: 1})
    with pytest.raises(ValueError, match=r'allowed: 1, 2, 3, 4, 5, 6, 7, 8, \.\.\.; add'):
        as_classes(values, dict.fromkeys(range(1, 10), 0))


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        (
            lambda at: (at / 'm' / 'masks').rename(at / 'm' / 'others'),
            r"a folder images and none of masks, mask, .*\['images', 'others'\]",
        ),
        (lambda at: (at / 'm' / 'Labels').mkdir(), r"folders \['masks', 'Labels'\] may both hold the masks; leave one"),
        (
            lambda at: [path.rename(path.with_name(f'z{path.name}')) for path in masks(at / 'm')],
            r'no image with a mask to learn from \(.*0\.png: no mask',
        ),
        (
            lambda at: [(at / 'm' / 'images' / one).mkdir() for one in ('val', 'valid')],
            'val(id)? and val(id)? are both val; leave one',
        ),
    ],
    ids=['no masks', 'two folders of masks', 'other names', 'two folders of a split'],
)
def test_folders_that_say_no_pairs_are_refused(tmp_path: Path, change: Callable[[Path], object], said: str):
    made.masked(tmp_path / 'm')
    change(tmp_path)
    with pytest.raises(ValueError, match=said):
        prepared(tmp_path, 'image_masks', tmp_path / 'm')


def test_a_file_is_no_folder_of_images_and_masks(tmp_path: Path):
    with pytest.raises(ValueError, match=r'one\.png is a file; give the folder that holds the folders images and masks'):
        prepared(tmp_path, 'image_masks', written(tmp_path / 'one.png', ''))


def test_images_and_masks_come_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = prepared(tmp_path, 'image_masks', made.masked(tmp_path / 'm'))
    monkeypatch.setattr(sys.modules['sweeps.datasets.sources.image_masks'], 'ROWS', 7)
    (tmp_path / 'other').mkdir()
    again = prepared(tmp_path / 'other', 'image_masks', tmp_path / 'm')
    assert again.about['checksums'] == whole.about['checksums']


def test_a_value_of_a_list_may_be_large_and_a_colour_may_not(tmp_path: Path):
    table, names = read_classes(written(tmp_path / 'a.txt', '300 road\n\n  # a note\n65535 none\n255 255 255 a sky\n7,road\n'))
    assert names == ['road', 'a sky'] and table == {300: 0, 65535: -1, COLOUR + 0xFFFFFF: 1, 7: 0}


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('1 a\n256 0 0 b\n', "line 2: '256 0 0 b'; allowed: colours from 0 to 255"),
        ('1 a\n\nroad\n', "line 3: 'road'; allowed: '7 road', '128 64 128 road' or '255 none'"),
        ('1 a\n1 b\n', 'line 2: 1 stands there twice; leave one'),
        ('1 2 3 a\n1,2,3 b\n', 'line 2: 1 2 3 stands there twice'),
        ('1 a\n2 none\n', '1 classes; allowed: two or more, a line each'),
        ('', '0 classes; allowed: two or more'),
    ],
)
def test_a_list_that_says_no_classes_is_refused(tmp_path: Path, text: str, said: str):
    with pytest.raises(ValueError, match=rf'a\.txt: {said}'):
        read_classes(written(tmp_path / 'a.txt', text))


@pytest.mark.parametrize(
    ('values', 'said'),
    [
        ([0, 2], '2 values, 0, 2: what they are can not be known; write .*/classes.txt with a line for each, such as .0 road'),
        ([0], '1 values, 0: what'),
        ([1, 2], '2 values, 1, 2: what'),
        (list(range(1, 10)), '9 values, 1, 2, 3, 4, 5, 6, 7, 8, [.]{3}: what'),
        ([COLOUR, COLOUR + 255], "2 colours, 0 0 0, 0 0 255: what .* such as '0 0 0 road', and the name none for places"),
    ],
)
def test_values_of_masks_that_are_not_counted_from_0_are_asked_about(tmp_path: Path, values: list[int], said: str):
    with pytest.raises(ValueError, match=f'its masks have {said}'):
        classes_of_values(values, tmp_path, 'classes.txt')
    assert classes_of_values([1, 0, 2], tmp_path, 'classes.txt') == ({0: 0, 1: 1, 2: 2}, ['0', '1', '2'])
