"""Costs as tables: every number stands where it belongs, and alike blocks share a row."""

import io

from rich.console import Console

from results.tables.sizes import (
    budget_table,
    comparison_table,
    fits_lines,
    match_lines,
    model_lines,
    size_table,
    task_lines,
)
from sweeps.models.listing import listing

PARTS = {'stem': 10, 'block_0': 1500, 'block_1': 1500, 'block_2': 1500, 'head': 5}
COST = {
    'params': 4515,
    'macs': 4_200_000,
    'flops': 2_500_000_000,
    'activation_bytes': 9_000,
    'params_by_role': {'matrix': 4500, 'conv': 0, 'vector': 15},
    'macs_by_role': {'matrix': 4_000_000, 'activation': 200_000},
    'flops_by_role': {'matrix': 2_500_000_000},
    'params_by_part': PARTS,
    'macs_by_part': {'block_0': 1_400_000, 'block_1': 1_400_000, 'block_2': 1_400_000},
    'flops_by_part': {},
    'activation_bytes_by_part': {'loss': 9_000},
}


def lines(table: object) -> list[list[str]]:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(table)
    return [line.split() for line in console.export_text().splitlines() if line.strip()]


def test_one_model_has_its_roles_and_parts():
    rows = lines(size_table(COST, 'tiny'))
    assert rows[0] == ['tiny']
    assert ['in', 'all', '4,515', '4.2', 'M', '2.5', 'G', '9', 'k'] in rows
    assert ['matrix', '4,500', '4', 'M', '2.5', 'G'] in rows
    assert ['activation', '0', '200', 'k', '0'] in rows
    assert ['block_0', 'to', '2,', 'each', '1,500', '1.4', 'M', '0', '0'] in rows
    assert ['loss', '0', '0', '0', '9', 'k'] in rows
    assert not [row for row in rows if row[0] == 'conv']


def test_several_models_have_a_row_each_and_no_parts():
    rows = lines(size_table({'base': {'digits': COST}, 'other': {'digits': COST, 'recall': COST}}))
    assert [row[:2] for row in rows[1:]] == [['base', 'digits'], ['other', 'digits'], ['other', 'recall']]
    assert all(row[2] == '4,515' for row in rows[1:])


def test_budgets_are_short_however_large():
    flops = {'a': 999.0, 'b': 2.04e13, 'c': 1.79e15, 'd': 3e18}
    rows = lines(
        budget_table(
            {'base': {name: {'trials': 8, 'steps': 1e4, 'examples': 1e6, 'flops': value} for name, value in flops.items()}}
        )
    )
    assert [row[5:] for row in rows[1:]] == [['999'], ['20.4', 'T'], ['1.79', 'P'], ['3', 'E']]


def pair(a: float, b: float) -> dict:
    return {'a': a, 'b': b, 'ratio': b / a if a else None}


PAIR = {
    'a': {'name': 'first', 'input': [8, 8, 1], 'batch': 2},
    'b': {'name': 'second', 'input': [6], 'batch': 2},
    'differences': [{'path': 'mixer.kernel', 'a': 3, 'b': None}],
    'params': pair(1000, 1500),
    'params_by_role': {'conv': pair(0, 7)},
    'macs': pair(2000, 1000),
    'flops': pair(1, 1),
    'activation_bytes': pair(1, 1),
}


def test_two_models_stand_side_by_side():
    rows = lines(comparison_table(PAIR))
    assert rows[0] == ['first', 'second', 'ratio']
    assert ['mixer.kernel', '3', '-'] in rows
    assert ['params', '1,000', '1,500', '1.500'] in rows
    assert ['conv', '0', '7'] in rows
    assert ['multiply-adds', '2', 'k', '1', 'k', '0.500'] in rows
    assert rows[1] == ['input', '2', 'x', '[8,', '8,', '1]', '2', 'x', '[6]']
    same = {**PAIR, 'b': {**PAIR['a'], 'name': 'again'}, 'differences': []}
    assert ['no', 'value', 'differs'] in lines(comparison_table(same))


def kind(fits: list[str], **said: list[str]) -> dict:
    return {'fits': fits, 'needs': [], 'takes': [], 'notes': [], **said}


def test_a_mark_stands_below_the_place_where_a_kind_works():
    everywhere = ['hierarchical', 'isotropic', 'causal', 'bidirectional', 'maps', 'tokens']
    blocks = {
        'mixer': {'one': kind(['causal', 'tokens'], takes=['bias']), 'two': kind(everywhere)},
        'norm': {'group': kind(everywhere[:-1])},
        'channel': {'mlp': kind(everywhere)},
    }
    head, one, two, *rest = fits_lines(blocks)
    assert not any('norm: everywhere' in line for line in rest), 'it says nothing else, and still does not work everywhere'
    marks = {place: one[head.index(place) : head.index(place) + len(place)].strip() for place in head.split()[1:]}
    assert marks == {'hier': '.', 'iso': '.', 'causal': 'x', 'bidir': '.', 'maps': '.', 'tokens': 'x'}
    assert one.endswith('takes bias') and two.split() == ['two', *'xxxxxx']
    assert 'channel: everywhere' in rest and '  mlp' in rest


MADE = {
    'to': 'base',
    'by': 'params',
    'target': 1000,
    'before': 1500,
    'after': 1004,
    'off': 0.004,
    'tolerance': 0.01,
    'near': True,
    'changes': ["put('body.width', 7)"],
}


