"""One training run: learning, divergence, and lanes that know nothing of each other."""

import dataclasses

import jax
import numpy as np
import pytest

from ablations.tasks import RECALL
from arch.model import build
from sweeps.tasks.probes.recall import Recall
from sweeps.training.loop import batch_order, make_training
from sweeps.training.population import STRATEGIES, Population
from sweeps.training.preflight import known_knobs

STEPS, BATCH = 6, 16
TASK = Recall(pairs=2, keys=8, values=4, train=128, held=32)


@dataclasses.dataclass(frozen=True)
class Bench:
    """A tiny program with its data; `run` trains lanes of (seed, learning rate) by a strategy."""

    populations: dict
    pool: dict
    held: dict
    train: np.ndarray

    def lane(self, seed: int, lr: float, **knobs: float) -> dict:
        knobs = {'lr': lr, 'weight_decay': 1e-2, 'init_scale': 1.0, **knobs}
        order = batch_order(seed, self.train, STEPS, BATCH)
        return {'seed': np.uint32(seed), 'order': order, 'knobs': {k: np.float32(v) for k, v in knobs.items()}}

    def run(self, strategy: str, lanes: list[dict]) -> list[dict]:
        return [result for result, _ in self.populations[strategy].run(lanes, self.pool, self.held)]


@pytest.fixture(scope='module')
def bench() -> Bench:
    config = {**RECALL.base, 'body': {'kind': 'isotropic', 'width': 8, 'depth': 1, 'causal': True}}
    training = make_training(build(config), TASK, 'adamw', STEPS, BATCH, 2)
    pool = TASK.pool()
    inside, held = TASK.split(pool, 0)
    arrays = {'x': pool.x, 'y': pool.y}
    populations = {strategy: Population(training, strategy, width=3) for strategy in STRATEGIES}
    return Bench(populations, arrays, {'x': pool.x[held], 'y': pool.y[held]}, inside)


def same_bits(one: dict, other: dict) -> bool:
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in pairs)


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_same_pack_twice_is_bitwise_the_same(bench: Bench, strategy: str):
    lanes = [bench.lane(1, 1e-2), bench.lane(2, 3e-3), bench.lane(3, 1e-3)]
    for one, other in zip(bench.run(strategy, lanes), bench.run(strategy, lanes), strict=True):
        assert same_bits(one, other)


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_a_lane_does_not_depend_on_its_neighbours(bench: Bench, strategy: str):
    before = bench.run(strategy, [bench.lane(1, 1e-2), bench.lane(2, 3e-3), bench.lane(3, 1e-3)])
    after = bench.run(strategy, [bench.lane(1, 1e-2), bench.lane(2, 0.5), bench.lane(3, 1e-3)])
    assert same_bits(before[0], after[0]) and same_bits(before[2], after[2])
    assert not same_bits(before[1], after[1])


