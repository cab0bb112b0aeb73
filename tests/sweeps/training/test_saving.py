"""Saving: how often checkpoints are made, by what was asked for, a launcher's usual and a worker's lifetime."""

import dataclasses
import math
from pathlib import Path

import pytest

from sweeps.training.saving import CHECKPOINTS, Saving, last_checkpoint


@pytest.mark.parametrize(
    ('fields', 'said'),
    [
        ({'minutes': 0}, '--checkpoint-minutes 0; allowed: above 0'),
        ({'minutes': -1.5}, '--checkpoint-minutes -1.5; allowed: above 0'),
        ({'minutes': math.nan}, '--checkpoint-minutes nan; allowed: above 0'),
        ({'steps': 0}, '--checkpoint-steps 0; allowed: 1 or more'),
        ({'steps': -3}, '--checkpoint-steps -3; allowed: 1 or more'),
    ],
)
def test_an_interval_of_nothing_is_refused(fields: dict, said: str):
    with pytest.raises(ValueError, match=f'^{said}$'):
        Saving(**fields)


@pytest.mark.parametrize(
    ('given', 'lifetime', 'minutes'),
    [
        (None, None, 30),
        (None, 36_000, 30),
        (None, 1200, 5),
        (None, 30 * 60 * 4, 30),
        (7, None, 7),
        (7, 1200, 7),
        (10, 1200, 10),
    ],
)
def test_minutes_are_those_asked_for_or_the_usual_ones_and_four_in_a_workers_lifetime(given, lifetime, minutes):
    assert Saving(minutes=given).on(30, lifetime).minutes == minutes


def test_minutes_of_which_a_worker_may_not_see_the_end_are_refused_unless_steps_are_given_too():
    with pytest.raises(ValueError, match=r'--checkpoint-minutes 10.5: workers are ended after 20 minutes.*up to 10; .* for 5,'):
        Saving(minutes=10.5).on(30, 1200)
    both = Saving(minutes=10.5, steps=1, weights=True)
    assert both.on(30, 1200) == both and Saving(steps=1).on(30, 1200) == dataclasses.replace(both, minutes=5, weights=False)


@pytest.mark.parametrize(
    ('saving', 'told'),
    [
        (Saving(), {'checkpoints': {'steps': None}, 'weights': False}),
        (Saving(minutes=0.5), {'checkpoints': {'seconds': 30.0, 'steps': None}, 'weights': False}),
        (Saving(minutes=2, steps=9, weights=True), {'checkpoints': {'seconds': 120, 'steps': 9}, 'weights': True}),
    ],
)
def test_a_workers_command_has_seconds_and_steps(saving: Saving, told: dict):
    assert saving.to_dict() == told


@pytest.mark.parametrize(
    ('names', 'last'),
    [
        ([], 0),
        (['pack-abc/3'], 3),
        (['pack-abc/9', 'pack-abc/12', 'pack-def/4'], 12),
        (['pack-abc/2', 'pack-abc/3.orbax-checkpoint-tmp-0', 'pack-abc/x'], 2),
        (['packs-abc/8', 'other-abc/9'], 0),
    ],
)
def test_the_last_whole_checkpoint_of_a_pack_is_the_one_of_the_highest_number(tmp_path: Path, names: list, last: int):
    for name in names:
        (tmp_path / CHECKPOINTS / name).mkdir(parents=True)
    assert last_checkpoint(tmp_path, 'pack') == last
