"""One training run: learning, divergence, and lanes that know nothing of each other."""

import copy
import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_population import BATCH, CONFIG, STEPS, TASK, TinyPopulation, same_bits

from arch.model import Model, build
from arch.roles import Product
from sweeps.tasks.batch_order import batch_order
from sweeps.training import loop
from sweeps.training import population as populations
from sweeps.training.loop import make_training
from sweeps.training.population import STRATEGIES, Population
from sweeps.training.preflight import known_knobs


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_same_pack_twice_is_bitwise_the_same(tiny: TinyPopulation, strategy: str):
    lanes = [tiny.lane(1, 1e-2), tiny.lane(2, 3e-3), tiny.lane(3, 1e-3)]
    for one, other in zip(tiny.run(strategy, lanes), tiny.run(strategy, lanes), strict=True):
        assert same_bits(one, other)


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_a_lane_does_not_depend_on_its_neighbours(tiny: TinyPopulation, strategy: str):
    before = tiny.run(strategy, [tiny.lane(1, 1e-2), tiny.lane(2, 3e-3), tiny.lane(3, 1e-3)])
    after = tiny.run(strategy, [tiny.lane(1, 1e-2), tiny.lane(2, 0.5), tiny.lane(3, 1e-3)])
    assert same_bits(before[0], after[0]) and same_bits(before[2], after[2])
    assert not same_bits(before[1], after[1])


