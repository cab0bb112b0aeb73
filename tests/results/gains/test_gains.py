"""Gains: means and intervals over replicates, words, figure and page."""

import csv
import dataclasses
import io
import re
import types
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from ablations.searched import Searched
from ablations.study import Study
from results.gains.comparison_bundle import comma_separated, publish
from results.gains.figure import figure
from results.gains.gain import gains
from results.gains.gain_words import arms_of, confirmed_share, sentence, tables, with_interval
from results.gains.gains_page import page
from results.statistics import mean_interval

STUDY = Study(name='few', question='Who finds <it>?\n\nMore.', arms={'base': (), 'other': ()}, tasks=('digits', 'stdlib_bytes'))
TASKS = {one.name: one for one in STUDY.tasks}


def searched(searcher: str, replicate: int, claimed: float, gained: float, name: str = 'digits', **fields: object) -> Searched:
    start = (0.5, 0.7)
    chosen = tuple(score + gained for score in start)
    one = Searched(searcher, name, replicate, 'other', 'adamw', claimed, start, chosen, 40 + replicate, 0)
    return dataclasses.replace(one, **fields)


FEW = [
    searched('greedy', 0, 0.30, 0.10),
    searched('lab', 0, 0.20, 0.20),
    searched('greedy', 1, 0.10, 0.02, arm='base'),
    searched('lab', 1, 0.10, 0.15, diverged=2),
    searched('greedy', 2, 0.20, 0.00),
    searched('lab', 2, 0.00, 0.10),
]


def test_gains_are_means_over_replicates_and_paired_with_the_labs():
    greedy, lab = gains(FEW)
    assert (greedy.searcher, lab.searcher) == ('greedy', 'lab')
    assert greedy.claimed[0] == pytest.approx(0.2) and greedy.confirmed[0] == pytest.approx(0.04)
    assert greedy.confirmed[1] == pytest.approx(mean_interval(np.array([0.1, 0.02, 0.0]), 0.95))
    assert greedy.vanished[0] == pytest.approx(0.16) and greedy.share == pytest.approx(0.2)
    assert greedy.beside[0] == pytest.approx(-0.11)
    assert greedy.beside[1] == pytest.approx(mean_interval(np.array([-0.1, -0.13, -0.1]), 0.95))
    assert lab.beside is None and lab.diverged == 2 and greedy.diverged == 0
    assert greedy.arms == {'other': 2, 'base': 1} and arms_of(greedy) == 'other 2, base 1'
    assert (greedy.runs, greedy.searches) == (42, 3)
    (alone,) = gains([one for one in FEW if one.searcher == 'greedy'])
    assert alone.beside is None
    (nothing,) = gains([searched('greedy', r, 0.0, 0.1) for r in range(2)])
    assert nothing.share is None and confirmed_share(nothing) == '–' and confirmed_share(greedy) == '20%'


