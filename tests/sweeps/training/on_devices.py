"""A program of its own, with eight devices that this processor plays, in one process or in two: what lanes become by layout.

    python on_devices.py CASES [PROCESS OF ADDRESS]

A case is a body and the sizes of a layout, such as tiny:2x2x2. Prints, as JSON, how far the numbers of each case are from those
of one device, {case: {moment: distance}}, relative to the largest number. The case `memory` is a model whose parameters and
moments take three times the memory of a device: the layout that it trains in, and what is said where there is one device. The
case `resumed` is a pack that is stopped in the middle, and `planned` how much memory a plan foresees for each that a compiled
step takes.
"""

import contextlib
import json
import os
import sys
from pathlib import Path

PROCESS = sys.argv[2:]
COUNT = 8 // int(PROCESS[1]) if PROCESS else 8
os.environ['XLA_FLAGS'] = f'{os.environ.get("XLA_FLAGS", "")} --xla_force_host_platform_device_count={COUNT}'
sys.path[:0] = [str(Path(__file__).parents[3]), str(Path(__file__).parents[2]), str(Path(__file__).parent)]


def trained(programs, tiny, lanes: dict) -> dict:
    """What lanes score, and all that they hold: at the beginning, after one step (moments are a gradient then), after five."""
    import jax

    placed, made, lies = programs.placed(lanes), {}, []
    for steps in (0, 1, 5):
        carry = programs.begin(placed, tiny.pool['x'][:1])
        if steps:
            carry = programs.advance(placed, carry, tiny.pool, 0, 0, steps)
        lies.append(jax.tree.map(lambda leaf: leaf.sharding.shard_shape(leaf.shape), carry))
        seen = programs.evaluate(programs.training.drawn_of(placed), carry['params'], carry['state'], tiny.held)
        names = ('params', 'state', 'moments') if steps else ('params', 'state')
        made[f'after {steps}'] = ({name: seen[name] for name in ('loss', 'items')}, {name: carry[name] for name in names})
    assert lies[0] == lies[1], 'a step moves what the start has put onto devices'
    from sweeps.training.device import on_host

    return on_host(made)


def bodies() -> dict[str, dict]:
    """One body of each kind."""
    from tiny_population import CONFIG

    from ablations.tasks import bases

    attention = bases.vit(outputs=10, patch=2, length=16, width=16, depth=2, heads=2)
    return {
        'tiny': CONFIG,
        'attention': attention,
        'convolutional': bases.convnext(outputs=10, patch=1, widths=[8, 16], depths=[1, 1], kernel=3),
        'recurrent': {**attention, 'mixer': {'kind': 'gated_linear_attention'}, 'position': {'kind': 'none'}},
        'experts': {**attention, 'channel': {'kind': 'mixture_of_experts', 'experts': 4}},
    }


def distance(one: object, other: object) -> float:
    """The largest difference of two trees of arrays, each relative to its array's largest number, or to 0.1."""
    import jax
    import numpy as np

    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return max(float(np.abs(a - b).max() / max(np.abs(a).max(), 0.1)) for a, b in pairs)