def test_strategies_agree_over_the_first_steps(tiny: TinyPopulation):
    lanes = [tiny.lane(1, 3e-3), tiny.lane(2, 1e-3), tiny.lane(3, 5e-3)]
    results = {strategy: tiny.run(strategy, lanes) for strategy in STRATEGIES}
    for strategy in STRATEGIES:
        for one, other in zip(results['loop'], results[strategy], strict=True):
            for name in ('loss', 'train_loss'):
                np.testing.assert_allclose(one['curve'][name], other['curve'][name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_a_diverged_lane_is_frozen_and_disturbs_nobody(tiny: TinyPopulation, strategy: str):
    calm = tiny.run(strategy, [tiny.lane(1, 1e-2), tiny.lane(2, 3e-3), tiny.lane(3, 1e-3)])
    wild = tiny.run(strategy, [tiny.lane(1, 1e-2), tiny.lane(2, 1e38), tiny.lane(3, 1e-3)])
    assert 0 <= int(wild[1]['left_at']) < STEPS
    assert same_bits(calm[0], wild[0]) and same_bits(calm[2], wild[2])


def test_not_a_number_at_the_first_step_is_noticed_there(tiny: TinyPopulation):
    result = tiny.run('loop', [tiny.lane(1, 1e-2, init_scale=float('nan'))])[0]
    assert int(result['left_at']) == 0
    assert not np.isfinite(result['curve']['loss']).any()


def test_a_diverged_run_keeps_the_state_it_had(tiny: TinyPopulation):
    # A rate so high that the second step overflows: the held-out loss stays what the frozen parameters give.
    curve = tiny.run('loop', [tiny.lane(2, 1e38)])[0]['curve']
    assert curve['loss'][1].tobytes() == curve['loss'][2].tobytes()


def test_a_run_that_left_the_finite_numbers_stays_where_it_was(tiny: TinyPopulation):
    """Though every later batch is finite: one example that is not a number comes once, in step 3."""
    lane, x = tiny.lane(1, 1e-2), tiny.pool['x'].copy()
    assert (lane['order'] == lane['order'][3, 0]).sum() == 1
    x[lane['order'][3, 0]] = np.nan
    spoilt = dataclasses.replace(tiny, pool={**tiny.pool, 'x': x})
    (result,) = spoilt.run('loop', [lane], population=tiny.population('loop'))
    assert int(result['left_at']) == 3
    _, loss, last = result['curve']['loss']
    assert np.isfinite(loss) and loss.tobytes() == last.tobytes()


def test_training_learns(tiny: TinyPopulation):
    curve = tiny.run('loop', [tiny.lane(1, 3e-2)])[0]['curve']
    assert curve['loss'][-1] < curve['loss'][0]
    assert curve['train_loss'][-1] < curve['train_loss'][0]
    assert curve['loss'].shape == (3,)


def test_another_seed_is_another_run(tiny: TinyPopulation):
    one, other = tiny.run('loop', [tiny.lane(1, 1e-2), tiny.lane(2, 1e-2)])
    assert one['curve']['loss'][0] != other['curve']['loss'][0]


def test_tuned_values_share_one_program(tiny: TinyPopulation):
    population = tiny.population('loop')
    tiny.run('loop', [tiny.lane(1, 1e-3)])
    programs = population.programs().advance._cache_size()
    tiny.run('loop', [tiny.lane(5, 7e-3, weight_decay=0.3)])
    assert population.programs().advance._cache_size() == programs


KNOBS = {
    'b1': 0.8,
    'b2': 0.9,
    'eps': 1e-3,
    'clip': 0.1,
    'warmup_fraction': 0.5,
    'final_fraction': 0.5,
    'label_smoothing': 0.2,
    'z_loss': 0.1,
    'lr_head': 0.5,
    'weight_decay_vector': 0.5,
    'init_scale': 0.5,
}


@pytest.mark.parametrize('name', KNOBS)
def test_every_knob_is_traced_and_changes_the_run(tiny: TinyPopulation, name: str):
    """One program for all values of all knobs."""
    population = tiny.population('loop')
    one = tiny.run('loop', [tiny.lane(1, 1e-2, **KNOBS)])[0]
    programs = population.programs().advance._cache_size()
    lanes = [tiny.lane(1, 1e-2, **{**KNOBS, name: value}) for value in (0.5 * KNOBS[name], KNOBS[name])]
    other, again = tiny.run('loop', lanes)
    assert population.programs().advance._cache_size() == programs
    assert same_bits(one, again) and not same_bits(one, other)


def test_knobs_at_their_own_values_are_the_same_run(tiny: TinyPopulation):
    own = {name: known_knobs('adamw', build(CONFIG))[name] for name in KNOBS}
    plain, given = tiny.run('loop', [tiny.lane(1, 1e-2), tiny.lane(1, 1e-2, **own)])
    for part in ('loss', 'score', 'train_loss'):
        np.testing.assert_allclose(plain['curve'][part], given['curve'][part], rtol=1e-4, atol=1e-5)


def test_smoothing_changes_what_is_minimised_and_not_what_is_reported(tiny: TinyPopulation):
    """Before the first step both models are the same, and so are their losses, smoothed or not."""
    given = [{'label_smoothing': 0.0, 'z_loss': 0.0}, {'label_smoothing': 0.5, 'z_loss': 0.5}]
    plain, smooth = tiny.run('loop', [tiny.lane(1, 1e-2, **{**KNOBS, **own}) for own in given])
    for part in ('loss', 'train_loss', 'score'):
        assert plain['curve'][part][0] == pytest.approx(smooth['curve'][part][0], rel=1e-6)
    assert plain['curve']['loss'][-1] != smooth['curve']['loss'][-1]


@pytest.mark.parametrize('warmup_fraction', [0.0, 0.5, 1.0])
def test_the_first_step_moves_the_weights(tiny: TinyPopulation, warmup_fraction: float):
    """A warm-up that starts from rate 0 wastes it: one of 140 steps, or half of a run of two."""
    lane, program = tiny.lane(1, 1e-2, **{**KNOBS, 'warmup_fraction': warmup_fraction}), tiny.population('loop').programs()
    before = program.begin(lane, tiny.pool['x'][:1])
    start = jax.tree.map(np.array, before['params'])
    after = program.advance(lane, before, tiny.pool, 0, 0, 1)['params']
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
        make_training(build(CONFIG), TASK, 'adamw', 7, BATCH, 2)
    with pytest.raises(ValueError, match='no examples'):
        batch_order(0, np.arange(0), 1, 1)
    with pytest.raises(ValueError, match='lane strategy'):
        Population(make_training(build(CONFIG), TASK, 'adamw', 6, BATCH, 2), 'pmap')


def test_packs_of_any_size_share_one_vmapped_program(tiny: TinyPopulation):
    lanes = [tiny.lane(seed, 1e-2) for seed in (1, 2, 3)]
    whole = tiny.run('vmap', lanes)
    programs = tiny.population('vmap').programs().advance._cache_size()
    part = tiny.run('vmap', lanes[:2])
    assert len(part) == 2 and all(same_bits(a, b) for a, b in zip(whole, part, strict=False))
    assert tiny.population('vmap').programs().advance._cache_size() == programs


@pytest.mark.parametrize('said', ['RESOURCE_EXHAUSTED: out of memory', 'INTERNAL: Error: Out of memory allocating 8 bytes.'])
def test_lanes_that_do_not_fit_run_in_halves(tiny: TinyPopulation, monkeypatch: pytest.MonkeyPatch, said: str):
    population, sizes = copy.copy(tiny.population('vmap')), []
    whole = population.programs().begin

    def small_device(lanes: dict, x: np.ndarray) -> dict:
        sizes.append(len(lanes['seed']))
        if len(lanes['seed']) > 1:
            raise jax.errors.JaxRuntimeError(said)
        return whole(lanes, x)

    lanes = [tiny.lane(1, 1e-2), tiny.lane(2, 3e-3)]
    monkeypatch.setattr(population.programs(), 'begin', small_device)
    split = tiny.run('vmap', lanes, population=population)
    assert sizes == [3, 1, 1] and (population.most, population.splits) == (1, 1)
    for lane, result in zip(lanes, split, strict=True):
        np.testing.assert_allclose(result['curve']['loss'], tiny.run('loop', [lane])[0]['curve']['loss'], rtol=1e-5)


def test_what_does_not_fit_by_the_compiled_program_is_not_tried(tiny: TinyPopulation, monkeypatch: pytest.MonkeyPatch):
    population, lanes = copy.copy(tiny.population('vmap')), [tiny.lane(1, 1e-2), tiny.lane(2, 3e-3), tiny.lane(3, 1e-3)]
    population.chosen, needs = {}, {}
    for width in (1, 3):
        stacked = population._stacked(lanes[:width], width)
        needs[width] = population.programs().bytes_needed(stacked, tiny.pool)
    monkeypatch.setattr(populations, 'memory_limit', lambda: (needs[1] + needs[3]) // 2)
    results = tiny.run('vmap', lanes, population=population)
    assert (population.most, population.splits) == (1, 1)
    for lane, result in zip(lanes, results, strict=True):
        np.testing.assert_allclose(result['curve']['loss'], tiny.run('loop', [lane])[0]['curve']['loss'], rtol=1e-5)
    monkeypatch.setattr(populations, 'memory_limit', lambda: needs[3])
    roomy = copy.copy(tiny.population('vmap'))
    roomy.chosen = {}
    tiny.run('vmap', lanes, population=roomy)
    assert (roomy.most, roomy.splits, list(roomy.chosen)) == (3, 0, [3])
    monkeypatch.setattr(populations, 'memory_limit', lambda: needs[1] - 1)
    small = copy.copy(tiny.population('vmap'))
    small.chosen = {}
    with pytest.raises(ValueError, match=r'a lane takes .* GB of a device; allowed: .* GB; give a worker more devices'):
        tiny.run('vmap', lanes, population=small)


@pytest.mark.parametrize(('chunk', 'length'), [(2, 2), (100, 5)])
def test_loops_of_a_fixed_length_train_the_same_steps(
    tiny: TinyPopulation, monkeypatch: pytest.MonkeyPatch, chunk: int, length: int
):
    """Also where the length does not divide the five steps between two evaluations, and where a lane diverges."""
    monkeypatch.setattr(loop, 'CHUNK', chunk)
    free, fixed = (make_training(build(CONFIG), TASK, 'adamw', 10, BATCH, 2, chunked=chunked) for chunked in (False, True))
    assert (free.chunk, fixed.chunk) == (None, length)
    lanes = [tiny.lane(1, 1e-2), tiny.lane(2, 1e38)]
    results = [tiny.run('loop', lanes, population=Population(training, 'loop')) for training in (free, fixed)]
    for one, other in zip(*results, strict=True):
        assert one['left_at'] == other['left_at']
        for name, curve in one['curve'].items():
            np.testing.assert_allclose(curve, other['curve'][name], rtol=1e-5, equal_nan=True)


def test_other_errors_of_the_device_are_not_hidden(tiny: TinyPopulation, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise jax.errors.JaxRuntimeError('INTERNAL: something else')

    monkeypatch.setattr(tiny.population('vmap').programs(), 'begin', broken)
    with pytest.raises(jax.errors.JaxRuntimeError, match='something else'):
        tiny.run('vmap', [tiny.lane(1, 1e-2), tiny.lane(2, 1e-2)])


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_what_each_example_scored_is_kept_of_the_last_evaluation(tiny: TinyPopulation, strategy: str):
    for result in tiny.run(strategy, [tiny.lane(1, 3e-2), tiny.lane(2, 1e38), tiny.lane(3, 1e-3)]):
        assert result['items'].shape == (len(tiny.held['y']),) and 'items' not in result['curve']
        assert set(np.unique(result['items'])) <= {0.0, 1.0}
        assert result['items'].mean() == pytest.approx(result['curve']['score'][-1])


def test_examples_keep_their_places_in_chunks_that_are_filled_up(tiny: TinyPopulation):
    """45 examples are scored as 2 x 23; the last place is filled with the first example again."""
    alone = tiny.run('loop', [tiny.lane(1, 3e-2)])[0]['items']
    place = np.r_[np.arange(32), np.arange(13)[::-1]]
    longer = dataclasses.replace(tiny, held={name: part[place] for name, part in tiny.held.items()})
    (result,) = longer.run('loop', [tiny.lane(1, 3e-2)], population=tiny.population('loop'))
    np.testing.assert_array_equal(result['items'], alone[place])
    assert 0 < alone.mean() < 1


def test_what_a_model_adds_to_its_loss_is_made_smaller_and_not_reported():
    """A model of one number that no score depends on, which is pulled to 0 by its own loss alone."""

    def apply(params: dict, state: dict, x: np.ndarray, **_: object) -> tuple:
        return jnp.zeros((len(x), 10)), state, {'pull': jnp.sum(params['scale'] ** 2)}

    def named(value: object) -> object:
        return lambda params: dict.fromkeys(params, value)

    drawn = {'scale': jnp.float32([1.0])}, {}
    model = Model(lambda *_: drawn, apply, named('vector'), named(Product()), {}, {}, True)
    training = make_training(model, TASK, 'sgd', 4, 4, 1)
    pool = {'x': np.zeros((8, 8, 8, 1), np.uint8), 'y': np.zeros(8, np.int32)}
    knobs = {'lr': np.float32(0.1), 'weight_decay': np.float32(0), 'momentum': np.float32(0)}
    lane = {'seed': np.uint32(1), 'order': batch_order(1, np.arange(8), 4, 4), 'knobs': knobs}

    @jax.jit
    def trained(lane: dict, pool: dict) -> dict:
        return training.advance(lane, training.begin(lane, pool['x'][:1]), pool, 0, 0, 4)

    carry = trained(lane, pool)
    assert 0 < float(carry['params'].tree()['scale'][0]) < 0.9


def test_random_numbers_of_a_run_follow_from_its_seed_and_the_step_in_one_way():
    """A model draws by the key 0 of the seed, a step by key 1 and its number, and what happens to the batch by its key 1."""

    class Noisy(type(TASK)):
        """A kind whose inputs are random while it trains."""

        def draw(self, key, x, y, strengths):
            return jax.random.uniform(key, (len(x), 1)), ((y, None),)

    def init(key: jax.Array, x: np.ndarray, knobs: dict) -> tuple[dict, dict]:
        return {'scale': jax.random.uniform(key, (1,))}, {'noise': jnp.zeros(()), 'batch': jnp.zeros((4, 1))}

    def apply(params: dict, state: dict, x: np.ndarray, *, key: jax.Array, train: bool, knobs: dict) -> tuple:
        assert train
        return jnp.zeros((len(x), 10)) * params['scale'], {'noise': jax.random.uniform(key), 'batch': x}, {}

    def named(value: object) -> object:
        return lambda params: dict.fromkeys(params, value)

    model = Model(init, apply, named('vector'), named(Product()), {}, {}, True)
    training = make_training(model, Noisy(train=96, held=32), 'sgd', 4, 4, 1)
    knobs = {'lr': np.float32(0.1), 'weight_decay': np.float32(0), 'momentum': np.float32(0)}
    lane = {'seed': np.uint32(7), 'order': batch_order(1, np.arange(8), 4, 4), 'knobs': knobs}
    pool = {'x': np.zeros((8, 8, 8, 1), np.uint8), 'y': np.zeros(8, np.int32)}
    seed = jax.random.key(7)
    carry = training.begin(lane, pool['x'][:1])
    assert carry['params'].tree()['scale'].tolist() == jax.random.uniform(jax.random.fold_in(seed, 0), (1,)).tolist()
    state = jax.jit(training.advance)(lane, carry, pool, 0, 0, 3)['state']
    step = jax.random.fold_in(jax.random.fold_in(seed, 1), 2)
    assert float(state['noise']) == float(jax.random.uniform(step))
    assert state['batch'].tolist() == jax.random.uniform(jax.random.fold_in(step, 1), (4, 1)).tolist()
