"""Sizes of decoders by what is declared of the data: tokens, positions, possible answers and scores."""

import pytest

from ablations.tasks.decoders import group_order, observations, sizes

BALLS = {'kind': 'balls', 'size': 5, 'balls': 2, 'screen': 1}
OPEN = {**BALLS, 'screen': 0}
DOORS = {'kind': 'doors', 'rows': 3, 'columns': 2}
WIDE = {'kind': 'doors', 'rows': 9, 'columns': 2}
PENDULUMS = {'kind': 'pendulums', 'laws': ['a', 'b', 'c']}
BODIES = {'kind': 'three_bodies', 'laws': ['a']}


@pytest.mark.parametrize(
    ('data', 'wanted'),
    [
        ({'kind': 'recall', 'pairs': 2, 'keys': 8, 'values': 4}, (12, 6, 4, 12)),
        ({'kind': 'induction', 'tokens': 7, 'length': 9, 'asked': 2}, (7, 11, 7, 7)),
        ({'kind': 'selective_copying', 'tokens': 7, 'length': 9, 'copies': 3, 'noise': 2}, (10, 12, 7, 10)),
        ({'kind': 'compression', 'tokens': 7, 'length': 9}, (8, 10, 7, 63)),
        ({'kind': 'fuzzy_recall', 'pairs': 2, 'keys': 8, 'values': 4, 'longest': 3}, (13, 23, 4, 13)),
        ({'kind': 'modular_addition', 'modulus': 11}, (12, 3, 11, 12)),
        ({'kind': 'state_tracking', 'group': 's3', 'length': 9}, (6, 9, 6, 6)),
        ({'kind': 'arithmetic', 'digits': 3, 'operation': '+'}, (14, 13, 10, 14)),
        ({'kind': 'arithmetic_answers', 'digits': 3, 'operation': '*'}, (14, 15, 10, 14)),
        ({'kind': 'regular_language', 'symbols': 3, 'length': 9}, (3, 9, 3, 3)),
        ({'kind': 'text', 'length': 9}, (257, 9, 257, 257)),
        ({'kind': 'text', 'length': 9, 'tokens': 'bpe', 'vocabulary': 50}, (50, 9, 50, 50)),
        ({'kind': 'molecules', 'length': 9}, (128, 9, 128, 128)),
        ({'kind': 'picture_language'}, (21, 70, 21, 21)),
        ({'kind': 'facts', 'names': 8}, (21, 6, 4, 21)),
        ({'kind': 'mixture', 'parts': [{'length': 9}, {'length': 5}]}, (257, 9, 257, 257)),
        ({'kind': 'answered_domains', 'parts': [{'kind': 'facts', 'names': 8}]}, (21, 6, 4, 21)),
        ({'kind': 'next_observation', 'simulator': BALLS, 'form': 'pixels', 'events': 3}, (5, 74, 5, 5)),
        ({'kind': 'next_observation', 'simulator': OPEN, 'form': 'pixels', 'events': 3}, (4, 74, 4, 4)),
        ({'kind': 'next_observation', 'simulator': BALLS, 'form': 'symbols', 'events': 3}, (6, 11, 6, 6)),
        ({'kind': 'next_observation', 'simulator': OPEN, 'form': 'symbols', 'events': 3}, (5, 11, 5, 5)),
        ({'kind': 'next_observation', 'simulator': DOORS, 'form': 'pixels', 'events': 3}, (5, 44, 5, 5)),
        ({'kind': 'next_observation', 'simulator': DOORS, 'form': 'symbols', 'events': 3}, (6, 11, 6, 6)),
        ({'kind': 'next_observation', 'simulator': WIDE, 'form': 'symbols', 'events': 3}, (10, 11, 10, 10)),
        ({'kind': 'hidden_variable', 'simulator': DOORS, 'form': 'symbols', 'events': 3, 'variable': 'mode'}, (6, 12, 2, 2)),
        (
            {'kind': 'hidden_variable', 'simulator': BALLS, 'form': 'symbols', 'events': 3, 'variable': 'direction'},
            (6, 12, 4, 4),
        ),
        ({'kind': 'trajectories', 'motion': PENDULUMS, 'events': 3, 'bits': 4}, (16, 6, 16, 16)),
        ({'kind': 'trajectories', 'motion': BODIES, 'events': 3, 'bits': 4}, (16, 18, 16, 16)),
        ({'kind': 'hidden_law', 'motion': PENDULUMS, 'events': 3, 'bits': 4}, (16, 6, 3, 3)),
        ({'kind': 'law_probe', 'motion': PENDULUMS, 'events': 3, 'bits': 4}, (16, 6, 3, 16)),
    ],
    ids=lambda value: str(value)[:60],
)
def test_sizes_follow_from_the_declaration(data: dict, wanted: tuple):
    made = sizes({**data, 'held': 3})
    assert (made.vocabulary, made.length, made.choices, made.outputs) == wanted


def test_what_a_dataset_tells_counts_where_the_declaration_leaves_it_out():
    assert sizes({'kind': 'text', 'length': 9, 'tokens': 'characters'}, characters=65).vocabulary == 67
    assert sizes({'kind': 'pixels'}, height=8, channels=3).length == 192
    assert sizes({'kind': 'pixels', 'size': 4}, height=8, channels=3).length == 48


@pytest.mark.parametrize(
    ('simulator', 'number'),
    [
        (BALLS, 21**2),
        (OPEN, 25**2),
        ({**BALLS, 'balls': 1, 'screen': 2}, 16),
        (DOORS, 49),
        ({**DOORS, 'rows': 1, 'columns': 1}, 3),
    ],
    ids=str,
)
def test_observations_are_counted(simulator: dict, number: int):
    """A ball is at a place that is not behind the screen, or behind it."""
    assert observations(simulator) == number


@pytest.mark.parametrize(
    ('group', 'order'),
    [('z1', 1), ('z7', 7), ('s1', 1), ('s4', 24), ('a1', 1), ('a2', 1), ('a3', 3), ('a5', 60), ('z2xs3xa4', 144)],
)
def test_groups_have_so_many_elements(group: str, order: int):
    assert group_order(group) == order