def test_a_spreadsheet_has_each_gain_between_its_ends():
    greedy, lab = csv.DictReader(io.StringIO(comma_separated(STUDY, gains(FEW))))
    assert (greedy['searcher'], greedy['task'], greedy['metric']) == ('greedy', 'digits', 'accuracy')
    for name in ('claimed', 'confirmed', 'vanished', 'beside'):
        low, mean, high = (float(greedy[f'{name}{end}']) for end in ('_low', '', '_high'))
        assert low < mean < high, name
    assert lab['beside'] == lab['beside_low'] == '' and lab['diverged'] == '2' and float(greedy['share']) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ('complete', 'statuses', 'why'),
    [
        (False, ['ok', 'diverged'], 'some of its searches are not at their end'),
        (True, ['ok', 'failed', 'failed'], '2 of its runs failed'),
        (False, ['failed'], '1 of its runs failed'),
    ],
)
def test_an_unfinished_comparison_is_not_published(tmp_path: Path, complete: bool, statuses: list, why: str):
    records = {str(number): {'status': status} for number, status in enumerate(statuses)}
    reading = types.SimpleNamespace(study=STUDY, schedule=types.SimpleNamespace(complete=complete), records=records)
    with pytest.raises(ValueError, match=f"of study 'few' cannot be published: {why}; .* goes on where it was$"):
        publish(reading, {}, {}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_became_of_a_gain_is_a_sentence():
    greedy, lab = gains(FEW)
    low, high = (f'{100 * end:+.1f}'.replace('-', '−') for end in greedy.confirmed[1])
    told = f'greedy claims +20.0 points, and fresh seeds confirm +4.0 [{low}, {high}], 20% of it.'
    assert sentence(greedy, TASKS['digits']) == told
    assert sentence(lab, TASKS['digits']).endswith('150% of it; 2 of the runs that confirm it diverged.')
    (bits,) = gains([searched('random', r, 0.25, 0.125, 'stdlib_bytes') for r in range(2)])
    unit = TASKS['stdlib_bytes'].unit
    assert sentence(bits, TASKS['stdlib_bytes']).startswith(f'random claims +0.250 {unit}, and fresh seeds confirm +0.125 [')


def test_a_table_of_each_task_has_eighty_columns():
    made = tables(gains([*FEW, *(searched('greedy', r, 0.2, 0.1 * r, 'stdlib_bytes') for r in range(2))]), TASKS)
    assert [table.title.partition(':')[0] for table in made] == list(TASKS)
    console = Console(width=80, record=True, file=io.StringIO())
    for table in made:
        console.print(table)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80 and '…' not in text
    assert re.search(r'greedy +42 +\+20\.0 +\+4\.0 \[.*\] +20% +−11\.0 \[', text) and re.search(r'lab +42 .* –', text)
    assert [table.row_count for table in made] == [2, 1]


def test_the_figure_shows_what_was_claimed_hollow_and_what_was_confirmed_filled():
    panels = figure(gains(FEW), {'digits': TASKS['digits']}).axes
    assert len(panels) == 1 and [label.get_text() for label in panels[0].get_yticklabels()] == ['greedy', 'lab']
    points = [line for line in panels[0].lines if line.get_marker() == 'o']
    assert [float(line.get_xdata()[0]) for line in points] == pytest.approx([20, 4, 10, 15])
    assert [line.get_markerfacecolor() == 'white' for line in points] == [True, False, True, False]
    solid = [line for line in panels[0].lines if line.get_linewidth() == 1.6]
    assert list(solid[0].get_xdata()) == pytest.approx([100 * end for end in gains(FEW)[0].confirmed[1]], abs=1e-3)
    assert panels[0].get_title(loc='left') == 'digits' and 'points' in panels[0].get_xlabel()
    dotted = [line for line in panels[0].lines if line.get_linestyle() == ':']
    assert [list(line.get_xdata()) for line in dotted] == [pytest.approx([20, 4]), pytest.approx([10, 15])]
    assert [list(line.get_ydata()) for line in (*dotted, *solid)] == [[0, 0], [1, 1]] * 2
    low, high = panels[0].get_ylim()
    assert low > 1 and high < 0, 'the first searcher stands above'


def test_each_task_has_a_panel_with_the_searchers_that_have_a_gain_there():
    made = gains([*FEW, searched('random', 0, 0.25, 0.125, 'stdlib_bytes')])
    panels = figure(made, TASKS).axes
    assert [panel.get_title(loc='left') for panel in panels] == list(TASKS)
    points = [[line for line in panel.lines if line.get_marker() == 'o'] for panel in panels]
    assert [[line.get_ydata()[0] for line in some] for some in points] == [[0, 0, 1, 1], [2, 2]]
    assert [line.get_xdata()[0] for line in points[1]] == pytest.approx([0.25, 0.125])
    assert [label.get_text() for label in panels[1].get_yticklabels()] == ['greedy', 'lab', 'random']
    assert not [line for line in panels[1].lines if line.get_linewidth() == 1.6], 'one replicate has no interval'


def test_the_page_stands_alone_and_is_the_same_again():
    facts = {'runs': 44, 'replicates': 3, 'seeds': 2}
    abouts = {'greedy': 'keeps <what> scores higher', 'lab': 'tunes each'}
    study = dataclasses.replace(STUDY, tasks=(TASKS['digits'],))
    text = page(study, gains(FEW), abouts, facts)
    assert text == page(study, gains(FEW), abouts, facts)
    assert 'Who finds &lt;it&gt;?' in text and 'keeps &lt;what&gt; scores higher' in text and '<svg' in text
    assert '44 runs a search, 3 searches by each searcher, 2 fresh seeds' in text and 'greedy claims +20.0 points' in text
    assert not re.findall(r'(?:src|href)="(?!#|data:)', text.replace('xlink:href', ''))


def test_gains_without_a_claim_or_an_interval_have_words():
    (nothing,) = gains([searched('greedy', 0, 0.0, 0.1)])
    assert sentence(nothing, TASKS['digits']) == 'greedy claims 0.0 points, and fresh seeds confirm +10.0.'
    (loss,) = gains([searched('greedy', 0, -0.1, 0.1), searched('greedy', 1, -0.1, 0.1)])
    assert loss.share is None, 'a loss that was claimed is no gain'
    assert with_interval(None, 'accuracy') == '–' and with_interval((0.1, None), 'accuracy') == '+10.0'
    assert with_interval((0.1, (0.05, 0.15)), 'accuracy') == '+10.0 [+5.0, +15.0]'


def test_arms_are_named_from_the_most_frequent_on_and_ties_as_they_came():
    given = [searched('greedy', r, 0.1, 0.1, arm=arm) for r, arm in enumerate(('a', 'c', 'b', 'b', 'c', 'b'))]
    assert arms_of(gains(given)[0]) == 'b 3, c 2, a 1'
    assert arms_of(gains(given[:3])[0]) == 'a 1, c 1, b 1'


def test_a_gain_is_paired_with_the_lab_where_both_have_the_replicate_and_on_its_own_task():
    given = [searched('greedy', 1, 0.3, 0.25), searched('greedy', 2, 0.3, 0.9), searched('lab', 0, 0.2, 0.9)]
    given += [searched('lab', 1, 0.1, 0.15), searched('lab', 1, 0.1, 0.75, 'stdlib_bytes')]
    greedy, *_ = gains(given)
    assert greedy.beside == (pytest.approx(0.1), None), 'of the one replicate that both have'
    assert gains([searched('greedy', 5, 0.3, 0.25), *given[2:3]])[0].beside is None