def memory() -> dict:
    """The layout of a model that does not fit one device, how far its numbers are from the model's alone, and a refusal."""
    import jax
    from tiny_population import BATCH, TASK, tiny_population

    from ablations.tasks import bases
    from arch.model import build
    from sweeps.training.loop import make_training
    from sweeps.training.population import Population

    tiny, model = tiny_population(), build(bases.vit(outputs=10, patch=4, length=4, width=256, depth=1, heads=2))
    training = make_training(model, TASK, 'adamw', 4, BATCH, 2)
    lanes = [tiny.lane(1, 1e-3)]
    whole, _ = Population(training, 'vmap', 1).run(lanes, tiny.pool, tiny.held)[0]
    params = jax.eval_shape(training.draw, {'seed': lanes[0]['seed'], 'knobs': {}}, tiny.pool['x'][:1])[0]
    os.environ['ARCHLAB_DEVICE_BYTES'] = str(4 * 3 * sum(leaf.size for leaf in jax.tree.leaves(params)) // 3)
    spread = Population(training, 'vmap', 1, devices=jax.devices())
    result, _ = spread.run(lanes, tiny.pool, tiny.held)[0]
    try:
        Population(training, 'vmap', 1).run(lanes, tiny.pool, tiny.held)
    except ValueError as error:
        said = str(error)
    return {'layout': spread.layout.sizes, 'distance': distance(whole['curve'], result['curve']), 'said': said}


def resumed() -> dict[str, bool]:
    """By layout, whether a pack that is stopped in the middle goes on to the same bits, and gives them again when run again."""
    import tempfile

    import jax
    from test_checkpoints import Stopped, Stopping
    from tiny_population import BATCH, CONFIG, STEPS, TASK, same_bits, tiny_population

    from arch.model import build
    from sweeps.training import joined, layout
    from sweeps.training.checkpoints import Checkpoints
    from sweeps.training.loop import make_training
    from sweeps.training.population import Population

    joined.SMALL = layout.SMALL = 0
    tiny, training, told = tiny_population(), make_training(build(CONFIG), TASK, 'adamw', STEPS, BATCH, 2), {}
    for lane, data, model in ((1, 2, 4), (4, 2, 1)):
        lanes = [tiny.lane(seed, 1e-2) for seed in range(lane)]
        population = Population(training, 'vmap', lane, devices=jax.devices())
        population.chosen[lane] = population.programs(layout.Layout(tuple(jax.devices()), lane, data, model))
        whole = tiny.run('vmap', lanes, population=population)
        with tempfile.TemporaryDirectory() as folder:
            stopping = Stopping(Path(folder), 'pack', 'here', steps=2)
            stopping.left = 2
            with contextlib.suppress(Stopped):
                tiny.run('vmap', lanes, stopping, population=population)
            checkpoints = Checkpoints(Path(folder), 'pack', 'here', steps=STEPS)
            assert 0 < checkpoints.latest().step < STEPS
            again = tiny.run('vmap', lanes, checkpoints, population=population)
            checkpoints.clear()
        same = same_bits(whole, again) and same_bits(whole, tiny.run('vmap', lanes, population=population))
        told[f'{lane}x{data}x{model}'] = same
    return told


def planned() -> dict[str, float]:
    """By model and layout, the memory of a device as a plan has it, for each byte that the compiled program of a step takes."""
    import jax
    import numpy as np
    from tiny_population import TASK

    from arch.cost import cost_of
    from arch.model import build
    from arch.published.convnext import convnext
    from arch.published.gpt2 import gpt2
    from sweeps.devices import bytes_of
    from sweeps.tasks.stdlib_bytes import StdlibBytes
    from sweeps.training.lane_programs import LanePrograms
    from sweeps.training.layout import Layout
    from sweeps.training.loop import make_training

    batch, told = 32, {}
    models = {
        'gpt2': (gpt2(2048, 64, 256, 2, 4), StdlibBytes(), np.zeros((batch, 64), np.uint8)),
        'convnext': (convnext([64, 128, 256], [1, 1, 1], 10), TASK, np.zeros((batch, 32, 32, 3), np.float32)),
    }
    for name, (config, task, x) in models.items():
        seen = jax.eval_shape(task.inputs, x)
        cost, training = cost_of(config, seen), make_training(build(config), task, 'adamw', 4, batch, 2, chunked=True)
        pool = {'x': x, 'y': x if x.ndim == 2 else np.zeros(batch, np.int32)}
        for sizes in ((8, 1, 1), (1, 8, 1), (1, 1, 8)):
            layout = Layout(tuple(jax.devices()), *sizes)
            programs = LanePrograms(training.over(layout), 'vmap', False, layout)
            lane = {'seed': np.uint32(1), 'order': np.zeros((4, batch), np.int32)}
            lane['knobs'] = {'lr': np.float32(1e-3), 'weight_decay': np.float32(0.1)}
            lanes = programs.placed(jax.tree.map(lambda leaf, count=sizes[0]: np.stack([leaf] * count), lane))
            taken = programs.bytes_needed(lanes, pool) - sum(part.nbytes for part in pool.values())
            weights, activations, _ = bytes_of(cost, batch, sizes[1] * sizes[2], sizes[2])
            told[f'{name}:{"x".join(map(str, sizes))}'] = (weights + activations) / taken
    return told


def main() -> None:
    import jax
    import numpy as np
    from tiny_population import BATCH, TASK, tiny_population

    from arch.model import build
    from sweeps.training import joined, layout
    from sweeps.training.lane_programs import LanePrograms
    from sweeps.training.loop import make_training

    if PROCESS:
        jax.distributed.initialize(PROCESS[2], int(PROCESS[1]), int(PROCESS[0]))
    if sys.argv[1] == 'planned':
        return print(json.dumps(planned()))
    # So that tiny parameters are spread too.
    joined.SMALL = layout.SMALL = 0
    tiny, told = tiny_population(), {}
    if sys.argv[1] == 'memory':
        return print(json.dumps(memory()))
    if sys.argv[1] == 'resumed':
        return print(json.dumps(resumed()))
    for case in sys.argv[1].split(','):
        body, sizes = case.split(':')
        training = make_training(build(bodies()[body]), TASK, 'sgd', 6, BATCH, 2)
        way = layout.Layout(tuple(jax.devices()), *map(int, sizes.split('x')))
        lanes = jax.tree.map(lambda *leaves: np.stack(leaves), *(tiny.lane(seed, 1e-3) for seed in range(way.lane)))
        spread = trained(LanePrograms(training.over(way), 'vmap', False, way), tiny, lanes)
        # Of two processes each trains it by itself.
        with jax.default_device(jax.local_devices()[0]):
            alone = trained(LanePrograms(training, 'vmap', False), tiny, lanes)
        told[case] = {moment: distance(alone[moment], spread[moment]) for moment in alone}
    if jax.process_index() == 0:
        print(json.dumps(told))


if __name__ == '__main__':
    main()
