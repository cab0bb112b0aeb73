"""Image files: JPEG, PNG and the like, decoded to uint8 arrays of one size."""

import contextlib
import functools
import io
import threading
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from results.store import regular

SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp', '.bmp', '.gif', '.ppm', '.tif', '.tiff')
FORMATS = ('JPEG', 'PNG', 'WEBP', 'BMP', 'GIF', 'PPM', 'TIFF')
"""The decoded formats. Other formats of Pillow run programs (EPS) or are never used for datasets."""
PIXELS = 89_478_485
"""Pixels above which Pillow warns of a decompression bomb; here an error."""
ORIENTATION = 0x0112
_CATCHING = threading.Lock()


def decode(content: bytes, size: int | None, channels: int = 3, how: str = 'crop') -> np.ndarray:
    """An image file as uint8 [size, size, channels]; [h, w, channels] as it is where size is None.

    `how`: 'crop' resizes the shorter side and crops the centre, 'stretch' resizes both sides. Both are bicubic, and leave an
    image unchanged that has the size already. Grey, palette, CMYK and 16-bit images are converted to 8 bits a channel. The
    alpha channel is dropped, and the EXIF orientation is applied. An animation gives its first frame. Raises ValueError if the
    content is damaged, cut short, no image, or larger than PIXELS.
    """
    from PIL import Image, ImageOps

    if channels not in (1, 3):
        raise ValueError(f'{channels} channels; allowed: 1 (grey) or 3 (red, green, blue); choose one')
    if how not in ('crop', 'stretch'):
        raise ValueError(f"how '{how}'; allowed: 'crop' or 'stretch'; choose one")
    if size is not None and size < 1:
        raise ValueError(f'size {size}; allowed: 1 or more; raise it')
    try:
        with _open(content) as image:
            image.load()
            image = _eight_bits(_upright(image), 'L' if channels == 1 else 'RGB')
        if size is not None and image.size != (size, size):
            bicubic = Image.Resampling.BICUBIC
            image = ImageOps.fit(image, (size, size), bicubic) if how == 'crop' else image.resize((size, size), bicubic)
        return np.array(image, np.uint8).reshape(image.height, image.width, channels)
    # Pillow's decoders fail on damaged files in many ways: OSError, SyntaxError, struct.error, IndexError and others.
    except Exception as error:
        raise ValueError(f'not a readable image ({why_unread(error)}); allowed: whole files of {", ".join(FORMATS)}') from error


def why_unread(error: Exception) -> object:
    """What is wrong with a file: what Pillow says, but where it knows no format, for there it names an object of ours."""
    from PIL import UnidentifiedImageError

    return 'of no known format' if isinstance(error, UnidentifiedImageError) else error


class Stored(NamedTuple):
    """How an image is stored in its file, before it is cut or brought to other colours."""

    width: int
    height: int
    format: str
    colour_mode: str


def stored_as(content: bytes) -> Stored:
    """How a readable image is stored."""
    with _open(content) as image:
        return _stored(image.width, image.height, str(image.format), image.mode)


# One object for all images that are stored alike, so that a million of them take a million references.
_stored = functools.lru_cache(1 << 16)(Stored)


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Silence Pillow's harmless warnings (of damaged EXIF data), in one thread at a time, as Python requires."""
    with _CATCHING, warnings.catch_warnings():
        warnings.simplefilter('ignore')
        yield


def _open(content: bytes):
    """The image, not yet decoded. Raises ValueError if it has more than PIXELS pixels."""
    from PIL import Image

    with _without_warnings():
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    if image.width * image.height > PIXELS:
        raise ValueError(f'{image.width} x {image.height} pixels; allowed: {PIXELS} in all; it looks like a decompression bomb')
    return image


def _upright(image):
    """The image turned upright by its EXIF orientation; damaged EXIF data are ignored."""
    from PIL import ImageOps

    with _without_warnings():
        try:
            return image if image.getexif().get(ORIENTATION, 1) == 1 else ImageOps.exif_transpose(image)
        except Exception:
            return image


def _eight_bits(image, mode: str):
    """The image in `mode`, L or RGB. Pillow would clip 16-bit values to 255; here 65,535 becomes 255."""
    from PIL import Image

    if image.mode.startswith('I'):
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise ValueError(f'values from {values.min()} to {values.max()}; allowed: 8 or 16 bits')
        image = Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))
    elif image.mode == 'F':
        raise ValueError('fractional values; allowed: 8 or 16 bits')
    elif 'transparency' in image.info:
        image = image.convert('RGBA')
    return image.convert(mode)


def decode_all(
    examples: Iterable[tuple[Path | bytes, int]],
    size: int | None,
    channels: int = 3,
    how: str = 'crop',
    skipped: list[str] | None = None,
    threads: int = 1,
    stored: list[Stored] | None = None,
) -> Iterator[tuple[np.ndarray, int]]:
    """The decoded images and their labels, in order. `threads` decode at once, a bounded number ahead.

    With a size of None all images must have the same size. Raises ValueError, with the file or example, if one has another size
    or is damaged; with `skipped`, a damaged one is appended there instead. How each image lies in its file is appended to
    `stored`.
    """
    shape = None

    def read(number: int, source: Path | bytes) -> tuple[np.ndarray, Stored | None]:
        name = f'example {number}' if isinstance(source, bytes) else str(source)
        try:
            content = source if isinstance(source, bytes) else regular.read(Path(source))
            return decode(content, size, channels, how), None if stored is None else stored_as(content)
        except (ValueError, OSError) as error:
            raise ValueError(f'{name}: {error}') from error

    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[tuple[int, Path | bytes, int, Future]] = deque()
        stream = enumerate(examples)
        try:
            while True:
                while len(waiting) < 4 * threads and (item := next(stream, None)) is not None:
                    number, (source, label) = item
                    waiting.append((number, source, label, pool.submit(read, number, source)))
                if not waiting:
                    return
                number, source, label, future = waiting.popleft()
                try:
                    x, how_stored = future.result()
                except ValueError as error:
                    if skipped is None:
                        raise ValueError(f'{error}; take it out, or leave damaged images out (skipped)') from error
                    skipped.append(str(error))
                    continue
                shape = shape or x.shape
                if x.shape != shape:
                    name = f'example {number}' if isinstance(source, bytes) else source
                    raise ValueError(
                        f'{name}: {x.shape[1]} x {x.shape[0]} pixels, those before are {shape[1]} x {shape[0]}; allowed: one '
                        'size; give a size to resize to'
                    )
                if stored is not None:
                    stored.append(how_stored)
                yield x, label
        finally:
            for *_, future in waiting:
                future.cancel()
