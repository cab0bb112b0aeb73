"""One training run as a pure function: the same program for every trial that differs only in traced values."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from arch.model import Model
from sweeps.optimizers import OPTIMIZERS, make_optimizer
from sweeps.schedules import KNOBS as SCHEDULE_KNOBS
from sweeps.schedules import warmup_cosine
from sweeps.tasks.losses import KNOBS as LOSS_KNOBS


def batch_order(seed: int, examples: np.ndarray, steps: int, batch: int) -> np.ndarray:
    """Which examples each step takes: shuffled epochs, one after the other. `[n] -> [steps, batch]` of indices.

    Made on the host from the seed alone, so that data on the device and streamed data come in the same order.
    """
    if len(examples) == 0:
        raise ValueError('the training split has no examples; give the task more data or a smaller held-out split')
    generator = np.random.default_rng(seed)
    epochs = -(-steps * batch // len(examples))
    order = np.concatenate([generator.permutation(examples) for _ in range(epochs)])
    return order[: steps * batch].reshape(steps, batch).astype(np.int32)


def make_trial(
    model: Model, losses: Callable, optimizer: str, steps: int, batch: int, evaluations: int
) -> tuple[Callable, Callable]:
    """The training run of one lane as two pure functions, to be compiled, mapped or vmapped.

    `begin(lane, x) -> start` draws the model for inputs like `x`; `train(lane, start, pool, held) -> result`. `lane` is
    {seed, order [steps, batch], knobs {name: scalar}}, `pool` and `held` are {x, y}. The result has, at `evaluations` + 1
    points (the first before training), loss and score on the held split and the training loss up to there; the last point's
    standard error of the score; and the step at which the run left the finite numbers, or -1. A run that does so is
    frozen: later steps change nothing, in it or in any other lane.

    `losses(scores, y, label_smoothing=None) -> loss, metric`, both `[B]`, the last only where a lane has such a knob. Raises
    ValueError where `evaluations` does not divide `steps`.
    """
    if steps % evaluations:
        raise ValueError(f'steps={steps} is not a multiple of evaluations={evaluations}; change one of them')
    stride = steps // evaluations
    own = {**OPTIMIZERS[optimizer].KNOBS, **SCHEDULE_KNOBS}

    def knobs_of(lane: dict) -> dict:
        return {name: value for name, value in lane['knobs'].items() if name in model.knobs}

    def begin(lane: dict, x: jax.Array) -> tuple[dict, dict]:
        return model.init(jax.random.fold_in(jax.random.key(lane['seed']), 0), x, knobs_of(lane))

    def train(lane: dict, start: tuple[dict, dict], pool: dict, held: dict) -> dict:
        knobs, noise = knobs_of(lane), jax.random.fold_in(jax.random.key(lane['seed']), 1)
        settings = {name: lane['knobs'].get(name, value) for name, value in own.items()}
        smoothing = {name: lane['knobs'][name] for name in LOSS_KNOBS if name in lane['knobs']}
        direction, move = make_optimizer(optimizer, model.roles(start[0]), settings)

        def loss_of(params: dict, state: dict, index: jax.Array, key: jax.Array) -> tuple:
            scores, state, aux = model.apply(params, state, pool['x'][index], knobs=knobs, key=key, train=True)
            # What is minimised may be smoothed, what is reported is not: training losses compare whatever was tuned.
            loss = losses(scores, pool['y'][index])[0].mean()
            goal = losses(scores, pool['y'][index], **smoothing)[0].mean() if smoothing else loss
            return goal + sum(aux.values()), (loss, state)

        def step(number: jax.Array, carry: tuple) -> tuple:
            params, state, moments, left, initial, total = carry
            key, index = jax.random.fold_in(noise, number), lane['order'][number]
            (_, (loss, new_state)), gradient = jax.value_and_grad(loss_of, has_aux=True)(params, state, index, key)
            updates, new_moments = direction.update(gradient, moments, params)
            new_params = move(
                updates, params, warmup_cosine(number / steps, settings['warmup_fraction'], settings['final_fraction'])
            )
            fine = (left < 0) & jnp.isfinite(loss) & jnp.isfinite(optax.tree.norm(gradient))
            old, new = (params, state, moments), (new_params, new_state, new_moments)
            params, state, moments = jax.tree.map(lambda a, b: jnp.where(fine, b, a), old, new)
            left = jnp.where((left < 0) & ~fine, number, left)
            return params, state, moments, left, jnp.where(number == 0, loss, initial), total + loss

        def evaluate(params: dict, state: dict) -> tuple[jax.Array, jax.Array]:
            def chunk(part: dict) -> tuple[jax.Array, jax.Array]:
                scores, _, _ = model.apply(params, state, part['x'], knobs=knobs, key=noise, train=False)
                return losses(scores, part['y'])

            count = len(held['y'])
            size = next(size for size in range(min(count, 4 * batch), 0, -1) if count % size == 0)
            parts = jax.tree.map(lambda leaf: leaf.reshape(count // size, size, *leaf.shape[1:]), held)
            loss, metric = jax.lax.map(chunk, parts)
            return loss.reshape(-1), metric.reshape(-1)

        def point(carry: tuple, number: jax.Array) -> tuple:
            # One copy of the step in the program: the point before training runs none of it.
            first = jnp.maximum(number - 1, 0) * stride
            carry = jax.lax.fori_loop(first, number * stride, step, (*carry, jnp.float32(0)))
            loss, metric = evaluate(carry[0], carry[1])
            seen = {'train_loss': carry[5] / stride, 'loss': loss.mean(), 'score': metric.mean()}
            return carry[:5], {**seen, 'score_se': metric.std() / jnp.sqrt(len(metric))}

        carry = (*start, direction.init(start[0]), jnp.int32(-1), jnp.float32(0))
        (_, _, _, left, initial), curve = jax.lax.scan(point, carry, jnp.arange(evaluations + 1))
        curve['train_loss'] = curve['train_loss'].at[0].set(initial)
        return {'curve': curve, 'left_at': left}

    return begin, train
