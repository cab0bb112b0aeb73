"""Pictures: a prepared set as an array of pixels, for a file or a terminal."""

import io
from pathlib import Path

import numpy as np

from results.store import atomic
from sweeps.datasets.prepared import Part

EDGE = 2
"""Empty pixels between two examples."""
WIDE, HIGH = 96, 32
"""Pixels of the drawing of a sound or a series."""


def chosen(part: Part, count: int) -> np.ndarray:
    """Indices of examples to show: the first ones of each class in turn, or evenly spread ones where none has a class."""
    if part.y is None or part.y.ndim > 1:
        return np.unique(np.linspace(0, len(part) - 1, min(count, len(part))).astype(np.int64))
    y = np.asarray(part.y)
    order = np.argsort(y, kind='stable')
    first = np.searchsorted(y[order], y[order])
    turn = np.arange(len(y)) - first
    return order[np.lexsort((y[order], turn))][:count]


def sheet(part: Part, kind: str, rows: int, columns: int) -> np.ndarray:
    """A contact sheet uint8 [H, W, 3]: images, each beside its map where it has one, sounds and series as curves."""
    shown = chosen(part, rows * columns)
    tiles = [_tile(np.asarray(part.example(number)), kind) for number in shown]
    if kind == 'images' and part.y is not None and part.y.ndim == 3:
        maps = [colours(np.asarray(part.y[number])) for number in shown]
        tiles = [np.concatenate([tile, one], 1) for tile, one in zip(tiles, maps, strict=True)]
    height, width = tiles[0].shape[:2]
    used = -(-len(tiles) // columns)
    page = np.full((used * (height + EDGE) + EDGE, columns * (width + EDGE) + EDGE, 3), 255, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = EDGE + number // columns * (height + EDGE), EDGE + number % columns * (width + EDGE)
        page[top : top + height, left : left + width] = tile
    return page


def colours(classes: np.ndarray) -> np.ndarray:
    """A map of classes `[H, W]` as uint8 [H, W, 3]: a colour for each, white where there is none.

    >>> colours(np.array([[0, 1, -1]])).tolist()
    [[[0, 0, 0], [97, 151, 211], [255, 255, 255]]]
    """
    numbers = classes.astype(np.int64)[..., None]
    return np.where(numbers < 0, 255, numbers * (97, 151, 211) % 256).astype(np.uint8)


def _tile(example: np.ndarray, kind: str) -> np.ndarray:
    if kind == 'images':
        return np.broadcast_to(example, (*example.shape[:2], 3)) if example.shape[-1] == 1 else example[..., :3]
    return curve(example)


def curve(values: np.ndarray, wide: int = WIDE, high: int = HIGH) -> np.ndarray:
    """A drawing uint8 [high, wide, 3]: each column is black from its least to its greatest value."""
    page = np.full((high, wide, 3), 255, np.uint8)
    if not len(values):
        return page
    values = values.astype(np.float64)
    low, span = values.min(), max(np.ptp(values), 1e-12)
    places = np.clip(((values - low) / span * (high - 1)).round().astype(int), 0, high - 1)
    bounds = np.linspace(0, len(values), wide + 1).astype(int)
    for column in range(wide):
        some = places[bounds[column] : max(bounds[column + 1], bounds[column] + 1)]
        page[high - 1 - some.max() : high - some.min(), column] = 0
    return page


def half_blocks(page: np.ndarray, width: int) -> list[str]:
    """Lines of a terminal, two pixels a character, no wider than `width`; escape codes give 24-bit colours."""
    step = max(1, -(-page.shape[1] // width))
    small = page[: page.shape[0] // step * step, : page.shape[1] // step * step]
    small = small.reshape(small.shape[0] // step, step, small.shape[1] // step, step, 3).mean((1, 3)).astype(int)
    if len(small) % 2:
        small = np.concatenate([small, np.full_like(small[:1], 255)])
    lines = []
    for upper, lower in zip(small[::2], small[1::2], strict=True):
        cells = (f'\x1b[38;2;{a[0]};{a[1]};{a[2]};48;2;{b[0]};{b[1]};{b[2]}m▀' for a, b in zip(upper, lower, strict=True))
        lines.append(''.join(cells) + '\x1b[0m')
    return lines


def save(page: np.ndarray, path: Path) -> None:
    """Write a page as a picture; raises ValueError where the name does not end with .png."""
    from PIL import Image

    if path.suffix.lower() != '.png':
        raise ValueError(f'{path}: pictures are written as PNG; give --out a name that ends with .png')
    content = io.BytesIO()
    Image.fromarray(page).save(content, 'PNG')
    atomic.replace(path, content.getvalue())
