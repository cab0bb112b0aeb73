"""Readouts: linear answers from features, of models that learned what comes next."""

import json
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ablations.tasks import TASKS
from ablations.tasks.decoders import ATTENTION, decoder
from arch.model import build
from sweeps.export import write_safetensors
from sweeps.readout import linear_answers, readout, readout_lines

SIMULATOR = {'kind': 'doors', 'rows': 2, 'columns': 2, 'steady': 0.5, 'flip': 0.05}
DATA = {'kind': 'next_observation', 'simulator': SIMULATOR, 'form': 'symbols', 'events': 8, 'train': 300, 'held': 100}


def written(folder: Path, data: dict = DATA, **sockets: dict) -> Path:
    """A model that has learned nothing, as an export."""
    config = {**decoder(DATA, width=8, depth=1, mixer=ATTENTION, ratio=1.0), **sockets}
    drawn = jax.eval_shape(build(config).init, jax.random.key(0), jnp.zeros((2, 31), jnp.int32), {})
    generator = np.random.default_rng(0)
    params, state = jax.tree.map(lambda leaf: generator.normal(size=leaf.shape).astype(np.float32) / 3, drawn)
    about = {'model': config, 'data': data, 'study': 'one', 'task': 'doors', 'replicate': 0, 'blocks': ''}
    return write_safetensors(folder / 'model', params, state, about)


def test_what_stands_in_the_features_is_told_and_else_nothing():
    generator = np.random.default_rng(0)
    values, others = generator.integers(0, 3, (2, 400, 5))
    noise = generator.normal(size=(400, 5, 6))
    carried = noise @ generator.normal(size=(6, 6)) + 8 * np.eye(6)[values]
    assert (linear_answers(carried[:200], values[:200], carried[200:]) == values[200:]).mean() > 0.95
    assert (linear_answers(carried[:200], others[:200], carried[200:]) == others[200:]).mean() < 0.4


def test_a_model_of_any_weights_tells_less_than_the_filter(called: Callable, tmp_path: Path):
    done = called('readout', written(tmp_path), '--json')
    shares = json.loads(done.stdout)
    assert set(shares) == {'mode', 'key'}
    for own in shares.values():
        assert own['constant'] <= own['observation'] < own['filter'] <= 1
        # Of the last token alone any weights tell something, and none what only the filter knows.
        assert own['constant'] - 0.1 < own['trained'] < own['filter'] and own['trained'] != own['untrained'] < own['filter']
    lines = readout_lines('model', shares)
    assert len(lines) == 3 and f'filter {100 * shares["mode"]["filter"]:.1f} %' in lines[1]
    assert called('readout', tmp_path / 'nowhere.safetensors').returncode == 2


@pytest.mark.parametrize(
    ('data', 'sockets', 'said'),
    [
        (TASKS['recall'].data, {}, "of kind 'recall', of which nothing is hidden; allowed: kind 'next_observation'"),
        (DATA, {'head': {'kind': 'tied_next_token'}}, "its head is 'tied_next_token'; allowed: 'next_token'"),
    ],
)
def test_other_models_are_refused(tmp_path: Path, data: dict, sockets: dict, said: str):
    with pytest.raises(ValueError, match=said):
        readout(written(tmp_path, data, **sockets))


STUDY = '''"""What do features tell?"""

from ablations.spaces import log
from ablations.study import Study, swap, task

study = Study(
    name='features',
    question=__doc__,
    arms={'attention': (), 'no_mixer': swap('mixer', 'identity')},
    tasks=(task('doors_symbols'),),
    tune={'adamw': {'lr': log(2.9e-3, 3.1e-3), 'weight_decay': log(0.09, 0.11)}},
    trials=1,
    extension=0,
    replicates=1,
    seeds=1,
)
'''


@pytest.mark.slow
def test_who_has_learned_what_comes_next_tells_what_is_hidden(archlab: Callable, tmp_path: Path):
    """The features of a trained model know more than those of an untrained one and than the last observation tells."""
    (tmp_path / 'features.py').write_text(STUDY)
    given = ('--runs', tmp_path / 'runs')
    assert archlab('run', tmp_path / 'features.py', *given, '--keep-weights').returncode == 0
    told = {}
    for arm in ('attention', 'no_mixer'):
        done = archlab('export', f'{tmp_path / "features.py"}/{arm}', *given, '--out', tmp_path / 'weights', '--json')
        (path,) = json.loads(done.stdout)
        told[arm] = json.loads(archlab('readout', path, '--json').stdout)['mode']
    assert told['attention']['observation'] + 0.1 < told['attention']['trained'] <= told['attention']['filter'] + 0.02
    # Measured: 0.746, untrained 0.657, the observation 0.543, the filter 0.843.
    assert told['attention']['untrained'] + 0.05 < told['attention']['trained'], told
    assert told['no_mixer']['trained'] < 0.6
