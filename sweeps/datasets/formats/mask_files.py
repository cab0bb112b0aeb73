"""Masks: images whose pixels are classes, by their value, their place in a palette, or their colour.

The list of classes is a text file with a line for each value, `value name` or `red green blue name`. Values of one name are one
class, and the name `none` is that of places without a class.
"""

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from sweeps.datasets.formats.image_files import ORIENTATION, PIXELS, why_unread

SUFFIXES = ('.png', '.bmp', '.gif', '.tif', '.tiff', '.pgm', '.ppm')
"""Formats that keep the values of pixels."""
NONE = 'none'
LINE = re.compile(r'(\d+)(?:[\s,]+(\d+)[\s,]+(\d+))?[\s,]+(\S.*)')
SHOWN = 8
"""How many values a sentence names."""


def read_mask(content: bytes) -> np.ndarray:
    """The values of a mask `[H, W]`, int64: numbers as they are, places in a palette, and colours as red x 65536 + green x 256
    + blue, from COLOUR on. Raises ValueError for a file that is damaged or holds no values.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > PIXELS:
                raise ValueError(f'{image.width} x {image.height} pixels; allowed: {PIXELS} in all')
            image.load()
            if image.mode in ('1', 'L', 'P', 'I') or image.mode.startswith('I;16'):
                return np.asarray(image).astype(np.int64)
            if image.mode == 'LA':
                return np.asarray(image)[..., 0].astype(np.int64)
            if image.mode in ('RGB', 'RGBA'):
                colour = np.asarray(image)[..., :3].astype(np.int64)
                return COLOUR + (colour << (16, 8, 0)).sum(-1)
            raise ValueError(f'pixels of mode {image.mode}; allowed: grey, palette or red, green, blue')
    # Pillow's decoders fail on damaged files in many ways.
    except Exception as error:
        raise ValueError(
            f'not a readable mask ({why_unread(error)}); allowed: whole files that end with {", ".join(SUFFIXES)}'
        ) from error


COLOUR = 1 << 32
"""An addition to the number of a colour, so that it is no value."""


def told(value: int) -> str:
    """A value as a list of classes has it.

    >>> told(7), told(COLOUR + 255 * 65536 + 1)
    ('7', '255 0 1')
    """
    if value < COLOUR:
        return str(value)
    return ' '.join(str((value - COLOUR >> shift) & 255) for shift in (16, 8, 0))


def read_classes(path: Path) -> tuple[dict[int, int], list[str]]:
    """The class of each value, -1 for none, and the names of the classes in the order of the list."""
    from sweeps.datasets.formats.text_files import all_lines

    table: dict[int, int] = {}
    names: list[str] = []
    for number, line in enumerate(all_lines(path), 1):
        if not line.strip() or line.lstrip().startswith('#'):
            continue
        match = LINE.fullmatch(line.strip())
        if match is None:
            raise ValueError(f"{path}: line {number}: {line[:60]!r}; allowed: '7 road', '128 64 128 road' or '255 {NONE}'")
        first, second, third, name = match.groups()
        numbers = [int(one) for one in (first, second, third) if one is not None]
        if len(numbers) == 3 and max(numbers) > 255:
            raise ValueError(f'{path}: line {number}: {line[:60]!r}; allowed: colours from 0 to 255')
        value = numbers[0] if len(numbers) == 1 else COLOUR + (numbers[0] << 16) + (numbers[1] << 8) + numbers[2]
        if value in table:
            raise ValueError(f'{path}: line {number}: {told(value)} stands there twice; leave one')
        if name != NONE and name not in names:
            names.append(name)
        table[value] = -1 if name == NONE else names.index(name)
    if len(names) < 2:
        raise ValueError(f'{path}: {len(names)} classes; allowed: two or more, a line each, such as 7 road')
    return table, names


def classes_of_values(values: Sequence[int], where: Path, list_name: str) -> tuple[dict[int, int], list[str]]:
    """The classes of masks without a list: values 0, 1, 2 ... without a gap. Raises ValueError where that can't be known."""
    values = sorted(values)
    if values == list(range(len(values))) and len(values) > 1:
        return {value: value for value in values}, [str(value) for value in values]
    shown = ', '.join(map(told, values[:SHOWN])) + (', ...' if len(values) > SHOWN else '')
    what, example = ('colours', f'{told(values[0])} road') if values[-1] >= COLOUR else ('values', f'{told(values[0])} road')
    raise ValueError(
        f'{where}: its masks have {len(values)} {what}, {shown}: what they are can not be known; write {where / list_name} '
        f"with a line for each, such as '{example}', and the name {NONE} for places without a class"
    )


def as_classes(values: np.ndarray, table: Mapping[int, int]) -> np.ndarray:
    """The class of every pixel, int32; raises ValueError with the values that have none."""
    known, places = np.unique(values, return_inverse=True)
    if strange := [one for one in known.tolist() if one not in table]:
        raise ValueError(
            f'{told(strange[0])} is not in the list of classes ({len(strange)} such values); allowed: '
            f'{", ".join(map(told, list(table)[:SHOWN]))}{", ..." * (len(table) > SHOWN)}; add a line for it'
        )
    return np.array([table[one] for one in known.tolist()], np.int32)[places.reshape(values.shape)]


def measured(content: bytes) -> tuple[int, int]:
    """Height and width of an image; raises ValueError for one with a mark of orientation, because no mask heeds it."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            turned, size = image.getexif().get(ORIENTATION, 1), (image.height, image.width)
    except Exception as error:
        raise ValueError(f'not a readable image ({why_unread(error)})') from error
    if turned != 1:
        raise ValueError(f'its EXIF data say that it is to be turned ({turned}), and its mask does not; save it upright')
    return size


def resized(classes: np.ndarray, size: int) -> np.ndarray:
    """Classes `[size, size]` of the middle, cut as `decode` cuts images, each pixel that of the nearest."""
    from PIL import Image, ImageOps

    if classes.shape == (size, size):
        return classes
    return np.asarray(ImageOps.fit(Image.fromarray(classes), (size, size), Image.Resampling.NEAREST), np.int32)
