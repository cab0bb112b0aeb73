"""The published calibration: its page is what its facts say, line by line."""

import json
from pathlib import Path

import pytest

import results
from results.calibration import COLUMNS, HEADINGS, SIZES, by_size, markdown
from sweeps.protocol.cells import DEFAULT, HALVINGS

PUBLISHED = Path(results.__file__).parent / 'published' / 'calibration'


HALVED = PUBLISHED.with_name('calibration_of_halvings')
TRUST = Path(results.__file__).parents[1] / 'docs' / 'trust.md'


@pytest.mark.parametrize('folder', [PUBLISHED, HALVED], ids=lambda folder: folder.name)
def test_the_published_page_is_rendered_from_the_published_facts(folder: Path):
    facts = json.loads((folder / 'calibration.json').read_text(encoding='utf-8'))
    assert markdown(facts) == (folder / 'calibration.md').read_text(encoding='utf-8')


def test_the_page_on_trust_says_what_stops_do():
    cells = json.loads((HALVED / 'calibration.json').read_text(encoding='utf-8'))['cells']['halved']
    page = TRUST.read_text(encoding='utf-8')
    assert set(cells) == set(HALVINGS) and {cell['studies'] for cell in cells.values()} == {1000}
    for name in (name for name in cells if not name.endswith('a planted loss')):
        plain, planted = cells[name], cells[f'{name}, a planted loss']
        held = sorted(100 * inside / count for inside, count in plain['held'].values())
        (claimed, of), (lost, _, count) = planted['found'], plain['regret']
        trials = 16 if name.endswith('16 trials') else 10
        shares = f'{100 * claimed / of:.1f}% | {held[0]:.1f}% to {held[-1]:.1f}% | {lost / count:.4f}'
        assert f'| {trials} | {plain["false"]} | {planted["false"]} | {shares} |' in page


def test_every_row_of_a_table_has_a_cell_for_each_column():
    before, _, cells = (PUBLISHED / 'calibration.md').read_text(encoding='utf-8').partition(f'## {HEADINGS["cover"]}')
    for page, columns in ((before, SIZES), (cells, COLUMNS)):
        rows = [line for line in page.splitlines() if line.startswith('| ')]
        assert len(rows) > 3 and {line.count('|') for line in rows} == {len(columns) + 1}


def test_the_page_on_trust_has_the_published_table_and_number_of_cells():
    facts = json.loads((PUBLISHED / 'calibration.json').read_text(encoding='utf-8'))
    page = TRUST.read_text(encoding='utf-8')
    assert '\n'.join(by_size(facts)) in page
    counted, declared = sum(map(len, facts['cells'].values())), sum(map(len, DEFAULT.values()))
    assert f'{counted} of {declared} cells have been run' in page


def test_sizes_go_from_the_least_to_the_most_over_worlds():
    tally = {'studies': 1000, 'false': 20, 'held': {'a': [940, 1000], 'b': [960, 1000]}, 'power': {'found': [90, 100]}}
    other = {'studies': 2000, 'false': 90, 'held': {'a': [1900, 2000]}}
    cells = {'one, 3 replicates, 2 arms': tally, 'two, 3 replicates, 2 arms': other, 'one, 12 replicates, 2 arms': other}
    assert by_size({'cells': {'cover': cells, 'forms': {'a path': tally}}})[2:] == [
        '| 3 | 2 | 2 | 40 to 90 | 90.0% to 90.0% | 94.0% to 96.0% |',
        '| 12 | 2 | 1 | 90 to 90 | \u2013 | 95.0% to 95.0% |',
    ]
