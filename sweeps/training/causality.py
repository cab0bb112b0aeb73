"""Causality as trained: whether a trained model that predicts the next token sees it already.

The contracts try a block with random parameters. Training can change what it sees: thresholds may now be crossed, other
positions read. So every arm is tried once with the scored parameters, on examples of the pool.
"""

from collections.abc import Mapping

import jax
import numpy as np

from ablations.trial import TEST, Program, Trial
from arch.contracts.whole import model_leak
from arch.model import Model, build
from arch.sockets import load_tables
from sweeps.tasks.arrays import Arrays
from sweeps.tasks.kind import Kind
from sweeps.tasks.language import Language

EXAMPLES = 2
"""Examples whose later tokens are changed."""


def in_float32(program: Program, blocks: str | None) -> Model:
    """The model of a program with activations in float32, so that rounding is much smaller than a leak."""
    body = program.model['body']
    config = {**program.model, 'body': {**body, 'compute': 'float32'} if 'compute' in body else body}
    return build(config, load_tables(blocks, program.blocks))


def wants_check(trial: Trial) -> bool:
    """Whether a trial's model is checked: a trial of the first replicate that is scored on test data."""
    return trial.held == TEST and trial.replicate == 0


def trained_leak(model: Model, task: Kind, pool: Arrays, params: dict, state: dict, knobs: Mapping[str, float]) -> str | None:
    """How much a token of a trained model sees of later tokens, in words; '' if it sees nothing.

    None where there is nothing to check: the model is not causal and the task does not predict the next token, the model has
    one output for all positions, or its parameters are not finite. `knobs` are those of the trial.
    """
    if not (model.causal or isinstance(task, Language)) or not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(params)):
        return None
    x = np.asarray(task.inputs(pool.x[:EXAMPLES]))
    own = {name: np.float32(value) for name, value in knobs.items() if name in model.knobs}

    def scores(params: dict, state: dict, x: np.ndarray) -> jax.Array:
        return model.apply(params, state, x, knobs=own, key=jax.random.key(0), train=False)[0]

    if x.ndim < 2 or x.shape[1] < 2 or jax.eval_shape(scores, params, state, x).ndim < 3:
        return None
    ids = int(pool.x.max()) + 1 if np.issubdtype(x.dtype, np.integer) else None
    return model_leak(model, params, state, x, ids, own, modes=(False,))
