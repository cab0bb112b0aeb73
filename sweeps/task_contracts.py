"""Task contracts: the rules that a task of a user's own must keep, tried on its prepared set and its base model.

A rule's function gives '' if the rule holds, else the change to make; its docstring states the rule.
"""

import dataclasses
import functools
import math
import tempfile
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from ablations.prepared_facts import facts_of
from ablations.task_files import Declared, Unprepared
from ablations.tasks import Task
from ablations.tasks.own_scores import DEFAULTS, of_guesses, score_of
from ablations.user_file import STOPS, in_words, of_user
from arch.contracts import Contract
from arch.contracts.programs import compiled
from arch.model import Model, build
from sweeps.datasets.own import prepare_declared
from sweeps.datasets.prepared import Part, Prepared
from sweeps.tasks.arrays import Arrays
from sweeps.tasks.groups import unknown
from sweeps.tasks.kind import Kind
from sweeps.tasks.set_kind import SetKind
from sweeps.tasks.set_views import ExampleSet, View
from sweeps.training.preflight import task_of

SEEDS = range(3)
"""The seeds of the splits that are tried."""
BATCH = 32
"""Examples in the batch that a model is tried on."""
RATES = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0001)
"""Learning rates: at the best of them one step along the gradient must lower the loss of its batch."""
COMPARED_BYTES = 1 << 28
"""Bytes of a split up to which its examples are compared one by one."""
AGAIN = 1 << 26
"""Bytes of a source up to which it is read a second time."""
NOISE, ROOM, FAR = 4.0, 0.1, 3.0
"""An untrained model may be this many standard errors, and this share of the chance, better than chance; and of a metric of
which lower is better at most so many times worse."""


class SealedSet(Prepared):
    """A prepared set whose test split nobody may read."""

    def test(self) -> Part:
        raise ValueError('the test split is read for the pool or its split; pool() may reach no test array')


def _without_test(examples: ExampleSet) -> ExampleSet:
    """The same set, if it is a prepared one or a view of one, with a test split that may not be read."""
    if isinstance(examples, View):
        return dataclasses.replace(examples, of=_without_test(examples.of))
    return SealedSet(examples.folder, examples.about) if isinstance(examples, Prepared) else examples


