"""Rerun: what one trial trained again counts as, and what it is compared with."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from sweeps import manifest, rerun

TRIALS = [
    SimpleNamespace(id='t', held='tuning', program=SimpleNamespace(dataset='digits')),
    SimpleNamespace(id='c', held='test', program=SimpleNamespace(dataset='digits')),
]


class Recorded(dict):
    """Records, whole."""

    whole = dict.__getitem__


@pytest.fixture
def reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A study of two trials whose trainer gives the curve 1, 2 to each."""

    class Trainer:
        def __init__(self, strategy: str, blocks: object):
            assert (strategy, blocks) == ('loop', None)

        def train(self, item: object, weights: Path | None) -> list[dict]:
            return [{'curve': [1, 2], 'weights': weights, 'id': item[0][0].id}]

    monkeypatch.setattr('sweeps.training.trainer.Trainer', Trainer)
    monkeypatch.setattr('sweeps.training.settings_of_jax.own_settings', lambda: [])
    monkeypatch.setattr(rerun, 'overlook_cut_programs', lambda: None)
    monkeypatch.setattr(rerun, 'Pack', lambda trials: (trials,))
    monkeypatch.setattr(rerun, 'os', SimpleNamespace(environ=dict(os.environ)))
    return SimpleNamespace(
        study=SimpleNamespace(name='mine', blocks=None),
        schedule=SimpleNamespace(trials=TRIALS),
        records=Recorded(),
        folder=tmp_path / 'runs',
    )


def test_a_trial_that_is_not_planned_is_refused(reading: SimpleNamespace):
    with pytest.raises(ValueError, match=r"study 'mine' plans no trial 'x' with these settings; its id stands in its record"):
        rerun.rerun(reading, 'x')


@pytest.mark.parametrize(('recorded', 'same'), [(None, None), ([1, 2], True), ([1, 3], False)])
def test_the_numbers_are_compared_with_those_recorded(reading: SimpleNamespace, recorded: list | None, same: bool | None):
    if recorded is not None:
        reading.records['t'] = {'curve': recorded}
    told = rerun.rerun(reading, 't', Path('w'))
    assert told['same_numbers'] is same and told['recorded'] == reading.records.get('t')
    assert told['now'] == {'curve': [1, 2], 'weights': Path('w'), 'id': 't'}


def test_only_a_score_on_test_data_is_a_read_of_them(reading: SimpleNamespace):
    rerun.rerun(reading, 'c')
    assert not reading.folder.exists(), 'a study that never ran has no folder to count in'
    reading.folder.mkdir()
    manifest.save(reading.folder, {'study': 'mine', 'test_reads': {'digits': 4, 'recall': 2}})
    rerun.rerun(reading, 't')
    assert manifest.load(reading.folder)['test_reads'] == {'digits': 4, 'recall': 2}
    rerun.rerun(reading, 'c')
    assert manifest.load(reading.folder)['test_reads'] == {'digits': 5, 'recall': 2}
    manifest.save(reading.folder, {'study': 'mine'})
    rerun.rerun(reading, 'c')
    assert manifest.load(reading.folder)['test_reads'] == {'digits': 1}


def test_a_trial_is_trained_again_as_a_worker_does(reading: SimpleNamespace, monkeypatch: pytest.MonkeyPatch):
    """With its threads and flags, the lab's settings of jax, and no word of programs that were cut off."""
    done = []
    monkeypatch.setattr('sweeps.training.settings_of_jax.own_settings', lambda: done.append('settings'))
    monkeypatch.setattr(rerun, 'overlook_cut_programs', lambda: done.append('overlooked'))
    monkeypatch.setattr(rerun, 'worker_environment', lambda device: {'NPROC': '1', 'DEVICE': device})
    rerun.rerun(reading, 't')
    assert done == ['settings', 'overlooked'] and (rerun.os.environ['NPROC'], rerun.os.environ['DEVICE']) == ('1', None)
