"""The table of Pareto fronts: costs in units for people, and what is said below of arms that are not known."""

import pytest

from results.fronts import Front, Point
from results.report import sections
from results.report.sections import pareto_grid

BASE = Point('base', 0.91, (0.9, 0.92), 12_143, None, True, 0.875, 'possible')
ARM = Point('arm', 0.8, None, 2_500_000, (2_000_000, 3_000_000), False, None, 'unknown')


def told(monkeypatch: pytest.MonkeyPatch, *fronts: Front) -> dict:
    monkeypatch.setattr(sections, 'fronts', lambda reading: fronts)
    return pareto_grid(None)


def front(
    cost: str = 'params', points: tuple = (BASE, ARM), left_out: tuple = (), note: str = '', name: str = 'digits'
) -> Front:
    return Front(name, 'accuracy', 'higher', cost, '', points, left_out, note)


def test_each_arm_has_a_row_for_each_cost(monkeypatch):
    grid = told(monkeypatch, front(), front('macs', (ARM,)))
    assert grid['rows'] == [
        ['base', 'digits', 'parameters', '12.1k', '91.0 [90.0, 92.0]', 'yes', '0.875', 'possible'],
        ['arm', 'digits', 'parameters', '2.50M [2.00M, 3.00M]', '80.0', 'no', '–', 'unknown'],
        ['arm', 'digits', 'multiply-adds', '2.50M [2.00M, 3.00M]', '80.0', 'no', '–', 'unknown'],
    ]
    assert grid['notes'] == []
    assert [name for name, _ in grid['columns']] == [
        *('arm', 'task', 'cost in', 'cost', 'value', 'on the front', 'probability', 'standing')
    ]


@pytest.mark.parametrize(
    ('cost', 'interval', 'shown'),
    [(0.0123456, None, '12.3 ms'), (0.002, (-0.0005, 0.0045), '2 ms [−0.5, 4.5]'), (1.5, None, '1.5e+03 ms')],
)
def test_the_time_of_a_step_is_in_milliseconds(monkeypatch, cost, interval, shown):
    point = Point('base', 0.9, None, cost, interval, True, 1.0, 'front')
    (row,) = told(monkeypatch, front('step_seconds', (point,)))['rows']
    assert row[2:4] == ['step time', shown]


def test_arms_of_which_nothing_is_known_and_how_a_cost_was_measured_are_noted(monkeypatch):
    grid = told(
        monkeypatch,
        front(left_out=('one', 'two')),
        front('step_seconds', (), ('one',), 'the median of a replicate'),
        front('peak_memory', note='an upper bound', name='recall'),
    )
    assert grid['notes'] == [
        'parameters on digits: nothing is known of one, two.',
        'step time on digits: nothing is known of one.',
        'Step time on digits: the median of a replicate.',
        'Peak memory on recall: an upper bound.',
    ]