@dataclasses.dataclass(frozen=True)
class Tried:
    """A task under test: its declaration, the task, and on first use its data, model and numbers."""

    declared: Declared
    task: Task

    @functools.cached_property
    def kind(self) -> Kind:
        return task_of(self.task.data)

    @functools.cached_property
    def pool(self) -> Arrays:
        return self.kind.pool()

    @functools.cached_property
    def test(self) -> Arrays:
        return self.kind.test()

    @functools.cached_property
    def model(self) -> Model:
        return build(self.task.base)

    @functools.cached_property
    def batch(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Inputs, targets and groups of a few training examples of the first split."""
        chosen = np.sort(self.kind.split(self.pool, SEEDS[0])[0][:BATCH])
        part = self.kind.part(self.pool, chosen)
        return np.asarray(part.x), np.asarray(part.y), np.asarray(part.group)

    @functools.cached_property
    def start(self) -> tuple[dict, dict]:
        """Parameters and state of the base, drawn once."""
        return self.model.init(jax.random.key(0), self.kind.inputs(jnp.asarray(self.batch[0])), {})

    @functools.cached_property
    def slope(self) -> Callable:
        """The compiled loss of the batch with its gradient, and the metric or statistics of each example."""
        x, y, _ = self.batch

        def loss_of(params: dict, state: dict) -> tuple:
            scores, _, aux = self.model.apply(params, state, self.kind.inputs(jnp.asarray(x)), knobs={}, key=jax.random.key(1),
                                              train=True)  # fmt: skip
            loss, metric = self.kind.losses(scores, jnp.asarray(y))
            return loss.mean() + sum(aux.values()), metric

        return compiled(jax.jit(jax.value_and_grad(loss_of, has_aux=True)).trace(*self.start))

    @functools.cached_property
    def first(self) -> tuple:
        """The loss, the metric of each example and the gradient of the untrained base."""
        (loss, metric), gradient = self.slope(*self.start)
        return float(loss), np.asarray(metric, np.float64), gradient

    @property
    def untrained(self) -> tuple[float, float]:
        """The score of the untrained base on the batch, in the metric's unit, and its standard error."""
        metric = self.first[1]
        if self.kind.measure is not None:
            scored = self.kind.measure.scored(metric, self.batch[2])
            return scored.score, scored.error
        scale = self.kind.part(self.pool, np.sort(self.kind.split(self.pool, SEEDS[0])[0][:BATCH])).scale
        return float(metric.mean()) * scale, float(metric.std()) / math.sqrt(len(metric)) * scale


def arrays(tried: Tried) -> str:
    """Each example has an input of finite numbers, a target and a group, in both splits."""
    for name, part in (('pool', tried.pool), ('test', tried.test)):
        if not len(part.x):
            return f'{name} has no examples'
        kinds = [array.dtype.kind for array in (part.x, part.y)]
        if not set(kinds) <= set('biuf'):
            return f'{name} holds {part.x.dtype} and {part.y.dtype}; allowed: numbers'
        if kinds[0] == 'f' and part.x.nbytes <= COMPARED_BYTES and not np.isfinite(part.x).all():
            return f'{name} has inputs that are missing or infinite; fill them in'
        if kinds[1] == 'f' and np.isinf(part.y).any():
            return f'{name} has targets that are infinite; mend them'
    return ''


def split(tried: Tried) -> str:
    """No group stands on both sides of a replicate's split, and both sides have examples."""
    for seed in SEEDS:
        train, held = tried.kind.split(tried.pool, seed)
        if not len(train) or not len(held):
            return f'seed {seed} gives {len(train)} training and {len(held)} held-out examples'
        torn = np.intersect1d(tried.pool.group[train], tried.pool.group[held])
        if len(torn):
            return f'seed {seed} puts {len(torn)} groups on both sides'
    return ''


def repeatable(tried: Tried) -> str:
    """The same seed splits alike, and reading the set twice gives the same arrays."""
    other = task_of(tried.task.data)
    if other.pool().checksum != tried.pool.checksum or other.test().checksum != tried.test.checksum:
        return 'reading the set twice gives other arrays'
    first, second = tried.kind.split(tried.pool, 1), other.split(other.pool(), 1)
    return '' if all(map(np.array_equal, first, second)) else 'one seed gives two splits'


def sealed(tried: Tried) -> str:
    """No test example is in the pool, and neither pool nor split reads the test split."""
    kind = task_of(tried.task.data)
    if isinstance(kind, SetKind):
        kind.__dict__['prepared'] = _without_test(kind.prepared)
        kind.split(kind.pool(), SEEDS[0])
    if max(tried.pool.x.nbytes, tried.test.x.nbytes) > COMPARED_BYTES:
        return ''
    same = len(tried.test.x) - len(unknown(np.asarray(tried.test.x), np.asarray(tried.pool.x)))
    return f'{same} test examples stand in the pool too; prepare the set again' if same else ''


def again(tried: Tried) -> str:
    """Preparing the source twice gives the same set; tried where the source is here and small, and no other prepared sets."""
    if tried.declared.own.source is None or tried.declared.own.sets or not (source := tried.declared.source).exists():
        return ''
    size = (
        source.stat().st_size if source.is_file() else sum(path.stat().st_size for path in source.rglob('*') if path.is_file())
    )
    if size > AGAIN:
        return ''
    with tempfile.TemporaryDirectory(prefix='archlab-') as place:
        made, _ = prepare_declared(tried.declared, Path(place))
    known = (facts_of(tried.declared.dataset) or {}).get('digest')
    if made.about['digest'] == known:
        return ''
    what = (
        'the function gives other arrays each time, or others now' if callable(tried.declared.own.source) else 'it has changed'
    )
    return (
        f'{source} prepared again gives {made.about["digest"]}, not {known}: {what}; fix its seed, or prepare it with --force'
    )


def model(tried: Tried) -> str:
    """The base builds for these inputs, and its scores have the shape that the targets need; nothing is computed."""
    x, y, _ = tried.batch
    like = jax.ShapeDtypeStruct(x.shape, jax.dtypes.canonicalize_dtype(x.dtype))

    def run(x: jax.Array, lesson: jax.Array | None = None) -> jax.Array:
        seen = tried.kind.inputs(x)
        params, state = tried.model.init(jax.random.key(0), seen, {})
        given = seen if lesson is None else lesson
        return tried.model.apply(params, state, given, knobs={}, key=jax.random.key(1), train=True)[0]

    scores = jax.eval_shape(run, like)
    jax.eval_shape(run, like, tried.kind.seen_in_training())
    loss, _ = jax.eval_shape(tried.kind.losses, scores, jax.ShapeDtypeStruct(y.shape, jax.dtypes.canonicalize_dtype(y.dtype)))
    return '' if loss.shape == (len(x),) else f'the loss has shape {loss.shape} for a batch of {len(x)}'


def labels(tried: Tried) -> str:
    """No label or token is past the outputs or the table of the base."""
    outputs = tried.task.base['head'].get('outputs')
    for name, part in (('pool', tried.pool), ('test', tried.test)):
        if np.issubdtype(part.y.dtype, np.integer) and outputs is not None and (largest := int(part.y.max())) >= outputs:
            return f"{name} has label {largest} and 'head.outputs' is {outputs}; give a base with {largest + 1} outputs"
    vocabulary = tried.task.base['stem'].get('vocabulary')
    largest = int(tried.pool.x.max()) if np.issubdtype(tried.pool.x.dtype, np.integer) else -1
    if vocabulary is not None and largest >= vocabulary:
        return f"the pool has token {largest} and 'stem.vocabulary' is {vocabulary}; give a base with {largest + 1} tokens"
    return ''


def metric(tried: Tried) -> str:
    """The metric and its better direction are those of the kind of data."""
    given, known = (tried.task.metric, tried.task.direction), tried.kind.METRIC
    return '' if given == known else f'the task says {list(given)} and its data give {list(known)}; leave both out'


def gradient(tried: Tried) -> str:
    """Loss and gradient of the untrained base are finite."""
    loss, _, slope = tried.first
    if not math.isfinite(loss):
        return f'the loss of the untrained base is {loss}'
    bad = [
        jax.tree_util.keystr(path) for path, leaf in jax.tree_util.tree_leaves_with_path(slope) if not np.isfinite(leaf).all()
    ]
    return f'the gradients of {bad[:3]} are not finite' if bad else ''


def learns(tried: Tried) -> str:
    """One step along the gradient lowers the loss of its batch, at one learning rate of several."""
    before, _, slope = tried.first
    params, state = tried.start
    norm = math.sqrt(sum(float((np.asarray(leaf, np.float64) ** 2).sum()) for leaf in jax.tree.leaves(slope)))
    if not norm:
        return 'the gradient is 0: nothing that the base reads tells the targets apart'
    for rate in RATES:
        moved = jax.tree.map(lambda value, change, rate=rate: value - rate / max(norm, 1.0) * change, params, slope)
        if float(tried.slope(moved, state)[0][0]) < before:
            return ''
    return f'no step of {list(RATES)} along the gradient lowers the loss of {before:.4g}'


def chance(tried: Tried) -> str:
    """Chance is about the untrained base's score, and no better than the best constant answer."""
    stated, sign = tried.task.chance, tried.task.sign
    facts = facts_of(tried.task.dataset) or {}
    form = facts.get('target') or ('class' if facts.get('classes') else '')
    blind = stated
    if tried.task.metric in DEFAULTS.get(form, ()):
        blind = max(stated, of_guesses(tried.task.metric, facts) or stated)
        same = score_of(tried.task.metric, facts).chance
        if sign * (stated - same) > ROOM * max(abs(same), 0.1):
            return f'chance={stated:g}, and an answer that is always the same gets {same:g}; leave chance out'
    score, error = tried.untrained
    error = error if math.isfinite(error) else 0.0
    if sign * (score - blind) > NOISE * error + ROOM * abs(blind):
        told = f'the untrained base gets {score:.4g}, better than chance={stated:g}'
        return f'{told}: is the answer in the question, or chance wrong?'
    if sign < 0 and stated > 0 and score > FAR * stated + NOISE * error:
        return f'the untrained base gets {score:.4g}, and chance={stated:g} is far better; what is the unit of chance?'
    return ''


RULES: dict[str, Callable[[Tried], str]] = {
    'arrays': arrays,
    'split': split,
    'repeatable': repeatable,
    'sealed': sealed,
    'again': again,
    'metric': metric,
    'model': model,
    'labels': labels,
    'gradient': gradient,
    'learns': learns,
    'chance': chance,
}
NEEDS = {'repeatable': 'arrays', 'sealed': 'arrays', 'gradient': 'labels', 'learns': 'gradient', 'chance': 'gradient'}
"""A rule is tried only where this one holds."""


def check_task(declared: Declared, rules: tuple[str, ...] = tuple(RULES)) -> list[Contract]:
    """Try the rules on a task that a file declares; without prepared data nothing else is said."""
    says = 'its data are prepared from this declaration'
    try:
        tried = Tried(declared, declared.task())
    except Unprepared as error:
        return [Contract('prepared', False, str(error))]
    except ValueError as error:
        return [Contract('prepared', True, says), Contract('derived', False, str(error))]
    contracts = {'prepared': Contract('prepared', True, says)}
    for name in rules:
        before = contracts.get(NEEDS.get(name, ''))
        if before is not None and not before.holds:
            continue
        if name in ('labels', 'gradient') and 'model' in contracts and not contracts['model'].holds:
            continue
        contracts[name] = _tried(name, tried)
    return list(contracts.values())


def _tried(name: str, tried: Tried) -> Contract:
    rule = RULES[name]
    try:
        with of_user():
            why = rule(tried)
    except STOPS as error:  # data and models of a user may raise anything: that is a finding
        why = str(error) if isinstance(error, ValueError) else in_words(error)
    return Contract(name, not why, why or ' '.join((rule.__doc__ or '').split()))
