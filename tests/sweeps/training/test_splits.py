"""Splits: drawn by study, task and replicate, and by nothing else."""

import numpy as np
import pytest

from sweeps.tasks.digits import Digits
from sweeps.training.splits import Split, confirmation_split, training_order, tuning_split

TASK = Digits()
POOL = TASK.pool()


def drawn(study: str = 'one', name: str = 'digits', replicate: int = 0) -> Split:
    return tuning_split(TASK, study, name, replicate, POOL)


@pytest.mark.parametrize('other', [{'study': 'two'}, {'name': 'digits_large'}, {'replicate': 1}])
def test_another_study_task_or_replicate_draws_other_examples(other: dict):
    assert (drawn().train == drawn().train).all()
    assert set(drawn().train) != set(drawn(**other).train)


def test_a_confirmation_trains_on_what_its_tuning_did_and_is_scored_on_the_sealed_split():
    confirmed = confirmation_split(TASK, 'one', 'digits', 0, POOL, sealed := TASK.test())
    assert (confirmed.train == drawn().train).all() and confirmed.held is sealed and len(drawn().held.x) == TASK.held


def test_an_order_has_so_many_steps_of_so_many_training_examples():
    class Short(Digits):
        def example_order(self, pool, train, seed, steps, batch, knobs):
            return super().example_order(pool, train, seed, steps, batch, knobs)[:-1]

    order = training_order(TASK, drawn(), 3, 4, 8, {})
    assert order.shape == (4, 8) and np.isin(order, drawn().train).all()
    with pytest.raises(ValueError, match=r"task 'digits': its order of \[3, 8\] examples .* or not 4 steps of 8; mend its"):
        training_order(Short(), drawn(), 3, 4, 8, {})
