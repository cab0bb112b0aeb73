"""Memory: the compiler's estimate of the memory of lanes, against the device, and whether too many lanes are halved."""

import jax
import numpy as np

from ablations.tasks import task
from ablations.tasks.bases import decoder
from ablations.tasks.decoders import ATTENTION
from arch.model import build
from benchmarks.measured import Measured
from sweeps.tasks.batch_order import batch_order
from sweeps.training.loop import make_training
from sweeps.training.population import Population
from sweeps.training.preflight import task_of
from sweeps.training.splits import tuning_split

NEEDS, SECONDS = ('ml_collections',), 60
MOST = 1024


def run(told: Measured, tiny: bool) -> None:
    """The need of 1 lane and of more by the compiled program; then a width that cannot fit, if there is one."""
    width, depth = (16, 1) if tiny else (256, 8)
    item = task('stdlib_bytes', base=decoder(256, 64, width, depth, ATTENTION, 4.0), steps=2, batch=64, evaluations=1)
    data = task_of(item.data)
    split = tuning_split(data, 'bench', item.name, 0, data.pool())
    training = make_training(build(item.base), data, 'adamw', 2, item.batch, 1)
    knobs = {'lr': np.float32(1e-3), 'weight_decay': np.float32(1e-2)}
    lane = {'seed': np.uint32(0), 'order': batch_order(0, split.train, 2, item.batch), 'knobs': knobs}
    pool, held = (jax.device_put({'x': part.x, 'y': part.y}) for part in (split.pool, split.held))
    limit = (jax.devices()[0].memory_stats() or {}).get('bytes_limit')
    needs = {}
    for count in (1, 2) if tiny else (1, 4, 16):
        lanes = jax.tree.map(lambda leaf, count=count: np.stack([leaf] * count), lane)
        carry = jax.eval_shape(jax.vmap(training.begin, (0, None)), lanes, pool['x'][:1])
        advance = jax.jit(jax.vmap(training.advance, (0, 0, None, None, None, None)), donate_argnums=1)
        memory = advance.lower(lanes, carry, pool, 0, 0, 2).compile().memory_analysis()
        needs[count] = memory.temp_size_in_bytes + memory.argument_size_in_bytes
        told.add(f'{count} lanes', bytes=needs[count], limit=limit)
    if limit is None:
        told.add('too many lanes', skipped='this device does not tell its memory')
        return
    few, many = min(needs), max(needs)
    each = (needs[many] - needs[few]) / (many - few)
    count = min(MOST, 2 ** int(np.ceil(np.log2(1.5 * limit / each))))
    population = Population(training, 'vmap', count)
    results = population.run([lane] * count, pool, held)
    told.add('too many lanes', lanes=count, expected=each * count / limit, splits=population.splits, most=population.most)
    told.add('all of them trained', trained=len(results) == count)
