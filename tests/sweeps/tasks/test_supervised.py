"""Supervised: inputs and targets of prepared sets of every kind, their splits, and what is refused."""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sweeps.datasets.prepared import Part, write
from sweeps.tasks import supervised
from sweeps.tasks.supervised import Supervised
from sweeps.tasks.targets import MapTarget
from sweeps.training.preflight import known_knobs, task_of

NAN = np.nan
RNG = np.random.default_rng(0)
COUNT = 24


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Write a set of a kind and target as `tiny`."""
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))

    def call(kind: str, pool: Part, test: Part | None = None, **about) -> None:
        write(tmp_path / 'prepared' / 'tiny', {'kind': kind, **about}, pool, test or pool)

    return call


def dense(shape: tuple[int, ...], y: np.ndarray, dtype: type = np.float32) -> Part:
    x = RNG.integers(0, 200, (len(y), *shape)).astype(dtype) if dtype == np.uint8 else RNG.normal(3, 2, (len(y), *shape))
    return Part(x.astype(dtype), y, np.arange(len(y)))


def ragged(y: np.ndarray, lengths: list[int], dtype: type = np.uint8) -> Part:
    offsets = np.cumsum([0, *lengths]).astype(np.int64)
    return Part(RNG.integers(1, 100, offsets[-1]).astype(dtype), y, np.arange(len(lengths)), offsets)


def classes(count: int = COUNT) -> np.ndarray:
    return (np.arange(count) % 3).astype(np.int32)


def values(count: int = COUNT) -> np.ndarray:
    y = RNG.normal(size=(count, 2)).astype(np.float32)
    y[0, 0] = NAN
    return y


VALUES = {'target': 'values', 'targets': ['size', 'weight']}
INPUTS = [
    ('images', lambda: dense((4, 4, 3), classes(), np.uint8), {}, (4, 4, 3)),
    ('maps', lambda: dense((4, 4, 2), classes()), {}, (4, 4, 2)),
    ('series', lambda: dense((6,), classes()), {}, (6, 1)),
    ('series', lambda: dense((6, 3), classes()), {}, (6, 3)),
    ('tables', lambda: dense((5,), classes()), {}, (1, 5)),
    ('tables', lambda: dense((5,), classes()), {'row': 'tokens'}, (5, 1)),
    ('sounds', lambda: ragged(classes(3), [4, 2, 3], np.int16), {'length': 4}, (4, 1)),
    ('texts', lambda: ragged(classes(3), [4, 2, 3]), {'length': 5}, (5,)),
    ('molecules', lambda: ragged(classes(3), [4, 2, 3]), {'length': 4}, (4,)),
    ('tokens', lambda: ragged(classes(3), [4, 2, 3], np.uint16), {'length': 4, 'vocabulary': 100}, (4,)),
]


@pytest.mark.parametrize(('kind', 'made', 'fields', 'shape'), INPUTS, ids=[f'{kind} {fields}' for kind, _, fields, _ in INPUTS])
def test_inputs_of_every_kind_of_set(prepared, kind: str, made: Callable[[], Part], fields: dict, shape: tuple):
    part = made()
    prepared(kind, part)
    task = Supervised(dataset='tiny', held=1, **fields)
    pool = task.pool()
    seen = np.asarray(task.inputs(jnp.asarray(pool.x)))
    assert seen.shape == (len(part), *shape) and task.seen().shape == (1, *shape) and task.seen().dtype == seen.dtype
    assert task.labels() == 3 and task.token_count() == {'texts': 257, 'molecules': 257, 'tokens': 101}.get(kind)
    if kind in ('images', 'maps', 'tables') or shape == (6, 3):
        axes = tuple(range(seen.ndim - 1)) if fields.get('row') != 'tokens' else 0
        np.testing.assert_allclose(seen.mean(axes), 0, atol=1e-5)
        np.testing.assert_allclose(seen.std(axes), 1, atol=1e-5)
    if part.offsets is not None:
        fill = {'sounds': 0, 'tokens': 100}.get(kind, 256)
        assert seen[1].reshape(-1)[2:].tolist() == [fill] * (len(seen[1]) - 2)
        scale = 2**15 if kind == 'sounds' else 1
        assert (seen[1].reshape(-1)[:2] * scale).tolist() == part.example(1).tolist()


def test_values_are_learned_as_deviations_and_scored_in_their_unit(prepared):
    y = values()
    prepared('tables', dense((5,), y), **VALUES)
    task = Supervised(dataset='tiny', target='values', metric='rmse', held=4)
    assert task.METRIC == ('rmse', 'lower') and task.labels() == 2 and task.pool_size() == COUNT
    np.testing.assert_array_equal(task.pool().y, y)
    loss, statistics = task.losses(jnp.zeros((COUNT, 2)), jnp.asarray(y))
    assert loss.mean() == pytest.approx(1, rel=1e-4)
    # A model that says the mean has an RMSE of the deviation, in the mean over both.
    score = task.measure.scored(np.asarray(statistics), np.arange(COUNT)).score
    assert score == pytest.approx(np.nanstd(y, 0).mean(), rel=1e-5)
    one = Supervised(dataset='tiny', metric='mae', columns=('weight',), held=4)
    np.testing.assert_array_equal(one.pool().y, y[:, 1:])
    assert one.labels() == 1


def test_classes_of_bytes_are_filled_up_like_their_texts(prepared):
    part = ragged(np.array([0, 1, 1, 0, 2, -1, 1], np.int32), [4, 3])
    prepared('texts', part, target='map', classes=['a', 'b', 'c'])
    task = Supervised(dataset='tiny', metric='macro_f1', length=5, held=1)
    assert task.pool().y.tolist() == [[0, 1, 1, 0, -1], [2, -1, 1, -1, -1]]
    assert task.asked.places(task.pool().y.shape) == (2, 5, 3)


def test_long_examples_are_refused_or_cut_and_then_stay_together(prepared):
    part = Part(np.frombuffer(b'aabaabcaab', np.uint8), classes(3), np.arange(3), np.array([0, 3, 7, 10]))
    prepared('texts', part)
    with pytest.raises(
        ValueError, match=r"1 of 3 examples of 'tiny' \(pool\) are longer than length=3; .* length to 4, or give cut"
    ):
        Supervised(dataset='tiny', length=3).pool()
    cut = Supervised(dataset='tiny', length=3, cut=True, held=1)
    assert len(set(cut.pool().group.tolist())) == 1, 'cut to three letters they are all the same'
    with pytest.raises(ValueError, match=r"length=0 for 'tiny', whose .*; give length=4, that of the longest in the pool"):
        Supervised(dataset='tiny').pool()
    test = Part(np.frombuffer(b'aabzxyzz', np.uint8), classes(2), np.arange(2), np.array([0, 4, 8]))
    prepared('texts', part, test)
    assert [row.tolist() for row in Supervised(dataset='tiny', length=3, cut=True).test().x] == [list(b'xyz')]
    with pytest.raises(ValueError, match=r"2 of 2 examples of 'tiny' \(test\) are longer than length=3"):
        Supervised(dataset='tiny', length=3).test()


def test_a_rare_class_is_on_both_sides_of_every_split(prepared):
    y = np.zeros(COUNT, np.int32)
    y[:2] = 1
    prepared('tables', dense((5,), y))
    task, plain = (Supervised(dataset='tiny', metric=metric, held=6) for metric in ('balanced_accuracy', 'accuracy'))
    pool = task.pool()
    for seed in range(20):
        train, held = task.split(pool, seed)
        assert 1 in pool.y[train] and 1 in pool.y[held] and len(held) == 6
        again = plain.split(pool, seed)
        # Where the first draw has both, it is the one that any other metric would have.
        if 1 in pool.y[again[0]] and 1 in pool.y[again[1]]:
            np.testing.assert_array_equal(train, again[0])


def test_a_class_that_no_split_can_have_is_refused(prepared):
    y = np.zeros(COUNT, np.int32)
    y[0] = 1
    prepared('tables', dense((5,), y), classes=['often', 'once'])
    task = Supervised(dataset='tiny', metric='macro_f1', held=6)
    with pytest.raises(ValueError, match=r"none of 100 splits of 'tiny' into held=6 .* 'macro_f1' needs of \['once'\] on both"):
        task.split(task.pool(), 0)
    prepared('tables', dense((5,), y), dense((5,), np.zeros(4, np.int32)), classes=['often', 'once'])
    with pytest.raises(ValueError, match=r"the test split of 'tiny' does not have what metric 'macro_f1' needs of \['once'\]"):
        Supervised(dataset='tiny', metric='macro_f1', held=6).labels()
    assert len(Supervised(dataset='tiny', metric='accuracy', held=6).test().x) == 4


COUNTED = [
    ('labels', 'auroc', [[1, 1, NAN], [0, 1, NAN]], ['b', 'c']),
    ('labels', 'macro_f1', [[0, 1, NAN], [0, 1, NAN]], ['a', 'c']),
    ('labels', 'accuracy', [[0, 1, NAN], [0, 1, NAN]], ['c']),
    ('values', 'mae', [[0, NAN, NAN], [0, 1, NAN]], ['c']),
    ('values', 'r2', [[0, NAN, NAN], [1, 1, NAN]], ['b', 'c']),
]


@pytest.mark.parametrize(('target', 'metric', 'y', 'lacking'), COUNTED)
def test_a_test_split_that_lacks_something_is_refused_by_the_counts_of_its_set(prepared, target, metric, y, lacking):
    """Before a run, and without reading the split."""
    pool = dense((5,), (np.arange(3 * COUNT) % 2).reshape(COUNT, 3).astype(np.float32))
    names = {'target': target, 'targets': ['a', 'b', 'c']}
    prepared('tables', pool, dense((5,), np.array(y, np.float32)), **names)
    with pytest.raises(ValueError, match=rf"'{metric}' needs of {re.escape(str(lacking))}; leave these out"):
        Supervised(dataset='tiny', metric=metric, held=6).labels()
    left = tuple(name for name in 'abc' if name not in lacking)
    assert Supervised(dataset='tiny', metric=metric, held=6, columns=left).labels() == len(left) == 3 - len(lacking)


def test_maps_are_read_a_block_at_a_time_until_all_classes_are_there(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(supervised, 'BLOCK', 2 * 4 * 4)
    target, y, read = MapTarget(('a', 'b', 'c'), 'mean_iou'), np.zeros((20, 4), np.int32), []
    y[3], y[6], y[18] = 1, 2, 2
    present = MapTarget.present
    monkeypatch.setattr(MapTarget, 'present', lambda self, some: (read.append(len(some)), present(self, some))[1])
    assert supervised._there(target, y, np.arange(20)).tolist() == [True, True, True] and read == [2, 2, 2, 2]
    assert supervised._there(target, y, np.array([0, 1, 3, 4, 5])).tolist() == [True, True, False] and sum(read) == 8 + 5


def test_maps_move_with_their_images(prepared):
    """The class of a pixel is written in its brightness: after flips and shifts it still is, and -1 comes in from outside."""
    y = RNG.integers(0, 3, (COUNT, 8, 8)).astype(np.int32)
    x = (80 * (y[..., None] + 1)).astype(np.uint8)
    prepared('images', Part(x, y, np.arange(COUNT)), target='map', classes=['a', 'b', 'c'])
    augment = ({'kind': 'crop', 'padding': 2}, {'kind': 'flip', 'probability': 0.5})
    task = Supervised(dataset='tiny', metric='mean_iou', held=4, augment=augment)
    # One program at the lowest level: the operations one by one would be compiled one by one.
    drawn = jax.jit(lambda x, y: task.draw(jax.random.key(0), x, y, {}), compiler_options={'xla_backend_optimization_level': 0})
    seen, ((moved, weight),) = drawn(x, y)
    about = task.prepared.about
    bright = np.asarray(seen)[..., 0] * about['std'][0] + about['mean'][0]
    np.testing.assert_allclose(bright, 80 * (np.asarray(moved) + 1) / 255, atol=1e-5)
    assert weight is None and (np.asarray(moved) == -1).any() and np.asarray(moved).dtype == np.int32
    assert (np.asarray(moved) != y).any()
    for kind in ('random_resized_crop', 'mixup'):
        with pytest.raises(
            ValueError, match=rf"\['{kind}'\] would not move a map .* allowed with maps: \['color_jitter', 'crop'"
        ):
            dataclasses.replace(task, augment=({'kind': kind},)).knobs  # noqa: B018


def test_smoothing_is_read_where_there_are_classes(prepared):
    assert 'label_smoothing' not in known_knobs('adamw', task=Supervised(dataset='friedman', metric='rmse'))
    assert 'label_smoothing' in known_knobs('adamw', task=Supervised(dataset='shape_labels', metric='auroc'))


REFUSED = [
    ({'metric': 'rsme'}, r"metric='rsme'; allowed: \['accuracy', 'top5_accuracy'"),
    ({'target': 'values', 'metric': 'accuracy'}, r"metric='accuracy'; allowed: \['rmse', 'mae', 'r2'\]"),
    ({'target': 'number'}, r"target='number'; allowed: \['', 'class', 'values', 'labels', 'map'\]"),
    ({'loss': 'cubic'}, r"loss='cubic'; allowed: \['squared', 'absolute'\]"),
    ({'row': 'columns'}, r"row='columns'; allowed: \['token', 'tokens'\]"),
    ({'held': 0}, 'held=0; allowed: 1 or more'),
]


@pytest.mark.parametrize(('fields', 'message'), REFUSED)
def test_bad_fields_are_refused(fields: dict, message: str):
    with pytest.raises(ValueError, match=message):
        task_of({'kind': 'supervised', **fields})


WRONG = [
    ({'metric': 'auroc'}, r"metric='auroc' of a values; allowed: \['rmse', 'mae', 'r2'\]"),
    ({'metric': 'mae', 'columns': ('height',)}, r"columns \['height'\] of 'tiny'; allowed: each once of \['size', 'weight'\]"),
    ({'metric': 'mae', 'columns': ('size', 'size')}, r"columns \['size', 'size'\] of 'tiny'; allowed: each once"),
    ({'target': 'labels', 'metric': 'auroc'}, "target='labels' of dataset 'tiny', which has values"),
    ({'metric': 'mae', 'augment': ({'kind': 'flip'},)}, "augment with 'tiny', a set of tables; allowed with images"),
]


@pytest.mark.parametrize(('fields', 'message'), WRONG)
def test_what_a_set_does_not_have_is_refused(prepared, fields: dict, message: str):
    prepared('tables', dense((5,), values()), **VALUES)
    task = Supervised(dataset='tiny', held=4, **fields)
    with pytest.raises(ValueError, match=message):
        _ = task.asked, task.pool()


def test_sets_without_targets_or_with_one_value_are_refused(prepared):
    prepared('tables', dense((5,), np.ones((COUNT, 1), np.float32)), target='values')
    with pytest.raises(ValueError, match=r"\['0'\] of 'tiny' have one value in the pool"):
        _ = Supervised(dataset='tiny', metric='mae').asked
    part = dense((5,), classes())
    prepared('tables', dataclasses.replace(part, y=None))
    with pytest.raises(ValueError, match="dataset 'tiny', which has no targets"):
        _ = Supervised(dataset='tiny').asked
    prepared('texts', ragged(classes(3), [4, 2, 3]), classes=['a', 'b', 'c'])
    with pytest.raises(ValueError, match=r"columns=\['a'\] of a class; allowed: none"):
        _ = Supervised(dataset='tiny', columns=('a',), length=4).asked


@pytest.mark.parametrize(
    ('dataset', 'metric', 'scores', 'needed'),
    [('friedman', 'rmse', (4, 2), [1]), ('shapes', 'mean_iou', (4, 8, 8, 5), [16, 16, 5])],
)
def test_scores_of_another_shape_are_refused(dataset: str, metric: str, scores: tuple, needed: list):
    task = Supervised(dataset=dataset, metric=metric)
    y = task.pool().y[:4]
    with pytest.raises(ValueError) as refused:
        task.check_scores(scores, y.shape)
    kind = type(task.asked).__name__
    said = f"gives scores {list(scores[1:])} for an example, and the targets of '{dataset}' ({kind}) need {needed}; change head"
    assert said in str(refused.value)


def test_a_set_that_is_not_prepared_is_named():
    task = Supervised(dataset='retina', metric='accuracy')
    assert task.absent() == ['retina'] and task.labels() is None
    with pytest.raises(ValueError, match="dataset 'retina' is not prepared"):
        task.example()
    shape = Supervised(dataset='cifar10', metric='top5_accuracy').seen()
    assert (shape.shape, shape.dtype) == ((1, 32, 32, 3), jnp.float32)


def test_training_on_so_many_groups_takes_them_whole():
    """Each of eight writers answers a prompt: so many prompts are eight times as many answers, and the same ones again."""
    of = {groups: Supervised(dataset='writers', held=64, length=128, cut=True, groups=groups) for groups in (0, 5, 40)}
    pool = of[5].pool()
    for seed in (1, 2):
        sides = {groups: task.split(pool, seed) for groups, task in of.items()}
        prompts = {groups: set(pool.group[train].tolist()) for groups, (train, _) in sides.items()}
        assert [len(prompts[groups]) for groups in (5, 40)] == [5, 40] and prompts[5] < prompts[40] < prompts[0]
        for groups, (train, held) in sides.items():
            np.testing.assert_array_equal(held, sides[0][1])
            assert not prompts[groups] & set(pool.group[held].tolist())
            if groups:
                assert (np.bincount(pool.y[train]) == groups).all()
                assert set(train.tolist()) == set(np.flatnonzero(np.isin(pool.group, list(prompts[groups]))).tolist())
    assert set(of[5].split(pool, 1)[0].tolist()) != set(of[5].split(pool, 2)[0].tolist())


def test_too_many_groups_are_refused():
    task = Supervised(dataset='writers', held=64, length=128, cut=True, groups=10_000)
    with pytest.raises(
        ValueError, match="groups=10000 of 'writers', of which 472 are left beside held=64; allowed: up to these"
    ):
        task.split(task.pool(), 1)
    with pytest.raises(ValueError, match='groups=5 and train=8; allowed: one of them'):
        Supervised(dataset='writers', length=128, cut=True, groups=5, train=8)
    with pytest.raises(ValueError, match='groups=-1; allowed: 0 or more'):
        Supervised(dataset='writers', length=128, cut=True, groups=-1)


def test_tokens_without_a_vocabulary_are_refused(prepared):
    prepared('tokens', ragged(classes(3), [4, 2, 3], np.uint16))
    with pytest.raises(ValueError, match="vocabulary=0 for 'tiny', a set of tokens; give the size of its tokenizer"):
        Supervised(dataset='tiny', length=4).pool()


def test_images_of_classes_are_augmented_and_then_standardised(prepared):
    prepared('images', dense((4, 4, 3), classes(), np.uint8))
    task = Supervised(dataset='tiny', held=4, augment=({'kind': 'flip', 'probability': 1.0},))
    assert task.knobs == {'flip_probability': 1.0} and Supervised(dataset='tiny', held=4).knobs == {}
    x, y = jnp.asarray(task.pool().x[:2]), jnp.asarray(task.pool().y[:2])
    seen, ((target, weight),) = task.draw(jax.random.key(0), x, y, {})
    np.testing.assert_allclose(seen, task.inputs(x)[:, :, ::-1], atol=1e-5)
    assert target.tolist() == y.tolist() and weight is None


def test_of_many_names_that_lack_something_five_are_told():
    target = MapTarget(tuple('abcdefgh'), 'mean_iou')
    some = np.isin(np.arange(8), [0, 1, 2])
    assert supervised._lacking(target, some) == "['d', 'e', 'f', 'g', 'h']"
    assert supervised._lacking(target, ~some) == "['a', 'b', 'c']" and supervised._lacking(target, some | ~some) == ''
    assert supervised._lacking(target, np.arange(8) < 1) == "['b', 'c', 'd', 'e', 'f'] and 2 more"


def test_bounds_are_allowed_themselves():
    for fields in ({'held': 1}, {'length': 0}, {'train': 0}, {'vocabulary': 0}, {'classes': 0}, {'groups': 0}):
        Supervised(**{'metric': 'rmse', **fields})
