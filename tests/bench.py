"""Benchmarks: milliseconds by lane strategy, of compiling, and of a mixture of experts. Run: make bench

Every figure is the median of several runs; compare figures of one run only, machines and moments differ.
"""

import statistics
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ablations.tasks import TASKS
from ablations.tasks.bases import convnext, decoder
from arch.context import Context
from arch.model import build
from arch.model_sockets import Sockets
from arch.ops.lowering import lowering
from arch.probe import PLAIN
from arch.sockets import TABLES
from sweeps.tasks.batch_order import batch_order
from sweeps.training.loop import make_training
from sweeps.training.population import STRATEGIES, Population
from sweeps.training.preflight import task_of
from sweeps.training.splits import tuning_split

REPEATS, LANES, STEPS = 5, 8, 32


def median_ms(run: Callable[[], object]) -> float:
    """Median milliseconds of a call, after one that compiles."""
    jax.block_until_ready(run())
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        jax.block_until_ready(run())
        times.append(1e3 * (time.perf_counter() - began))
    return statistics.median(times)


def step_ms(name: str, strategy: str) -> float:
    """Milliseconds of one training step of one lane of a task, by a lane strategy."""
    task = TASKS[name]
    data = task_of(task.data)
    split = tuning_split(data, 'bench', name, 0, data.pool())
    training = make_training(build(task.base), data, 'adamw', STEPS, task.batch, 1)
    knobs = {'lr': np.float32(1e-3), 'weight_decay': np.float32(1e-2)}
    orders = [batch_order(i, split.train, STEPS, task.batch) for i in range(LANES)]
    lanes = [{'seed': np.uint32(i), 'order': order, 'knobs': knobs} for i, order in enumerate(orders)]
    pool, held = ({'x': part.x, 'y': part.y} for part in (split.pool, split.held))
    population = Population(training, strategy)
    return median_ms(lambda: population.run(lanes, pool, held)) / LANES / STEPS


def strategies() -> None:
    """A training step of one lane, by task and lane strategy."""
    print(f'one training step of one lane, ms ({LANES} lanes, {STEPS} steps, {jax.default_backend()})')
    for name in TASKS:
        print(f'  {name:14}' + '  '.join(f'{strategy} {step_ms(name, strategy):.2f}' for strategy in STRATEGIES))


def compilation() -> None:
    """Compiling one training step at several depths, as a loop and as a scan."""
    print('compiling one training step, s')
    ids, images = jnp.zeros((4, 32), jnp.int32), jnp.zeros((4, 16, 16, 3))
    attention = {'kind': 'attention', 'heads': 4, 'biases': 'needed'}
    for depth, way in ((2, 'loop'), (20, 'loop'), (2, 'scan'), (100, 'scan')):
        configs = {
            'decoder': (decoder(64, 32, 64, depth, attention, 4.0), ids),
            'convnext': (convnext(10, 2, [32, 64], [depth // 2, depth - depth // 2], 3), images),
        }
        times = {name: compile_s(config, way, x) for name, (config, x) in configs.items()}
        print(f'  {depth:3} blocks, {way}   ' + '  '.join(f'{name} {seconds:.1f}' for name, seconds in times.items()))


def experts() -> None:
    """Gradient of a mixture of experts: all on every position, or the chosen ones sorted by expert."""
    print('mixture of experts, gradient, 512 tokens of 32 channels, ms')
    x = jnp.asarray(np.random.default_rng(0).normal(size=(16, 32, 32)), jnp.float32)
    for count, top, lanes in ((4, 2, 1), (4, 2, 4), (8, 1, 1), (8, 1, 4)):
        spec = {'kind': 'mixture_of_experts', 'experts': count, 'top': top}
        block = Sockets({**PLAIN, 'channel': spec}, TABLES).make('channel', name=None)
        params = jax.tree.map(
            lambda leaf, lanes=lanes: jnp.stack([leaf] * lanes), block.init(jax.random.key(0), x, Context())['params']
        )

        def loss(params, x, block=block):
            return jnp.square(block.apply({'params': params}, x, Context(), mutable=['aux'])[0]).sum()

        times = {}
        for name, way in (('all', 'auto'), ('sorted', 'reference')):
            with lowering(way):
                gradient = jax.jit(jax.vmap(jax.grad(loss), in_axes=(0, None))).lower(params, x).compile()
            times[name] = median_ms(lambda g=gradient, p=params: g(p, x))
        print(f'  {count} experts, top {top}, {lanes} lanes   ' + '  '.join(f'{name} {ms:.1f}' for name, ms in times.items()))


def compile_s(config: dict, way: str, x: jax.Array) -> float:
    """Seconds to compile a step of Adam on a model: the median of three."""
    model = build({**config, 'body': {**config['body'], 'over_depth': way}})
    params, state = jax.eval_shape(lambda: model.init(jax.random.key(0), x, {}))
    optimizer = optax.adam(1e-3)
    moments = jax.eval_shape(optimizer.init, params)

    def step(params, state, moments, salt):
        def loss(params):
            y, after, _ = model.apply(params, state, x, knobs={}, key=jax.random.key(1), train=True)
            return jnp.square(y).mean() * salt, after

        slopes, after = jax.grad(loss, has_aux=True)(params)
        updates, moments = optimizer.update(slopes, moments, params)
        return optax.apply_updates(params, updates), after, moments

    times = []
    for salt in range(3):
        lowered = jax.jit(lambda *a, salt=salt: step(*a, 1.0 + salt)).lower(params, state, moments)
        began = time.perf_counter()
        lowered.compile()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


if __name__ == '__main__':
    compilation()
    experts()
    strategies()
