"""Defined: the definition of the study that ran in a runs folder. With it the records can be read without the study's file.

It is written once a run, and is no state of the lab: where it is lost, the next run writes it again.
"""

import json
from pathlib import Path

from ablations.study import Study
from results.store import atomic, regular
from results.store.records import FIX

FILE = 'study.json'


def save(folder: Path, study: Study) -> None:
    """Write the definition of a study; raises ValueError where the folder cannot be written or the disk is full."""
    save_as(folder, study.to_dict())


def save_as(folder: Path, definition: dict) -> None:
    """Write a definition as plain data; raises ValueError as `save` does."""
    atomic.replace(folder / FILE, json.dumps(definition, indent=1, allow_nan=False), FIX, follow=False)


def load(folder: Path) -> dict | None:
    """The definition in a runs folder, None where there is none; raises ValueError where it is damaged."""
    try:
        definition = json.loads(regular.read(folder / FILE))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(
            f'{folder / FILE} is damaged ({error}); remove it, and run the study again: it is written anew'
        ) from None
    if not isinstance(definition, dict):
        raise ValueError(f'{folder / FILE} is no definition of a study; remove it, and run the study again')
    return definition
