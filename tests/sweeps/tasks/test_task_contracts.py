"""What every task of the lab keeps to, whichever kind of data it has; tasks whose data are not prepared here are skipped."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from known_examples import GOLDEN, POOLS, digest, loaded

from ablations.tasks import TASKS as DECLARED
from ablations.tasks.made_tasks import SETS
from arch.model import build
from sweeps.tasks import TASKS
from sweeps.tasks.kind import Kind
from sweeps.tasks.made import MADE
from sweeps.tasks.probes.synthetic import Synthetic
from sweeps.training.preflight import task_of
from sweeps.training.splits import Split, training_order

# Files are split, and two files may hold the same short line. Probes say so themselves.
REPEATS = ('stdlib_bytes',)
LARGEST = 2**30
"""Bytes of the largest pool that these tests read whole."""


def once_each_set():
    """The tasks; of those that rewrite one set all but the first are marked slow."""
    rewritten = set()
    for name, task in DECLARED.items():
        again = 'rewrite' in task.data and task.dataset in rewritten
        yield pytest.param(name, marks=[pytest.mark.slow] if again else [])
        rewritten |= {task.dataset} if 'rewrite' in task.data else set()


@pytest.fixture(params=list(once_each_set()))
def name(request: pytest.FixtureRequest) -> str:
    try:
        _, pool, _ = loaded(request.param)
    except ValueError as error:
        if 'archlab data prepare' not in str(error):
            raise
        pytest.skip(f'the data of {request.param} are not prepared here')
    if pool.x.nbytes > LARGEST:
        pytest.skip(f'{request.param} is too large to be read whole')
    return request.param


def contents(x: np.ndarray, y: np.ndarray) -> set[bytes]:
    return {np.asarray(a).tobytes() + np.asarray(b).tobytes() for a, b in zip(x, y, strict=True)}


def test_the_made_sets_are_those_that_are_declared():
    assert set(SETS) == set(MADE) <= {task.data.get('dataset') for task in DECLARED.values()}
    for name, one in MADE.items():
        assert {split: len(getattr(one, split)()) for split in one.sizes} == one.sizes, name


@pytest.mark.parametrize('kind', TASKS)
def test_a_kind_is_a_documented_frozen_dataclass(kind: str):
    cls = TASKS[kind]
    assert issubclass(cls, Kind) and dataclasses.is_dataclass(cls) and cls.__dataclass_params__.frozen
    # A field of a method's name would stand in its place in every task of the kind.
    assert not {field.name for field in dataclasses.fields(cls)} & {name for name, own in vars(Kind).items() if callable(own)}
    declared = [task.data for task in DECLARED.values()]
    assert kind in {part['kind'] for data in declared for part in (data, *data.get('parts', ()))}
    for word in ('licence', 'Metric', 'chance', 'better'):
        assert word in cls.__doc__, word


@pytest.mark.parametrize('task', DECLARED.values(), ids=lambda task: task.name)
def test_a_declared_task_says_what_its_kind_gives(task):
    cls = TASKS[task.data['kind']]
    assert (task.metric, task.direction) == task_of(task.data).METRIC
    assert set(task.data) - {'kind'} <= {field.name for field in dataclasses.fields(cls)}


def test_pool_and_test_are_alike(name: str):
    _, pool, sealed = loaded(name)
    for one, other in ((pool.x, sealed.x), (pool.y, sealed.y)):
        assert one.shape[1:] == other.shape[1:] and one.dtype == other.dtype
    assert pool.group.shape == (len(pool.x),) and np.issubdtype(pool.group.dtype, np.integer)
    assert np.issubdtype(pool.y.dtype, np.integer) or pool.y.dtype == np.float32
    assert pool.scale > 0 and sealed.scale > 0


def test_no_example_is_in_two_splits(name: str):
    task, pool, sealed = loaded(name)
    secret = contents(sealed.x, sealed.y)
    for seed in (1, 2):
        train, held = task.split(pool, seed)
        # A task whose `train` is 0 takes all that it does not hold out.
        assert len(train) == (task.train or len(train)) > 0 and len(held) == task.held
        assert len(set(train.tolist())) == len(train) and len(set(held.tolist())) == len(held)
        assert not np.isin(pool.group[train], pool.group[held]).any()
        known, seen = contents(pool.x[train], pool.y[train]), contents(pool.x[held], pool.y[held])
        if task.NAME not in REPEATS and not (isinstance(task, Synthetic) and task.REPEATS):
            assert not known & seen and not (known | seen) & secret


def test_splits_are_drawn_by_the_seed_alone(name: str):
    task, pool, _ = loaded(name)
    again = task_of(DECLARED[name].data)
    # What POOLS has need not be made twice to be known as the same.
    for one, other in zip(task.split(pool, 5), again.split(pool if name in POOLS else again.pool(), 5), strict=True):
        np.testing.assert_array_equal(one, other)
    # As many as are left: the numbers may differ too.
    assert set(task.split(pool, 5)[0].tolist()) != set(task.split(pool, 6)[0].tolist())


def test_each_step_takes_examples_of_its_split(name: str):
    task, pool, _ = loaded(name)
    train, _ = task.split(pool, 1)
    order = training_order(task, Split(pool, train, pool), 3, 5, DECLARED[name].batch, {})
    assert order.shape == (5, DECLARED[name].batch) and np.isin(order, train).all()


def test_the_sealed_examples_are_always_the_same(name: str):
    task, _, sealed = loaded(name)
    assert type(task)(**{field.name: getattr(task, field.name) for field in dataclasses.fields(task)}) == task
    again = GOLDEN[name] if name in GOLDEN else task_of(DECLARED[name].data).test().checksum
    assert sealed.checksum == again


@pytest.mark.parametrize('name', POOLS)
def test_the_examples_made_by_a_rule_are_always_the_same(name: str):
    _, pool, _ = loaded(name)
    assert digest(pool.checksum, str(pool.group.tolist())) == POOLS[name]


def test_a_decoder_is_as_large_as_the_examples_need(name: str):
    task, pool, _ = loaded(name)
    base = DECLARED[name].base
    if 'vocabulary' not in base['stem']:
        return
    length, vocabulary = jax.eval_shape(task.inputs, pool.x[:1]).shape[1], base['stem']['vocabulary']
    assert 0 <= pool.x.min() <= pool.x.max() < vocabulary
    assert base['position'].get('length', length) == length
    if isinstance(task, Synthetic):
        answers = np.unique(pool.y[pool.y >= 0])
        assert pool.x.max() + 1 == vocabulary
        assert DECLARED[name].chance == (1 / len(answers) if task.METRIC[0] == 'accuracy' else math.log2(vocabulary))


def test_the_base_takes_the_examples_and_the_losses_its_scores(name: str):
    task, pool, _ = loaded(name)
    model = build(DECLARED[name].base)

    def scored(x: jax.Array, y: jax.Array) -> tuple:
        key, knobs = jax.random.key(0), dict(task.knobs)
        drawn, targets = task.draw(key, x, y, knobs)
        params, state = model.init(key, drawn, {})
        scores = model.apply(params, state, drawn, knobs=dict(model.knobs), key=key, train=True)[0]
        held = model.apply(params, state, task.inputs(x), knobs=dict(model.knobs), key=key, train=False)[0]
        return [task.losses(scores, target) for target, _ in targets], task.losses(held, y), task.losses(held, y, 0.1)

    drawn, *others = jax.eval_shape(scored, *(jnp.asarray(part[:4]) for part in (pool.x, pool.y)))
    for loss, metric in (*drawn, *others):
        assert loss.shape == (4,) and metric.shape[0] == 4 and metric.ndim == (1 if task.measure is None else 2)
        assert loss.dtype == metric.dtype == jnp.float32


PROBE = {'train': 64, 'held': 16}
BAD = [
    ('induction', {'tokens': 4, 'length': 5}, 'allowed: 0 < asked < length <= tokens'),
    ('induction', {'asked': 10, 'length': 10}, 'allowed: 0 < asked < length <= tokens'),
    ('induction', {'train': 0}, 'train=0'),
    ('selective_copying', {'copies': 9, 'length': 8}, 'allowed: 1 to length'),
    ('selective_copying', {'noise': 0}, 'noise=0'),
    ('compression', {'length': 0}, 'length=0'),
    ('fuzzy_recall', {'pairs': 4, 'keys': 3, 'longest': 1}, 'make only 3 keys of up to 1'),
    ('fuzzy_recall', {'values': -1}, 'values=-1'),
    ('modular_addition', {'modulus': 1}, 'allowed: from 2 up'),
    ('modular_addition', {'mirrors': 'both'}, r"allowed: \['together', 'apart'\]"),
    ('state_tracking', {'group': 's9'}, 'allowed: s1 to s6'),
    ('state_tracking', {'asked': 'first'}, r"allowed: \['every', 'last'\]"),
    ('state_tracking', {'length': 0}, 'length=0'),
    ('arithmetic', {'operation': '/'}, r"allowed: \['\+', '\*'\]"),
    ('arithmetic', {'order': 'backwards'}, r"allowed: \['plain', 'reversed'\]"),
    ('arithmetic', {'digits': 9}, 'allowed: 1 to 8'),
    ('arithmetic_answers', {'digits': 0}, 'arithmetic_answers: digits=0'),
    ('regular_language', {'language': 'dyck'}, 'allowed: .*brackets'),
    ('regular_language', {'language': 'even'}, 'symbols=4; allowed: 2'),
    ('regular_language', {'language': 'even', 'symbols': 2}, 'states=8; allowed: 2'),
    ('regular_language', {'symbols': 1}, 'allowed: from 2 of each up'),
    ('regular_language', {'length': 0}, 'length=0'),
    ('protein_families', {'families': 40}, 'families=40 of positions=16; allowed: 512 positions in all'),
    ('protein_families', {'conserved': 1.5}, 'conserved=1.5; allowed: 0 to 1'),
    ('protein_families', {'deletion': 1.0}, 'deletion=1.0; allowed: 0 to 0.9'),
    ('protein_families', {'linker': 0.5}, 'linker=0.5; allowed: 1 to'),
    ('protein_families', {'linker': float('nan')}, 'linker=nan; allowed: 1 to'),
    ('protein_families', {'length': 10**9}, 'length=1000000000; allowed: 1 to 4,096'),
    ('recall', {'pairs': 9, 'keys': 8}, 'allowed 1 to keys'),
]


@pytest.mark.parametrize(
    ('kind', 'fields', 'message'), BAD, ids=[f'{kind}_{next(iter(bad))}_{i}' for i, (kind, bad, _) in enumerate(BAD)]
)
def test_bad_fields_are_refused(kind: str, fields: dict, message: str):
    with pytest.raises(ValueError, match=message):
        task_of({'kind': kind, **PROBE, **fields})


@pytest.mark.parametrize('kind', TASKS)
def test_unknown_fields_and_wrong_types_are_refused(kind: str):
    with pytest.raises(ValueError, match=r"unknown field 'trainn'.*Did you mean 'train'"):
        task_of({'kind': kind, 'trainn': 5})
    with pytest.raises(ValueError, match="train='many' is a str"):
        task_of({'kind': kind, 'train': 'many'})
