"""Stops and batches that make whole numbers of steps, and those that would not."""

from types import SimpleNamespace

import pytest

from ablations.batches import batches_of, check_batches
from ablations.halvings import checked_halvings, going_on
from ablations.space_rules import check_space
from ablations.spaces import choice, integer, log

LR = log(1e-3, 1)


def of(name: str = 'one', steps: int = 80, batch: int = 32, evaluations: int = 4) -> SimpleNamespace:
    """A task as far as its budget goes."""
    return SimpleNamespace(name=name, steps=steps, batch=batch, evaluations=evaluations)


@pytest.mark.parametrize(
    ('given', 'batches', 'shares'),
    [
        ((), [], ()),
        (0.5, [], (0.5,)),
        ([0.25, 0.5], [], (0.25, 0.5)),
        ((1 / 80,), [], (1 / 80,)),
        ((79 / 80,), [], (79 / 80,)),
        ((0.05,), [64], (0.05,)),
        # Within rounding of a whole step.
        ((0.012500001,), [], (0.012500001,)),
    ],
    ids=str,
)
def test_shares_of_whole_steps_are_taken(given, batches, shares):
    assert checked_halvings('mine', given, [of(), of('two', 160)], batches) == shares


@pytest.mark.parametrize(
    ('given', 'batches', 'said'),
    [
        ((0.33,), [], r"on task 'one' 0\.33 of 80 steps of 32 are 26\.4; allowed: whole numbers of steps, such as 0\.325$"),
        ((0.5, 0.501), [], r'0\.501 of 80 steps of 32 are 40\.08; allowed: whole numbers of steps, such as 0\.5$'),
        ((1e-9,), [], r'1e-09 of 80 steps of 32 are 8e-08; allowed: whole numbers of steps, such as 0\.0125$'),
        ((0.0125,), [16, 64], r'0\.0125 of 40 steps of 64 are 0\.5; .* such as 0\.025$'),
        ((0.01251,), [], r'0\.01251 of 80 steps'),
        *(
            (given, [], 'allowed: rising shares of the steps between 0 and 1')
            for given in ((0.5, 0.25), (0.5, 0.5), (0,), (1.0,))
        ),
        *((given, [], 'allowed: rising shares of the steps') for given in (True, 'half', ('a',), None, (0.25, None), -0.5)),
    ],
    ids=str,
)
def test_other_shares_are_refused_with_one_that_would_do(given, batches, said):
    with pytest.raises(ValueError, match=rf"study 'mine': halvings=.*{said}"):
        checked_halvings('mine', given, [of(), of('two', 160)], batches)


def test_a_share_has_to_be_whole_on_every_task():
    with pytest.raises(ValueError, match=r"on task 'short' 0\.125 of 20 steps of 32 are 2\.5"):
        checked_halvings('mine', (0.125,), [of(), of('short', 20)], ())


def test_the_larger_half_goes_on():
    assert [going_on(count) for count in (0, 1, 2, 3, 4, 7)] == [0, 1, 1, 2, 2, 4]


def test_the_tuned_batches_of_all_optimizers_are_told_once_from_the_smallest():
    tune = {'adamw': {'lr': LR, 'batch': choice(64, 16)}, 'sgd': {'lr': LR, 'batch': choice(32, 64)}, 'lion': {'lr': LR}}
    assert batches_of(tune) == [16, 32, 64] and batches_of({'lion': {'lr': LR}}) == []
    assert all(type(batch) is int for batch in batches_of(tune))


def test_a_batch_is_tuned_over_a_choice_of_whole_numbers():
    check_space({'adamw': {'lr': LR, 'batch': choice(16, 32)}})
    for values in (choice(16, 32.5), integer(16, 32), log(16, 32)):
        with pytest.raises(ValueError, match=r"tune\['adamw'\]\['batch'\]=.*allowed: a choice of whole numbers"):
            check_space({'adamw': {'lr': LR, 'batch': values}})


def test_a_batch_that_evaluations_do_not_divide_is_refused_unless_compute_is_matched():
    tune = {'adamw': {'lr': LR, 'batch': choice(16, 64)}}
    check_batches('mine', tune, [of(), of('two', 8, 64, 2)], 'trials')
    for uneven, steps in ((of('two', 82), '41'), (of('two', 81, 32, 1), r'40\.5')):
        said = rf"study 'mine': batch 64 on task 'two' makes {steps} steps of {32 * uneven.steps} examples; allowed: whole"
        with pytest.raises(ValueError, match=said):
            check_batches('mine', tune, [of(), uneven], 'trials')
        check_batches('mine', tune, [of(), uneven], 'compute')
