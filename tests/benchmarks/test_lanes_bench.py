"""The benchmark of lanes: every way does the same steps, and the table says which the lab takes."""

import types

import jax.numpy as jnp
import pytest

from benchmarks import lanes
from benchmarks.sides.lab_lanes import STEPS, Lanes

COUNTING = types.SimpleNamespace(
    begin=lambda lane, x: {'done': lane['seed'] * 1000},
    advance=lambda lane, carry, pool, origin, first, stop: {'done': carry['done'] + stop - first},
)
"""A training that counts its steps, on top of a thousand times its seed."""


@pytest.mark.parametrize(('way', 'width'), [('loop', 1), ('map', 2), ('vmap', 2)])
def test_every_way_trains_every_lane(way, width):
    made = Lanes('digits', {'width': 4, 'batch': 2})
    made.training = COUNTING
    told = made.prepare(way, width)
    cpu, wall = made.train(way, width, 2 * STEPS)
    assert made.ready[way, width][2]['done'].tolist() == (4 * STEPS if way == 'loop' else [4 * STEPS, 1000 + 4 * STEPS])
    assert told['bytes'] > 0 and told['step_s'] >= 0 and wall > 0 and cpu >= 0


class Answers:
    """A child that answers from a table: vectorised lanes cost half of one after another."""

    def __init__(self, place, core, given):
        pass

    def call(self, method, way, width, steps=0):
        if method == 'prepare':
            return {'step_s': 0.001 * width, 'bytes': width << 20, 'compile_s': 1.0}
        return [0.001 * steps * width * (0.5 if way == 'vmap' else 1.0)] * 2

    def close(self):
        pass


def test_lanes_are_told_in_eighty_columns(monkeypatch):
    monkeypatch.setattr(lanes, 'Child', Answers)
    measured = lanes.measure('bytes', {}, [2, 4], rounds=3)
    assert measured['taken'] == 'loop' and measured['fastest'][0] == 'vmap'
    assert [(row['way'], row['lanes'], row['times_one']['median']) for row in measured['rows']] == [
        ('loop', 1, 1.0),
        ('map', 2, 1.0),
        ('vmap', 2, 2.0),
        ('map', 4, 1.0),
        ('vmap', 4, 2.0),
    ]
    machine = {'processor': 'abacus', 'cores': 1, 'load': 0.0}
    text = lanes.lines({'machine': machine, 'rounds': 3, 'bodies': [measured]})
    assert max(map(len, text)) <= 80 and sum(line.startswith('*') for line in text) == 1
    assert jnp.isfinite(measured['rows'][0]['lane_steps']['median'])
    with pytest.raises(ValueError, match=r'lanes \[0\]; allowed: whole numbers from 1'):
        lanes.bench(1, widths=[0])
