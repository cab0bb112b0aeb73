"""Comparison file: comparison.json marks a runs folder or bundle as a comparison of searchers, and has its numbers."""

import json
from collections.abc import Mapping
from pathlib import Path

from results.store import atomic, regular

FILE = 'comparison.json'
SUFFIX = '_searchers'
"""The folder of a comparison is named after its study, with this."""
NUMBERS = ('runs', 'replicates', 'seeds')
KEYS = {'study': str, 'digest': str, 'searchers': list, **dict.fromkeys(NUMBERS, int)}


def is_comparison(folder: Path) -> bool:
    """Whether a runs folder or bundle is one of a comparison of searchers."""
    return (Path(folder) / FILE).is_file()


def load(folder: Path) -> dict:
    """What comparison.json says; raises ValueError where it is damaged, and FileNotFoundError without one."""
    path = Path(folder) / FILE
    try:
        told = dict(json.loads(regular.read(path)))
        wrong = [key for key, kind in KEYS.items() if not isinstance(told.get(key), kind)]
        if wrong:
            raise ValueError(f'it lacks {wrong}')
    except FileNotFoundError:
        raise
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise ValueError(
            f'{path} is damaged ({error}); take a bundle from where it was published; in a folder of runs remove the file, and '
            'give the numbers that the comparison was begun with'
        ) from None
    return told


def save(folder: Path, told: Mapping) -> None:
    """Write comparison.json."""
    atomic.replace(Path(folder) / FILE, text(told))


def text(told: Mapping) -> str:
    """The content of comparison.json."""
    return json.dumps(dict(told), indent=1) + '\n'
