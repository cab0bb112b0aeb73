"""Readout: what the features of a trained, frozen model tell of what is hidden of a simulator, by one linear product."""

from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from arch.model import build
from arch.sockets import load_tables
from sweeps.export import load
from sweeps.tasks.arrays import Arrays
from sweeps.tasks.simulators.next_observation import NextObservation
from sweeps.training.preflight import task_of
from sweeps.training.splits import tuning_split

RIDGE = 1e-3
"""What is added to the variance of each feature, which is 1, so that the product is defined where features repeat."""
FITTED, BATCH = 2048, 128
"""The most training episodes that a product is fitted to, and how many go through the model at a time."""


def readout(path: Path | str, blocks: Path | str | None = None) -> dict[str, dict[str, float]]:
    """{hidden variable: shares of right answers} of a model that `archlab export` wrote, trained on task kind next_observation.

    The features of an event are what the model's head multiplies at all of its tokens. A product to the values of the variable
    is fitted to training episodes of the model's replicate by least squares, and scored on its tuning-validation episodes: no
    test data are read. Beside `trained` stand the same for the `untrained` model, and what needs no features: a `constant`
    answer, the best one from the event's `observation` alone, and that of the exact `filter`.

    Raises ValueError for models of other tasks, and for heads that are not 'next_token'.
    """
    exported = load(path, blocks)
    about = exported.about
    task = task_of(about['data'])
    if not isinstance(task, NextObservation):
        raise ValueError(
            f"{path}: trained on task '{about['task']}' of kind '{task.NAME}', of which nothing is hidden; allowed: kind "
            f"'{NextObservation.NAME}'; give a model of such a task"
        )
    if about['model']['head']['kind'] != 'next_token':
        raise ValueError(
            f"{path}: its head is '{about['model']['head']['kind']}'; allowed: 'next_token', whose features are known; give "
            'another model'
        )
    width = exported.params['head']['head']['kernel'].shape[0]
    config = {**about['model'], 'head': {'kind': 'next_token', 'outputs': width, 'bias': False}}
    model = build(config, load_tables(str(blocks) if about['blocks'] else None))
    drawn = task.episodes.pool()
    known = Arrays(task.pool().x, np.concatenate([drawn.x, drawn.y], 1), drawn.group)
    split = tuning_split(task, about['study'], about['task'], about['replicate'], known)
    sides = task.part(known, np.sort(split.train)[:FITTED]), split.held
    weights = {
        'untrained': jax.jit(model.init)(jax.random.key(0), sides[0].x[:2], {}),
        'trained': (exported.params, exported.state),
    }
    seeing = jax.jit(lambda params, state, x: model.apply(params, state, x, knobs={}, key=jax.random.key(0), train=False)[0])
    features = {name: [_features(seeing, *own, task, side.x) for side in sides] for name, own in weights.items()}
    return {variable: _shares(task, variable, sides, features) for variable in task.made.chain.hidden}


def _features(seeing: Callable, params: dict, state: dict, task: NextObservation, x: np.ndarray) -> np.ndarray:
    """What the head multiplies at all tokens of each event but the last: `[n, N] -> [n, T - 1, tokens C]`."""
    width = params['head']['head']['kernel'].shape[0]
    params = {**params, 'head': {**params['head'], 'head': {'kernel': jnp.eye(width)}}}
    tokens = (x.shape[1] + 1) // task.events * (task.events - 1)
    # Batches of one size, so that one program serves all.
    filled = np.resize(x, (-(-len(x) // BATCH) * BATCH, x.shape[1]))
    batches = [np.asarray(seeing(params, state, filled[at : at + BATCH]))[:, :tokens] for at in range(0, len(x), BATCH)]
    return np.concatenate(batches)[: len(x)].reshape(len(x), task.events - 1, -1)


def _shares(task: NextObservation, variable: str, sides: tuple[Arrays, Arrays], features: dict) -> dict[str, float]:
    """The shares of right answers about a variable, on the second side."""
    chain = task.made.chain
    seen, states = zip(*(np.split(side.y, 2, axis=1) for side in sides), strict=True)
    fitted, asked = (chain.hidden[variable][task.episodes.apart(part)[:, :-1, 0]] for part in states)
    told = {'constant': np.bincount(chain.hidden[variable], chain.start).argmax()}
    if task.linked:
        shown = task.episodes.apart(seen[1])[:, :-1, 0]
        told |= {'observation': chain.guesses(variable)[shown], 'filter': chain.beliefs(shown, variable).argmax(-1)}
    for name, (known, new) in features.items():
        told[name] = linear_answers(known, fitted, new)
    return {name: float((answer == asked).mean()) for name, answer in told.items()}


def linear_answers(features: np.ndarray, values: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Values that a product of features, fitted by least squares, gives to others: `[n, T, C], [n, T], [m, T, C] -> [m, T]`."""
    rows = features.reshape(-1, features.shape[-1]).astype(np.float64)
    mean, std = rows.mean(0), rows.std(0) + 1e-6

    def standard(part: np.ndarray) -> np.ndarray:
        part = (part - mean) / std
        return np.concatenate([part, np.ones((*part.shape[:-1], 1))], -1)

    rows, wanted = standard(rows), np.eye(values.max() + 1)[values.reshape(-1)]
    product = np.linalg.solve(rows.T @ rows + RIDGE * len(rows) * np.eye(rows.shape[1]), rows.T @ wanted)
    return (standard(asked) @ product).argmax(-1)


def readout_lines(name: str, shares: dict[str, dict[str, float]]) -> list[str]:
    """Shares of right answers in words."""
    lines = [f'{name}: what is hidden, told by a linear product of its features']
    for variable, own in shares.items():
        lines.append(f'  {variable}: ' + ', '.join(f'{who} {100 * share:.1f} %' for who, share in own.items()))
    return lines
