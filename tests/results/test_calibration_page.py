"""The published calibration: its page is what its facts say, line by line."""

import json
from pathlib import Path

import pytest

import results
from results.calibration import (
    COLUMNS,
    HEADINGS,
    ROOM_AGAIN,
    SIZES,
    by_size,
    limit,
    load,
    markdown,
    save,
    shortfalls,
    table_of,
)
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
    most = {'studies': 1000, 'false': 900, 'held': {}}
    assert by_size({'cells': {'cover': {'w, 3 replicates, 2 arms': most}}})[2:] == ['| 3 | 2 | 1 | 1800 to 1800 | – | – |']
    assert '## By the size of the study' in markdown(facts()) and '## By the size' not in markdown(facts('forms'))
    cells = {'one, 3 replicates, 2 arms': tally, 'two, 3 replicates, 2 arms': other, 'one, 12 replicates, 2 arms': other}
    assert by_size({'cells': {'cover': cells, 'forms': {'a path': tally}}})[2:] == [
        '| 3 | 2 | 2 | 40 to 90 | 90.0% to 90.0% | 94.0% to 96.0% |',
        '| 12 | 2 | 1 | 90 to 90 | \u2013 | 95.0% to 95.0% |',
    ]


TALLY = {
    **{'studies': 200, 'false': 8, 'usual': 40, 'uncorrected': 60, 'promised': True, 'curved': True, 'replicates': 900},
    **{'runs': 50_000, 'world': 'plain', 'about': 'a hill', 'found': [30, 100], 'regret': [1.0, 2.0, 0]},
    **{'held': {'a': [950, 1000], 'b': [945, 1000]}, 'sources': {'abc': 200}, 'power': {}, 'again': {}},
    **{'difference': 1, 'equivalence': 2, 'unstable': 3, 'overall': 0, 'factorial': 2},
}


def facts(part: str = 'cover', name: str = 'plain, 5 replicates, 5 arms', **changes: object) -> dict:
    return {'cells': {part: {name: {**TALLY, **changes}}}, 'protocol': 3}


@pytest.mark.parametrize(
    ('part', 'changes', 'said'),
    [
        ('cover', {}, []),
        ('cover', {'false': limit(200)}, []),
        ('cover', {'false': limit(200) + 1}, [f'{limit(200) + 1} of 200 studies say a false word; allowed {limit(200)}']),
        ('cover', {'false': 200, 'promised': False}, []),
        ('cover', {'false': 200, 'studies': 0}, []),
        # Run again, the further studies alone are judged.
        ('cover', {'false': 99, 'again': {'studies': 800, 'false': limit(800, ROOM_AGAIN)}}, []),
        (
            'cover',
            {'again': {'studies': 800, 'false': 99}},
            [f'99 of 800 studies say a false word; allowed {limit(800, ROOM_AGAIN)}'],
        ),
        ('cover', {'false': 99, 'again': {'studies': 0, 'false': 0}}, ['99 of 200 studies']),
        ('cover', {'held': {'a': [914, 1000]}}, []),
        ('cover', {'held': {'a': [913, 1000]}}, ['91.3% of the intervals of a hold the truth; promised 93% to 97%']),
        ('cover', {'held': {'a': [986, 1000]}}, []),
        ('cover', {'held': {'a': [987, 1000]}}, ['98.7% of the intervals of a']),
        ('cover', {'regret': [4.0, 6.0, 0]}, []),
        ('cover', {'regret': [4.1, 6.0, 0]}, ["regret is 0.68 of the best trial's; promised 0.67"]),
        ('cover', {'regret': [6.5, 6.0, 0], 'curved': False}, []),
        ('cover', {'regret': [6.7, 6.0, 0], 'curved': False}, ["regret is 1.12 of the best trial's; promised 1.10"]),
        ('forms', {'regret': [9.0, 6.0, 0]}, []),
    ],
)
def test_each_promise_that_did_not_hold_is_said(part, changes, said):
    told = shortfalls(facts(part, **changes))
    assert len(told) == len(said) and all(words in one for words, one in zip(said, told, strict=True))


