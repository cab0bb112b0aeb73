"""Golden definitions: every task and study of the lab asks what it asked when its results were made.

Each digest is that of a definition as plain data, without its question and its unit. A new task or study is a new row. Write
another digest (the failure shows it) only if you meant to change what is asked: the trials on record are then others.
"""

import json
from pathlib import Path

from ablations.digest import digest
from ablations.flagships import RUNG_STUDIES, flagship
from ablations.studies import STUDIES
from ablations.tasks import TASKS

GOLDEN = json.loads(Path(__file__).with_name('golden_definitions.json').read_text(encoding='utf-8'))
WORDS = ('question', 'unit')


def golden(definition: dict) -> dict:
    """A definition without words, with the digits of its numbers on which all processors agree."""

    def without_words(pairs: list) -> dict:
        return {name: value for name, value in pairs if name not in WORDS}

    text = json.dumps(definition)
    return json.loads(text, object_pairs_hook=without_words, parse_float=lambda number: float(f'{float(number):.9g}'))


def test_tasks_are_those_that_were_declared():
    assert {name: digest(golden(task.to_dict())) for name, task in TASKS.items()} == GOLDEN['tasks']


def test_studies_are_those_that_were_run():
    assert {name: digest(golden(study.to_dict())) for name, study in STUDIES.items()} == GOLDEN['studies']


def test_rungs_of_flagships_are_those_that_were_declared():
    studies = {name: flagship(one).study(rung) for name, (one, rung) in RUNG_STUDIES.items()}
    assert {name: digest(golden(study.to_dict())) for name, study in studies.items()} == GOLDEN['flagships']