def test_strategies_agree_over_the_first_steps(bench: Bench):
    lanes = [bench.lane(1, 3e-3), bench.lane(2, 1e-3), bench.lane(3, 5e-3)]
    results = {strategy: bench.run(strategy, lanes) for strategy in STRATEGIES}
    for strategy in STRATEGIES:
        for one, other in zip(results['loop'], results[strategy], strict=True):
            for name in ('loss', 'train_loss'):
                np.testing.assert_allclose(one['curve'][name], other['curve'][name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_a_diverged_lane_is_frozen_and_disturbs_nobody(bench: Bench, strategy: str):
    calm = bench.run(strategy, [bench.lane(1, 1e-2), bench.lane(2, 3e-3), bench.lane(3, 1e-3)])
    wild = bench.run(strategy, [bench.lane(1, 1e-2), bench.lane(2, 1e38), bench.lane(3, 1e-3)])
    assert 0 <= int(wild[1]['left_at']) < STEPS
    assert same_bits(calm[0], wild[0]) and same_bits(calm[2], wild[2])


def test_not_a_number_at_the_first_step_is_noticed_there(bench: Bench):
    result = bench.run('loop', [bench.lane(1, 1e-2, init_scale=float('nan'))])[0]
    assert int(result['left_at']) == 0
    assert not np.isfinite(result['curve']['loss']).any()


def test_a_diverged_run_keeps_the_state_it_had(bench: Bench):
    # A rate so high that the second step overflows: the held-out loss stays what the frozen parameters give.
    curve = bench.run('loop', [bench.lane(2, 1e38)])[0]['curve']
    assert curve['loss'][1].tobytes() == curve['loss'][2].tobytes()


def test_training_learns(bench: Bench):
    curve = bench.run('loop', [bench.lane(1, 3e-2)])[0]['curve']
    assert curve['loss'][-1] < curve['loss'][0]
    assert curve['train_loss'][-1] < curve['train_loss'][0]
    assert curve['loss'].shape == (3,)


def test_another_seed_is_another_run(bench: Bench):
    one, other = bench.run('loop', [bench.lane(1, 1e-2), bench.lane(2, 1e-2)])
    assert one['curve']['loss'][0] != other['curve']['loss'][0]


def test_tuned_values_share_one_program(bench: Bench):
    population = bench.populations['loop']
    bench.run('loop', [bench.lane(1, 1e-3), bench.lane(5, 7e-3, weight_decay=0.3)])
    assert population._advance._cache_size() == 1


KNOBS = {
    'b1': 0.8,
    'b2': 0.9,
    'eps': 1e-3,
    'clip': 0.1,
    'warmup_fraction': 0.5,
    'final_fraction': 0.5,
    'label_smoothing': 0.2,
    'init_scale': 0.5,
}


@pytest.mark.parametrize('name', KNOBS)
def test_every_knob_is_traced_and_changes_the_run(bench: Bench, name: str):
    """One program for all values of all knobs."""
    population = bench.populations['loop']
    one = bench.run('loop', [bench.lane(1, 1e-2, **KNOBS)])[0]
    programs = population._advance._cache_size()
    lanes = [bench.lane(1, 1e-2, **{**KNOBS, name: value}) for value in (0.5 * KNOBS[name], KNOBS[name])]
    other, again = bench.run('loop', lanes)
    assert population._advance._cache_size() == programs
    assert same_bits(one, again) and not same_bits(one, other)


def test_knobs_at_their_own_values_are_the_same_run(bench: Bench):
    own = {name: known_knobs('adamw', build(RECALL.base))[name] for name in KNOBS}
    plain, given = bench.run('loop', [bench.lane(1, 1e-2), bench.lane(1, 1e-2, **own)])
    for part in ('loss', 'score', 'train_loss'):
        np.testing.assert_allclose(plain['curve'][part], given['curve'][part], rtol=1e-4, atol=1e-5)


def test_smoothing_changes_what_is_minimised_and_not_what_is_reported(bench: Bench):
    """Before the first step both models are the same, and so are their losses, smoothed or not."""
    plain, smooth = bench.run('loop', [bench.lane(1, 1e-2), bench.lane(1, 1e-2, label_smoothing=0.5)])
    for part in ('loss', 'train_loss', 'score'):
        assert plain['curve'][part][0] == pytest.approx(smooth['curve'][part][0], rel=1e-6)
    assert plain['curve']['loss'][-1] != smooth['curve']['loss'][-1]


@pytest.mark.parametrize('warmup_fraction', [0.0, 0.5, 1.0])
def test_the_first_step_moves_the_weights(bench: Bench, warmup_fraction: float):
    """A warm-up that starts from rate 0 wastes it: one of 140 steps, or half of a run of two."""
    lane, program = bench.lane(1, 1e-2, warmup_fraction=warmup_fraction), bench.populations['loop']
    source, numbers = bench.pool, (np.int32(0), np.int32(0), np.int32(1))
    before = program._begin(lane, source['x'][:1])
    start = jax.tree.map(np.array, before['params'])
    after = program._advance(lane, before, source, *numbers)['params']
    assert all((a != np.asarray(b)).any() for a, b in zip(jax.tree.leaves(start), jax.tree.leaves(after), strict=True))


def test_batches_are_shuffled_epochs():
    order = batch_order(3, np.arange(10, 30), steps=5, batch=8)
    assert order.shape == (5, 8) and order.dtype == np.int32
    assert sorted(order.reshape(-1)[:20]) == list(range(10, 30))
    assert len(set(order.reshape(-1)[20:])) == 20 and list(order.reshape(-1)[20:]) != list(order.reshape(-1)[:20])
    np.testing.assert_array_equal(order, batch_order(3, np.arange(10, 30), steps=5, batch=8))
    assert (order != batch_order(4, np.arange(10, 30), steps=5, batch=8)).any()


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match='not a multiple of evaluations'):
        make_training(build(RECALL.base), TASK, 'adamw', 7, BATCH, 2)
    with pytest.raises(ValueError, match='no examples'):
        batch_order(0, np.arange(0), 1, 1)
    with pytest.raises(ValueError, match='lane strategy'):
        Population(make_training(build(RECALL.base), TASK, 'adamw', 6, BATCH, 2), 'pmap')


def test_packs_of_any_size_share_one_vmapped_program(bench: Bench):
    lanes = [bench.lane(seed, 1e-2) for seed in (1, 2, 3)]
    whole, part = bench.run('vmap', lanes), bench.run('vmap', lanes[:2])
    assert len(part) == 2 and all(same_bits(a, b) for a, b in zip(whole, part, strict=False))
    assert bench.populations['vmap']._advance._cache_size() == 1


def test_lanes_that_do_not_fit_run_in_halves(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    population, sizes = bench.populations['vmap'], []
    whole = population._begin

    def small_device(lanes: dict, x: np.ndarray) -> dict:
        sizes.append(len(lanes['seed']))
        if len(lanes['seed']) > 1:
            raise jax.errors.JaxRuntimeError('RESOURCE_EXHAUSTED: out of memory')
        return whole(lanes, x)

    lanes = [bench.lane(1, 1e-2), bench.lane(2, 3e-3)]
    monkeypatch.setattr(population, '_begin', small_device)
    split = bench.run('vmap', lanes)
    assert sizes == [3, 1, 1] and (population.width, population.splits) == (1, 1)
    for lane, result in zip(lanes, split, strict=True):
        np.testing.assert_allclose(result['curve']['loss'], bench.run('loop', [lane])[0]['curve']['loss'], rtol=1e-5)
    monkeypatch.setattr(population, 'width', 3)


def test_other_errors_of_the_device_are_not_hidden(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise jax.errors.JaxRuntimeError('INTERNAL: something else')

    monkeypatch.setattr(bench.populations['vmap'], '_begin', broken)
    with pytest.raises(jax.errors.JaxRuntimeError, match='something else'):
        bench.run('vmap', [bench.lane(1, 1e-2), bench.lane(2, 1e-2)])