def test_a_match_says_what_to_put_and_how_near_it_comes():
    first, change, last = match_lines('arm', MADE)
    assert first == 'arm: 1,500 parameters; base has 1,000'
    assert (change.strip(), last.strip()) == ("put('body.width', 7)", '1,004 parameters, +0.40%')
    assert 'nothing lies within 0.10%' in match_lines('arm', {**MADE, 'near': False, 'tolerance': 0.001})[-1]
    assert 'as large already' in match_lines('arm', {**MADE, 'changes': []})[-1]


NAMES = ('net18', 'netv2_s', 'vit', 'rwkv7')


def test_models_stand_by_family():
    base = {'about': 'the base model of task digits', 'paper': ''}
    shown = model_lines({'digits': base, **{name: {'about': 'a net', 'paper': '1512'} for name in NAMES}})
    told = ['bases', 'digits', 'net', 'net18', 'netv2_s', 'vit', 'vit', 'rwkv', 'rwkv7']
    assert [line.split()[0] for line in shown if line] == told
    assert shown[-1].split() == ['rwkv7', 'a', 'net', '(1512)'] and shown.count('') == 3


def test_tasks_fit_a_screen_or_are_whole():
    tasks = listing('tasks')
    whole, narrow = task_lines(tasks), task_lines(tasks, 80)
    assert whole[0].split() == ['task', 'metric', 'better', 'chance', 'margin', 'steps', 'batch', 'dataset', 'domain']
    assert len(whole) == len(tasks) + 4 and max(map(len, narrow)) <= 80
    assert 'left out for want of room: steps, batch, dataset, domain; --wide shows all.' in ' '.join(narrow)


def test_a_model_of_ones_own_has_a_row_and_says_that_its_parts_are_not_known():
    bare = {name: COST[name] for name in ('params', 'macs')}
    table = size_table(bare, 'mine')
    rows = lines(table)
    assert table.caption == 'Of a model of its own the parts are not known.'
    assert rows[0] == ['mine'] and ['in', 'all', '4,515', '4.2', 'M'] in rows
    assert lines(size_table({'base': {'digits': COST}}, 'run'))[0] == ['run', 'base', 'digits'], 'the one arm and task'


def test_numbers_are_short_from_a_thousand_on():
    values = {'a': 999.4, 'b': 1000, 'c': 1e6, 'd': 1e9, 'e': 0.0}
    rows = lines(size_table({name: {**COST, 'macs': value} for name, value in values.items()}))
    assert [' '.join(row[2:4]) for row in rows[1:]] == ['999 2.5', '1 k', '1 M', '1 G', '0 2.5']


def test_only_neighbours_of_one_cost_share_a_row():
    parts = {'block_0': 5, 'block_1': 5, 'head': 1, 'block_2': 5, 'block_3': 6}
    rows = lines(size_table({**COST, 'params_by_part': parts, 'macs_by_part': {}, 'activation_bytes_by_part': {}}))
    place = rows.index(['by', 'part'])
    assert [row[0] for row in rows[place + 1 :]] == ['block_0', 'head', 'block_2', 'block_3']
    assert rows[place + 1][:4] == ['block_0', 'to', '1,', 'each']


def test_batches_that_differ_are_shown_and_nothing_where_both_are_alike():
    other = {**PAIR, 'b': {**PAIR['a'], 'name': 'second', 'batch': 4}}
    assert ['input', '2', 'x', '[8,', '8,', '1]', '4', 'x', '[8,', '8,', '1]'] in lines(comparison_table(other))
    same = {**PAIR, 'b': {**PAIR['a'], 'name': 'second'}}
    assert not [row for row in lines(comparison_table(same)) if row[0] == 'input']
    assert ['no', 'value', 'differs'] not in lines(comparison_table(same)), 'a value differs'


def test_needs_options_and_notes_of_a_kind_stand_behind_it():
    row = kind(['causal'], needs=['mixer'], takes=['bias', 'values'], notes=['one', 'two'])
    assert fits_lines({'mixer': {'one': row}})[1].endswith('needs mixer; takes bias values; one; two')
    everywhere = ['hierarchical', 'isotropic', 'causal', 'bidirectional', 'maps', 'tokens']
    noted = fits_lines({'norm': {'one': kind(everywhere, notes=['slow']), 'two': kind(everywhere)}})
    assert noted[1].split() == ['one', *'xxxxxx', 'slow'] and 'everywhere' not in noted[0]


def test_a_match_by_multiply_adds_and_one_that_needs_nothing():
    made = {**MADE, 'by': 'macs', 'off': -0.0125, 'changes': ['a', 'b']}
    assert match_lines('arm', made) == [
        *('arm: 1,500 multiply-adds; base has 1,000', '  a', '  b', '  1,004 multiply-adds, -1.25%')
    ]
    assert match_lines('arm', {**made, 'changes': []}) == [
        'arm: 1,500 multiply-adds; base has 1,000',
        '  as large already (-1.25%)',
    ]


def test_kinds_that_work_everywhere_are_named_in_lines_of_a_screen():
    everywhere = kind(['hierarchical', 'isotropic', 'causal', 'bidirectional', 'maps', 'tokens'])
    names = [f'a_kind_of_{letter * 12}' for letter in 'abcd']
    assert fits_lines({'norm': dict.fromkeys(names, everywhere)})[:4] == [
        'norm: everywhere',
        f'  {names[0]}, {names[1]}, {names[2]},',
        f'  {names[3]}',
        '',
    ]
