"""Declared: a worker refuses a set that was not made of what the task declares, and one that is not there."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ablations.study_files import load_study
from ablations.trial import TUNING, Trial
from sweeps.datasets.prepared import Part, write
from sweeps.protocol.pack import Pack
from sweeps.tasks.task_declaration import check_declared
from sweeps.training.trainer import Trainer

PROGRAM = load_study('quickstart').program('layer_norm', 'digits', 'adamw')


def test_only_a_set_of_this_declaration_is_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    check_declared(PROGRAM)
    own = dataclasses.replace(PROGRAM, declared='a' * 16, data={'kind': 'images', 'dataset': 'retina'})
    with pytest.raises(ValueError, match=r"'retina', are not prepared on .*archlab data prepare FILE\.py:digits"):
        check_declared(own)
    part = Part(np.zeros((2, 4, 4, 1), np.uint8), np.arange(2, dtype=np.int32), np.arange(2))
    for declared, fits in (('b' * 16, False), (None, False), ('a' * 16, True)):
        write(tmp_path / 'prepared' / 'retina', {'kind': 'images', 'declared': declared}, part, part)
        if fits:
            check_declared(own)
        else:
            with pytest.raises(ValueError, match=r'made of another declaration .* --force'):
                check_declared(own)


def test_the_trainer_asks_before_it_reads_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    own = dataclasses.replace(PROGRAM, declared='a' * 16, data={'kind': 'images', 'dataset': 'retina'})
    trial = Trial(own, 0, (('lr', 0.1),), 1, TUNING, 'tune')
    with pytest.raises(ValueError, match=r"'retina', are not prepared on .*archlab data prepare FILE\.py:digits"):
        Trainer('loop', None).train(Pack((trial,)))
