"""One training run as pure functions: the same program for every trial that differs only in traced values."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from arch.model import Model
from arch.roles import ROLES
from sweeps.tasks.kind import Kind
from sweeps.tasks.losses import z_loss
from sweeps.training.averages import KNOBS as AVERAGE_KNOBS
from sweeps.training.joined import Form, Joined
from sweeps.training.layout import Layout
from sweeps.training.optimizers import OPTIMIZERS, make_optimizer, views
from sweeps.training.role_knobs import KNOBS as ROLE_KNOBS
from sweeps.training.role_knobs import apart
from sweeps.training.schedules import KNOBS as SCHEDULE_KNOBS
from sweeps.training.schedules import rate
from sweeps.training.shares import KNOBS as SHARE_KNOBS
from sweeps.training.shares import decays, shares

TRAINED = ('params', 'state', 'moments')
"""What a step changes, of the carry of a lane."""
CHUNK = 64
"""Where a loop of a fixed length is cheaper, a program trains about so many steps at a time."""


@dataclasses.dataclass(frozen=True)
class Training:
    """The training run of one lane as five pure functions, to be compiled, mapped or vmapped.

    `draw(drawn, x) -> params, state` draws the model for stored examples like `x`; `drawn` is what `drawn_of` leaves of a
    lane, its seed and its values of `knobs`. `start(lane, params, state, x) -> carry` adds the optimizer. `advance(lane,
    carry, source, origin, first, stop) -> carry` trains from step `first` up to `stop`, both traced: however a run is cut, the
    same steps run. `view(lane, carry) -> {'': joined, ...}` gives what is scored in place of the parameters, where
    `has_views(lane)`: the weights, and as '_average' their moving average. `evaluate(drawn, joined, state, held) -> seen`
    gives loss, score, the score's standard error, and `items`, the metric of each example; where `held` has the `domain` of
    each, also `parts`, the score of each of the task's domains. For a task with a measure it gives the loss and the
    `statistics` of each example; the host makes the rest. Drawing and evaluation know nothing of the optimizer and of the
    steps, so they compile to the same for all of these.

    `lane` is {seed, knobs {name: scalar}}. If examples lie on the device, it also has `order` [steps, batch] of indices into
    the `source` {x, y}. If they are streamed, the source holds the batches themselves, `[n, batch, ...]`, from step `origin`
    on. If `held` starts with an axis of held-out sets, [sets, n, ...], the lane's `fold` is the number of its own.

    With a `chunk` the loop has a fixed length: at most so many steps are trained from `first` on, and none past `stop`. In a
    loop of unknown length, an accelerator asks the host before every step. A run that leaves the finite numbers is frozen
    (`carry['left']` is the step, else -1): later steps change nothing in it, and other lanes go on. `points` are the steps of
    evaluation, `stride` steps apart; `carry['total']` is the sum of the training losses since the last of them. `over(layout)`
    gives the same run with the batch, and where the layout says so the parameters, spread over devices.
    """

    draw: Callable
    start: Callable
    advance: Callable
    view: Callable
    has_views: Callable
    evaluate: Callable
    knobs: frozenset[str]
    points: tuple[int, ...]
    stride: int
    chunk: int | None
    over: Callable[[Layout], 'Training']

    def drawn_of(self, lane: dict) -> dict:
        """What a model reads of a lane, or of several."""
        own = {name: lane[name] for name in ('seed', 'fold') if name in lane}
        return {**own, 'knobs': {name: value for name, value in lane['knobs'].items() if name in self.knobs}}

    def begin(self, lane: dict, x: jax.Array) -> dict:
        """The carry of a lane before its first step."""
        return self.start(lane, *self.draw(self.drawn_of(lane), x), x)


def make_training(
    model: Model,
    task: Kind,
    optimizer: str,
    steps: int,
    batch: int,
    evaluations: int,
    streamed: bool = False,
    chunked: bool = False,
    layout: Layout | None = None,
) -> Training:
    """The training run of a model on a kind of task, on one device or over a layout, with loops of a fixed length if `chunked`.

    Raises ValueError where `evaluations` does not divide `steps`.
    """
    if steps % evaluations:
        raise ValueError(f'steps={steps} is not a multiple of evaluations={evaluations}; change one of them')
    stride = steps // evaluations
    own = {**OPTIMIZERS[optimizer].KNOBS, **ROLE_KNOBS, **SHARE_KNOBS, **SCHEDULE_KNOBS, **AVERAGE_KNOBS}
    chunk = -(-stride // -(-stride // CHUNK)) if chunked else None

    def named(lane: dict, names: dict) -> dict:
        return {name: value for name, value in lane['knobs'].items() if name in names}

    def optimizer_of(lane: dict, form: Form) -> tuple:
        settings = {name: lane['knobs'].get(name, value) for name, value in own.items()}
        own_shares = shares(optimizer, form, settings), decays(form, settings['layer_decay'])
        return (*make_optimizer(optimizer, form.roles, settings, form.products, own_shares), settings)

    def noise_of(lane: dict) -> jax.Array:
        return jax.random.fold_in(jax.random.key(lane['seed']), 1)

    def spread_batch(arrays: object) -> object:
        return arrays if layout is None else layout.batch(arrays)

    def spread_model(params: dict, state: dict) -> tuple[dict, dict]:
        if layout is None:
            return params, state
        return layout.parameters(params, model.roles(params), model.products(params)), layout.whole(state)

    def spread(joined: Joined, state: dict, moments: object) -> tuple[Joined, dict, object]:
        if layout is None:
            return joined, state, moments
        roles, products = joined.form.roles, joined.form.products

        def own(path: tuple, leaf: jax.Array) -> jax.Array:
            # Moments have the names of what they belong to; counts and the like have other shapes.
            names = [part.key for part in path if isinstance(part, jax.tree_util.DictKey) and part.key in joined.stored]
            if names and leaf.shape == joined.stored[names[-1]].shape:
                return layout.parameters(leaf, roles[names[-1]], products[names[-1]])
            return layout.whole(leaf)

        stored = layout.parameters(joined.stored, roles, products)
        return Joined(stored, joined.form), layout.whole(state), jax.tree_util.tree_map_with_path(own, moments)

    def draw(drawn: dict, x: jax.Array) -> tuple[dict, dict]:
        key = jax.random.fold_in(jax.random.key(drawn['seed']), 0)
        return spread_model(*model.init(key, task.inputs(x), drawn['knobs']))

    def start(lane: dict, params: dict, state: dict, x: jax.Array) -> dict:
        whole = ROLES if apart(lane['knobs']) else OPTIMIZERS[optimizer].WHOLE
        growth = None if model.growth is None else model.growth(params, task.inputs(x))
        above = model.above(params) if 'layer_decay' in lane['knobs'] else None
        form = Form.of(params, model.roles(params), model.products(params), whole, growth, above)
        joined = form.join(params)
        moments = optimizer_of(lane, form)[0].init(joined.stored)
        # `total` is the sum of the training losses since the last evaluation, `initial` the first of all.
        numbers = {'left': jnp.int32(-1), 'initial': jnp.float32(0), 'total': jnp.float32(0)}
        return {**dict(zip(TRAINED, spread(joined, state, moments), strict=True)), **numbers}

    def advance(lane: dict, carry: dict, source: dict, origin: jax.Array, first: jax.Array, stop: jax.Array) -> dict:
        knobs, strengths, noise = named(lane, model.knobs), named(lane, task.knobs), noise_of(lane)
        smoothing = named(lane, task.loss_knobs)
        sharpness = smoothing.pop('z_loss', None)
        form = carry['params'].form
        direction, move, settings = optimizer_of(lane, form)

        def loss_of(params: dict, state: dict, x: jax.Array, y: jax.Array, key: jax.Array) -> tuple:
            # Keys of their own for what happens to the batch, so that a model's noise is the same with and without it.
            if layout is not None:
                params = layout.gathered(params, model.roles(params), model.products(params))
            x, targets = task.draw(jax.random.fold_in(key, 1), x, y, strengths)
            scores, state, aux = model.apply(params, state, x, knobs=knobs, key=key, train=True)

            def against(**given: jax.Array) -> jax.Array:
                losses = [(task.losses(scores, target, **given)[0], weight) for target, weight in targets]
                return sum((loss if weight is None else weight * loss).mean() for loss, weight in losses)

            # What is minimised may be smoothed, what is reported is not: training losses compare whatever was tuned.
            loss = against()
            goal = against(**smoothing) if smoothing else loss
            if sharpness is not None:
                goal = goal + sharpness * z_loss(scores)
            return goal + sum(aux.values()), (loss, state)

        def step(number: jax.Array, carry: dict, on: jax.Array | bool = True) -> dict:
            key = jax.random.fold_in(noise, number)
            index = number - origin if streamed else spread_batch(lane['order'][number])
            x, y = spread_batch((source['x'][index], source['y'][index]))
            params, state, moments = old = carry['params'], carry['state'], carry['moments']
            slope = jax.value_and_grad(loss_of, has_aux=True)
            (_, (loss, new_state)), gradient = slope(params.tree(), state, x, y, key)
            gradient = form.join(gradient).stored
            scale = rate(number, steps, settings)
            known = {'scale': scale, 'obj_fn': lambda stored: loss_of(form.split(stored), state, x, y, key)[0]}
            told = {name: known[name] for name in OPTIMIZERS[optimizer].TOLD}
            updates, new_moments = direction.update(gradient, moments, params.stored, **told)
            new = spread(Joined(move(updates, params.stored, scale), form), new_state, new_moments)
            fine = (carry['left'] < 0) & jnp.isfinite(loss) & jnp.isfinite(optax.tree.norm(gradient))
            current = jax.tree.map(lambda a, b: jnp.where(fine & on, b, a), old, new)
            return {
                **dict(zip(TRAINED, current, strict=True)),
                'left': jnp.where((carry['left'] < 0) & ~fine & on, number, carry['left']),
                'initial': jnp.where(number == 0, loss, carry['initial']),
                'total': jnp.where(on, jnp.where(number % stride == 0, 0, carry['total']) + loss, carry['total']),
            }

        if chunk is None:
            return jax.lax.fori_loop(first, stop, step, carry)
        return jax.lax.fori_loop(0, chunk, lambda at, carry: step(first + at, carry, first + at < stop), carry)

    def evaluate(drawn: dict, joined: Joined, state: dict, held: dict) -> dict:
        params = joined.tree()
        count = held['y'].shape[1 if 'fold' in drawn else 0]

        def own(leaf: jax.Array, index: jax.Array) -> jax.Array:
            return leaf[drawn['fold'], index] if 'fold' in drawn else leaf[index]

        def chunk_of(part: dict) -> tuple[jax.Array, jax.Array]:
            x = task.inputs(part['x'])
            scores, _, _ = model.apply(params, state, x, knobs=drawn['knobs'], key=noise_of(drawn), train=False)
            return task.losses(scores, part['y'])

        # Chunks of one size, the last filled up with examples that are cut off again.
        chunks = -(-count // min(count, 4 * batch))
        size = -(-count // chunks)
        order = jnp.arange(chunks * size).reshape(chunks, size) % count

        def seen_of(index: jax.Array) -> tuple[jax.Array, jax.Array]:
            return chunk_of(spread_batch({name: own(held[name], index) for name in ('x', 'y')}))

        loss, metric = jax.lax.map(seen_of, order)
        loss, metric = loss.reshape(-1)[:count], metric.reshape(-1, *metric.shape[2:])[:count]
        if metric.ndim > 1:
            return {'loss': loss.mean(), 'statistics': metric}
        seen = {'loss': loss.mean(), 'score': metric.mean(), 'score_se': metric.std() / jnp.sqrt(count), 'items': metric}
        if 'domain' in held:
            members = own(held['domain'], jnp.arange(count)) == jnp.arange(len(task.domain_names))[:, None]
            seen['parts'] = jnp.where(members, metric, 0).sum(1) / members.sum(1)
        return seen

    def view(lane: dict, carry: dict) -> dict[str, Joined]:
        params = carry['params']
        read = views(optimizer, lane['knobs'])
        seen = {'': params.stored} if read is None else read(params.stored, carry['moments'])
        return {name: Joined(stored, params.form) for name, stored in seen.items()}

    points = tuple(range(0, steps + 1, stride))

    def over(layout: Layout) -> Training:
        return make_training(model, task, optimizer, steps, batch, evaluations, streamed, chunked, layout)

    def views_of(lane: dict) -> bool:
        return views(optimizer, lane['knobs']) is not None

    return Training(draw, start, advance, view, views_of, evaluate, frozenset(model.knobs), points, stride, chunk, over)
