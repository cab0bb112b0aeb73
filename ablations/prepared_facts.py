"""Prepared facts: what is known of a prepared set without its arrays, from the `about.json` that preparing wrote.

What stands in it is said in sweeps/datasets/prepared.py.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from ablations.locations import prepared_folder

ABOUT = 'about.json'


def facts_of(name: str, data: Path | None = None) -> Mapping | None:
    """The facts of a prepared set by name; None where there is none, or none that can be read.

    >>> facts_of('no_such_set') is None
    True
    """
    path = prepared_folder(data) / name / ABOUT
    try:
        # A pipe or a device would be waited for.
        facts = json.loads(path.read_text(encoding='utf-8')) if path.is_file() else None
    except (OSError, ValueError, RecursionError):
        return None
    whole = isinstance(facts, dict) and isinstance(facts.get('kind'), str) and isinstance(facts.get('sizes'), dict)
    return facts if whole else None
