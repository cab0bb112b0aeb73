"""Prepared facts: the facts of a prepared set without its arrays, from its `about.json`.

What stands in it is said in sweeps/datasets/prepared.py.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from ablations.locations import prepared_folder
from ablations.tasks.made_tasks import SETS

ABOUT = 'about.json'
OF_THE_LAB = ('digits', *SETS)
"""Sets that are never prepared."""


def facts_of(name: str, data: Path | None = None) -> Mapping | None:
    """The facts of a prepared set by name; None where there is none, or none that can be read.

    >>> facts_of('no_such_set') is None
    True
    """
    folder = prepared_folder(data) / name
    # Where preparing it again was killed between two calls, the old one has this name until somebody opens it.
    folder = folder if folder.exists() else folder.with_name(f'.{name}.before')
    path = folder / ABOUT
    try:
        # A pipe or a device would be waited for.
        facts = json.loads(path.read_text(encoding='utf-8')) if path.is_file() else None
    except (OSError, ValueError, RecursionError):
        return None
    whole = isinstance(facts, dict) and isinstance(facts.get('kind'), str) and isinstance(facts.get('sizes'), dict)
    return facts if whole else None


def sets_of(data: object) -> Iterator[str]:
    """The prepared sets that the declaration of a task's data names, at any depth; not those of the lab's own.

    >>> list(sets_of({'parts': [{'kind': 'text', 'dataset': 'one'}, {'kind': 'digits', 'dataset': 'digits'}]}))
    ['one']
    """
    if isinstance(data, dict):
        if isinstance(data.get('dataset'), str) and data['dataset'] not in OF_THE_LAB:
            yield data['dataset']
        for inner in data.values():
            yield from sets_of(inner)
    elif isinstance(data, (list, tuple)):
        for inner in data:
            yield from sets_of(inner)


def giveaways_of(data: object) -> dict[str, list[str]]:
    """What tells the answer alone in the prepared sets of a declaration of data, by name, as their preparation found it."""
    known = {name: (facts_of(name) or {}).get('giveaways') for name in sets_of(data)}
    return {name: [*map(str, said)] for name, said in known.items() if isinstance(said, list) and said}


def digests_of(data: object) -> dict[str, str]:
    """The digests of the prepared sets in a declaration of data, by name, if they are here."""
    known = {name: (facts_of(name) or {}).get('digest') for name in sets_of(data)}
    return {name: digest for name, digest in known.items() if isinstance(digest, str)}
