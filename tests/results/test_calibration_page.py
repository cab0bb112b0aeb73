"""The published calibration: its page is what its facts say, line by line."""

import json
from pathlib import Path

import results
from results.calibration import COLUMNS, markdown

PUBLISHED = Path(results.__file__).parent / 'published' / 'calibration'


def test_the_published_page_is_rendered_from_the_published_facts():
    facts = json.loads((PUBLISHED / 'calibration.json').read_text(encoding='utf-8'))
    assert markdown(facts) == (PUBLISHED / 'calibration.md').read_text(encoding='utf-8')


def test_every_row_of_a_table_has_a_cell_for_each_column():
    lines = (PUBLISHED / 'calibration.md').read_text(encoding='utf-8').splitlines()
    rows = [line for line in lines if line.startswith('| ')]
    assert len(rows) > 20 and {line.count('|') for line in rows} == {len(COLUMNS) + 1}
