"""Test sizes: how many test examples a task says it has, and how many there are."""

import pytest

from ablations.tasks import TASKS
from sweeps.datasets import catalog
from sweeps.training.preflight import task_of

EMBEDDED = ('digits', 'recall', 'stdlib_bytes', 'digits_pixels', 'modular_addition')


@pytest.mark.parametrize('name', EMBEDDED)
def test_as_many_as_there_are(name):
    task = task_of(TASKS[name].data)
    assert task.test_size() >= len(task.test().x) > 0.99 * task.test_size()


def test_a_set_that_is_not_prepared_says_what_is_official(tmp_path, monkeypatch):
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    assert task_of(TASKS['cifar10'].data).test_size() == catalog.DATASETS['cifar10'].examples['test'] == 10_000
    assert task_of(TASKS['tinystories'].data).test_size() == 2048
    assert task_of({**TASKS['tinystories'].data, 'tested': 0}).test_size() is None
    assert task_of(TASKS['languages'].data).test_size() == 1500
    assert task_of(TASKS['spoken_digits_bytes'].data).test_size() is None
