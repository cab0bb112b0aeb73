"""Scores of a mixture's domains: named, the same however lanes run, and together the score."""

import dataclasses
import json
from pathlib import Path

import jax
import numpy as np
import pytest
from one_lane import train_one

from ablations.tasks import bases
from arch.model import build
from results.store.item_scores import unpacked
from sweeps.datasets.prepared import Part, write
from sweeps.tasks.batch_order import batch_order
from sweeps.tasks.mixture import Mixture
from sweeps.tasks.pixels import Pixels
from sweeps.training import trainer as trainers
from sweeps.training.loop import make_training
from sweeps.training.population import Population

STEPS, BATCH = 6, 8
PARTS = (
    {'kind': 'text', 'dataset': 'letters', 'length': 16},
    {'kind': 'text', 'dataset': 'figures', 'length': 16},
    {'kind': 'pixels', 'size': 4},
)
MODEL = bases.decoder(257, 16, 8, 1, {'kind': 'identity'}, 1.0) | {'norm': {'kind': 'identity'}}


def prose(count: int, seed: int, letters: bytes) -> Part:
    x = np.random.default_rng(seed).choice(np.frombuffer(letters, np.uint8), 500 * count)
    return Part(x, None, np.arange(count), 500 * np.arange(count + 1))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    for number, (name, letters) in enumerate({'letters': b'abcdefgh', 'figures': b'01'}.items()):
        parts = prose(40, number, letters), prose(4, 9 + number, letters)
        write(tmp_path / 'prepared' / name, {'kind': 'texts'}, *parts)


def task(**fields) -> Mixture:
    return Mixture(**{'parts': PARTS, 'weights': (2, 1, 1), 'train': 200, 'held': 80, 'tested': 40, **fields})


@pytest.mark.parametrize(
    ('parts', 'names'),
    [
        (PARTS, ('letters', 'figures', 'digits')),
        (({'kind': 'text', 'dataset': 'zinc'}, {'kind': 'molecules'}), ('zinc', 'zinc_2')),
        (tuple({'kind': kind} for kind in ('arithmetic', 'recall', 'arithmetic')), ('arithmetic', 'recall', 'arithmetic_2')),
        # A set that is called as another one with its number would be.
        (tuple({'kind': 'text', 'dataset': name} for name in ('a', 'a_2', 'a')), ('a', 'a_2', 'a_3')),
    ],
)
def test_domains_have_names_of_their_own(parts: tuple, names: tuple):
    assert Mixture(parts=parts, held=6 * len(parts), tested=6 * len(parts)).domain_names == names


def test_other_tasks_have_none():
    assert Pixels().domain_names == ()


SLOW_WAYS = [pytest.param(*way, marks=pytest.mark.slow) for way in (('map', True), ('vmap', False))]


@pytest.mark.parametrize(('strategy', 'streamed'), [('loop', False), ('vmap', True), *SLOW_WAYS])
def test_every_way_of_running_gives_the_score_of_each_domain(data: None, strategy: str, streamed: bool):
    mixed, model, key = task(), build(MODEL), jax.random.key(0)
    pool = mixed.pool()
    train, inside = mixed.split(pool, 0)
    held = mixed.part(pool, inside)
    scored = {'x': held.x, 'y': held.y, 'domain': mixed.domains(held).astype(np.int32)}
    training = make_training(model, mixed, 'adamw', STEPS, BATCH, 2, streamed)
    lanes = [
        {
            'seed': np.uint32(seed),
            'order': batch_order(seed, train, STEPS, BATCH),
            'knobs': {'lr': np.float32(lr), 'weight_decay': np.float32(0)},
        }
        for seed, lr in ((1, 1e-2), (2, 1e-3))
    ]
    learned = {}
    scores_of = jax.jit(
        lambda params, state: model.apply(params, state, mixed.inputs(held.x), knobs={}, key=key, train=False)[0]
    )
    results = Population(training, strategy, most=2, streamed=streamed).run(
        lanes, {'x': pool.x, 'y': pool.y}, scored, finish=lambda lane, *given: learned.update({lane: given[:2]})
    )
    for lane, (result, _) in enumerate(results):
        parts = result['curve']['parts']
        assert parts.shape == (3, 3)
        np.testing.assert_allclose(parts @ [0.5, 0.25, 0.25], result['curve']['score'], rtol=1e-5)
        # Once more from what was learned, example by example.
        scores = np.asarray(scores_of(*learned[lane]), np.float64)
        logs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
        nats = -np.take_along_axis(logs, held.y[..., None].astype(int), -1)[..., 0].mean(1)
        expected = [nats[scored['domain'] == number].mean() for number in range(3)]
        np.testing.assert_allclose(parts[-1], expected, rtol=1e-4)
        assert np.ptp(expected) > 0.05


def mixture_fields() -> dict:
    data = {'kind': 'mixture', **{field.name: getattr(task(), field.name) for field in dataclasses.fields(Mixture)}}
    return {'data': data, 'base': MODEL, 'steps': STEPS, 'batch': BATCH, 'evaluations': 2}


@pytest.mark.parametrize('held', ['tuning', 'test'])
def test_a_record_has_the_score_of_each_domain(data: None, held: str, monkeypatch: pytest.MonkeyPatch):
    record = train_one('languages', held=held, **mixture_fields())
    assert list(record['parts']) == ['letters', 'figures', 'digits'] and 'parts' not in record['curve']
    assert record['n_held'] == {'tuning': 80, 'test': 40}[held]
    assert np.dot(list(record['parts'].values()), [0.5, 0.25, 0.25]) == pytest.approx(record['score'], rel=1e-5)
    assert ('item_scores' in record) == (held == 'test')
    if held == 'test':
        # Groups are numbered by domain, so items come domain by domain: 20, 10 and 10 examples.
        items = unpacked(record['item_scores'])
        assert items.mean() == pytest.approx(record['score'], rel=1e-3)
        assert len(items) == 40 and items[:20].mean() == pytest.approx(record['parts']['letters'], rel=1e-3)
    monkeypatch.setattr(trainers, 'device_memory', lambda: 1000)
    streamed = train_one('languages', held=held, **mixture_fields())
    assert streamed['parts'] == pytest.approx(record['parts'], rel=1e-4)


def test_a_record_of_a_run_that_diverged_has_them_too(data: None):
    record = train_one('languages', lr=float('inf'), **mixture_fields())
    assert 'item_scores' not in record
    assert record['status'] == 'diverged' and set(record['parts']) == {'letters', 'figures', 'digits'}
    json.dumps(record['parts'], allow_nan=False)


def test_a_record_of_another_task_is_as_it_was():
    record = train_one('recall', steps=4, batch=8, evaluations=2, base=bases.decoder(12, 6, 8, 1, {'kind': 'identity'}, 1.0))
    assert 'parts' not in record and 'parts' not in record['curve']
