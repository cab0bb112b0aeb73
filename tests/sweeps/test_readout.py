"""Readouts: linear answers from features, of models that learned what comes next."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ablations.tasks import TASKS
from ablations.tasks.decoders import ATTENTION, decoder
from arch.model import build
from sweeps.export import write_safetensors
from sweeps.readout import BATCH, _features, _shares, linear_answers, readout, readout_lines

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


def test_a_model_of_any_weights_tells_less_than_the_filter(called: Callable, tmp_path: Path, monkeypatch):
    asked = []

    def noted(config: dict, tables: dict) -> SimpleNamespace:
        """The model, whose uses are written down."""
        assert config['head'] == {'kind': 'next_token', 'outputs': 8, 'bias': False}
        model = build(config, tables)

        def apply(*given: object, **more: object) -> tuple:
            asked.append((more['knobs'], more['train']))
            return model.apply(*given, **more)

        return SimpleNamespace(init=model.init, apply=apply)

    monkeypatch.setattr('sweeps.readout.build', noted)
    done = called('readout', written(tmp_path), '--json')
    assert asked and all(own == ({}, False) for own in asked), 'as it is scored, and not as it is trained'
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


@pytest.mark.parametrize('count', [1, 128, 130])
def test_features_are_what_the_head_multiplies_at_all_events_but_the_last(count: int):
    """Three events of three tokens, of which the last token asks nothing."""
    params = {'head': {'head': {'kernel': np.ones((2, 7)), 'bias': np.ones(7)}, 'norm': 'kept'}, 'stem': 'kept'}
    x = np.arange(8 * count).reshape(count, 8)

    def seeing(given: dict, state: dict, batch: np.ndarray) -> np.ndarray:
        assert batch.shape == (BATCH, 8) and state == {'of': 'norms'}
        assert {**given, 'head': None} == {**params, 'head': None} and given['head']['norm'] == 'kept'
        (kernel,) = given['head']['head'].values()
        assert kernel.tolist() == [[1, 0], [0, 1]], 'the features themselves come out'
        return np.stack([batch, -batch], -1)

    made = _features(seeing, params, {'of': 'norms'}, SimpleNamespace(events=3), x)
    assert made.shape == (count, 2, 6)
    assert made.tolist() == np.stack([x, -x], -1)[:, :6].reshape(count, 2, 6).tolist()


@pytest.mark.parametrize('linked', [True, False])
def test_shares_are_those_of_right_answers_at_all_events_but_the_last(linked: bool):
    """Two hidden states behind three; the filter knows, and what is seen tells the state of the first two."""
    hidden = np.array([0, 1, 1])
    chain = SimpleNamespace(
        hidden={'mode': hidden},
        start=np.array([0.4, 0.3, 0.3]),
        guesses=lambda variable: np.array([0, 1, 0]),
        beliefs=lambda shown, variable: np.eye(2)[hidden[shown]],
    )
    episodes = SimpleNamespace(apart=lambda part: part[..., None])
    task = SimpleNamespace(made=SimpleNamespace(chain=chain), linked=linked, episodes=episodes)
    states = np.array([[0, 1, 2, 0], [2, 2, 0, 1]])
    sides = tuple(SimpleNamespace(y=np.concatenate([states, states], 1)) for _ in range(2))
    features = np.eye(2)[hidden[states[:, :-1]]]
    told = _shares(task, 'mode', sides, {'trained': (features, features), 'untrained': (features, 1 - features)})
    known = {'observation': pytest.approx(0.5), 'filter': 1.0} if linked else {}
    # Always the same is said: of six states four are 1.
    assert told == {'constant': pytest.approx(4 / 6), **known, 'trained': 1.0, 'untrained': 0.0}


def test_shares_are_told_in_words():
    shares = {'mode': {'constant': 0.5, 'filter': 0.96666}, 'key': {'trained': 1.0}}
    assert readout_lines('a model', shares) == [
        'a model: what is hidden, told by a linear product of its features',
        '  mode: constant 50.0 %, filter 96.7 %',
        '  key: trained 100.0 %',
    ]