@pytest.mark.parametrize(
    ('name', 'counts', 'short'),
    [
        ('equal noise', [78, 100], False),
        ('equal noise', [77, 100], True),
        ('beside an arm ten times as noisy', [71, 100], False),
        ('another world', [0, 100], False),
        ('equal noise', [0, 0], False),
        ('equal noise', None, False),
    ],
)
def test_planted_effects_must_be_found_as_often_as_is_promised(name, counts, short):
    told = shortfalls(facts('found', name, **{'found': counts}))
    assert [one.startswith(f'{name}: a loss of three deviations is found in 77.0%; promised 78%') for one in told] == [
        True
    ] * short


def row_of(**changes: object) -> dict:
    (row,) = (line for line in markdown(facts(**changes)).splitlines() if line.startswith('| plain, 5'))
    return dict(zip(COLUMNS, row.strip('| ').split(' | '), strict=True))


def test_a_row_of_the_page_has_shares_of_its_studies():
    row = row_of()
    assert row['a false word'] == '8 (4.0%)' and row['usual protocol'] == '20.0%' and row['uncorrected'] == '30.0%'
    assert row['of difference / equivalence / divergence / datasets / factors'] == '1 / 2 / 3 / 0 / 2'
    assert row['found'] == '30.0%' and row_of(power={'found': [9, 10]})['found'] == '90.0%'
    assert (
        row['intervals hold the truth, by arm'] == '94.5% to 95.0%'
        and row_of(held={})['intervals hold the truth, by arm'] == '–'
    )
    assert row["regret, of the best trial's"] == '0.50' and row_of(regret=[0.0, 0.0, 0])["regret, of the best trial's"] == '–'
    assert (row['runs'], row['replicates']) == ('250', '4.5')
    again = row_of(again={'studies': 800, 'false': 40})['a false word']
    assert (
        again == '8 (4.0%); again 40 of 800 (5.0%)'
        and row_of(**{'found': None})['found'] == '–' == row_of(**{'found': [0, 0]})['found']
    )


def test_studies_are_counted_by_the_code_that_made_them():
    page = markdown(
        facts(power={'found': [1, 2], 'sources': {'abc': 20}}, again={'studies': 5, 'false': 0, 'sources': {'new': 1500}})
    )
    assert 'Protocol 3: 220 studies by the code abc, 1,500 studies by the code new.' in page
    assert 'Nothing of what is promised.' in page and '- **plain**: a hill.' in page
    empty = markdown({'cells': {'cover': {}}, 'protocol': 2})
    assert 'Protocol 2: no studies.' in empty and '## The worlds' not in empty and '## By the size' not in empty
    assert "- 'plain, 5 replicates, 5 arms': 150 of 200 studies say a false word" in markdown(facts(false=150))


def test_saved_facts_are_read_again_and_damaged_ones_are_named(tmp_path: Path):
    given = facts(false=150)
    save(tmp_path, given)
    made = load(tmp_path)
    assert made['cells'] == given['cells'] and made['shortfalls'] == shortfalls(given)
    assert (tmp_path / 'calibration.md').read_text() == markdown(given)
    assert (tmp_path / 'calibration.json').read_text() == json.dumps(made, indent=1) + '\n'
    assert load(None) is None and load(tmp_path / 'no') is None and save(None, given) is None
    for content in ('[1]', '{}', '{"cells": [1]}', '{', ''):
        (tmp_path / 'calibration.json').write_text(content)
        with pytest.raises(ValueError, match=r'calibration.json is damaged \(.*\); move it away: it is made anew'):
            load(tmp_path)
    (tmp_path / 'calibration.json').unlink()
    (tmp_path / 'calibration.json').mkdir()
    with pytest.raises(ValueError, match=r'calibration\.json'):
        load(tmp_path)


def test_the_terminal_shows_the_columns_of_the_page_that_fit():
    table = table_of(facts())
    assert [column.header for column in table.columns] == [
        'studies of',
        'studies',
        'false',
        'usual',
        'found',
        'coverage',
        'runs',
    ]
    assert [next(iter(column.cells)) for column in table.columns] == [
        *('plain, 5 replicates, 5 arms', '200', '8 (4.0%)', '20.0%', '30.0%', '94.5% to 95.0%', '250')
    ]
    assert [column.justify for column in table.columns] == ['left', *['right'] * 6]
    assert table.header_style == 'bold' and table.box is None
