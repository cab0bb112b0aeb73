"""Scaling grids: exponents and crossings of a study's ladder, and none where there is no ladder."""

import dataclasses

import golden_texts
import pytest
from read_pages import CHECKLIST, bare
from simulated_study import data, manifest_of, read, small, study_of
from told_values import told as lines_of

from ablations.config import put
from ablations.shapes import ladder
from results.report.scaling_grids import of_ladders, scaling_grids
from results.scaling import Crossing, Law, Scaling

RUNGS = {'small': put('body.widths', [4, 8]), 'middle': put('body.widths', [6, 12]), 'large': ()}
PARAMS = {'digits_small': 1_000, 'digits_middle': 10_000, 'digits_large': 100_000}


@pytest.fixture(scope='module')
def on_a_ladder():
    """A study at three sizes of one base, with and without known costs."""
    study = dataclasses.replace(study_of('one_swap'), tasks=ladder('digits', RUNGS), name='small_ladder')
    reading, effects = read(*data(study, {}))
    manifest = manifest_of(study)
    for costs in manifest['costs'].values():
        for name, cost in costs.items():
            cost['params'] = PARAMS[name]
    return dataclasses.replace(reading, manifest=manifest), effects


def test_a_ladder_has_an_exponent_for_each_arm(on_a_ladder):
    reading, _ = on_a_ladder
    (scaling,) = of_ladders(reading)
    assert scaling.sizes == (1_000, 10_000, 100_000) and [one.arm for one in scaling.laws] == list(reading.study.arms)
    (laws,) = scaling_grids([scaling])
    golden_texts.hold(
        'grid_scaling', '\n'.join(lines_of('scaling', {row: own for one in [laws] for row, own in enumerate(one['rows'])}))
    )
    assert laws['caption'] == 'How the error of each arm falls with the parameters of the base (1.00k, 10.0k, 100k)'
    first, law = laws['rows'][0], scaling.laws[0]
    assert (
        first[:2] == ['layer_norm', 'digits']
        and first[2] == f'{law.errors[0]:.4g}'
        and first[4].lstrip('−') == f'{abs(law.exponent):.3f}'
    )
    assert law.interval[0] <= 0 <= law.interval[1], 'nothing falls in this world'


def test_the_page_of_a_ladder_has_it_and_other_pages_do_not(on_a_ladder):
    assert 'id="scale"' in bare(*on_a_ladder, CHECKLIST)
    assert 'id="scale"' not in bare(*read(*small()), CHECKLIST)


def test_without_sizes_there_is_nothing(on_a_ladder):
    reading, _ = on_a_ladder
    assert of_ladders(dataclasses.replace(reading, manifest={})) == [] == scaling_grids([])
    assert of_ladders(read(*data(study_of('one_swap'), {}))[0]) == []


def test_laws_and_crossings_are_told_as_they_are():
    laws = Law('base', (0.5, 0.25, 0.125), 0.25, (0.2, 0.3), True), Law('arm', (0.4, 0.4), -0.0123, (-0.1, 0.08), None)
    straight = Law('arm', (2.0, 1.0, 0.30004), 0.1, (0.05, 0.15), False)
    cross = Crossing('arm', 'base', 25_000, (10_000, 60_000), 'base', True), Crossing('b', 'arm', 3e6, (2e6, 9e6), 'b', False)
    one = Scaling('digits', (1_000.0, 10_000.0, 100_000.0), laws, cross[:1])
    other = Scaling('recall', (1_000.0, 1_000_000.0), (straight,), cross[1:])
    first, second = scaling_grids([one, other])
    assert first['rows'] == [
        ['base', 'digits', '0.5', '0.125', '0.250', '[0.200, 0.300]', 'yes'],
        ['arm', 'digits', '0.4', '0.4', '−0.012', '[−0.100, 0.080]', '–'],
        ['arm', 'recall', '2', '0.3', '0.100', '[0.050, 0.150]', 'not shown'],
    ]
    assert first['caption'].endswith('the parameters of the base (1.00k, 10.0k, 100k, 1.00M)') and len(first['notes']) == 1
    assert second['rows'] == [
        ['arm', 'base', 'digits', 'base', '25.0k', '10.0k to 60.0k', 'yes'],
        ['b', 'arm', 'recall', 'b', '3.00M', '2.00M to 9.00M', 'no: it is extrapolated'],
    ]
    assert [len(grid['columns']) for grid in (first, second)] == [7, 7] and len(
        scaling_grids([dataclasses.replace(one, crossings=())])
    ) == 1
