"""Images: what the model sees of a prepared set, its splits, and the levels that the lab's tasks reach."""

import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ablations.tasks import TASKS
from ablations.tasks.image_tasks import IMAGES
from arch.model import build
from sweeps.datasets.prepared import Part, write
from sweeps.tasks.images import Images
from sweeps.training.preflight import task_of

SHAPES = {
    'mnist': (28, 28, 1),
    'fashion_mnist': (28, 28, 1),
    'kmnist': (28, 28, 1),
    'emnist_balanced': (28, 28, 1),
    'cifar10': (32, 32, 3),
    'cifar100': (32, 32, 3),
    'tiny_imagenet': (64, 64, 3),
    'imagenet': (64, 64, 3),
}


def part(generator: np.random.Generator, count: int, groups: int, channels: int = 3) -> Part:
    x = generator.integers(0, 256, (count, 8, 8, channels)).astype(np.uint8)
    return Part(x, np.arange(count, dtype=np.int32) % 4, np.arange(count) % groups)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a small set `tiny`: 60 images in 50 groups and 12 sealed ones."""
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    generator = np.random.default_rng(0)
    about = {'kind': 'images', 'classes': list('abcd')}
    write(tmp_path / 'prepared' / 'tiny', about, part(generator, 60, 50), part(generator, 12, 12))
    return tmp_path / 'prepared' / 'tiny'


def test_inputs_have_mean_zero_and_deviation_one_over_the_pool(folder: Path):
    task = Images(dataset='tiny', held=10)
    x = np.load(folder / 'pool' / 'x.npy').astype(np.float64)
    seen = np.asarray(task.inputs(jnp.asarray(task.pool().x)))
    assert seen.dtype == np.float32 and seen.shape == x.shape
    np.testing.assert_allclose(seen, (x - x.mean((0, 1, 2))) / x.std((0, 1, 2)), atol=1e-5)
    sealed = np.load(folder / 'test' / 'x.npy')
    np.testing.assert_allclose(task.inputs(task.test().x), (sealed - x.mean((0, 1, 2))) / x.std((0, 1, 2)), atol=1e-5)


def test_a_channel_that_never_changes_is_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    same = Part(np.full((6, 8, 8, 1), 51, np.uint8), np.zeros(6, np.int32), np.arange(6))
    write(tmp_path / 'prepared' / 'flat', {'kind': 'images', 'classes': ['a']}, same, same)
    np.testing.assert_allclose(Images(dataset='flat').inputs(jnp.asarray(same.x)), 0, atol=1e-6)


def test_the_pool_needs_no_test_file_and_stays_on_disk(folder: Path):
    for path in (folder / 'test').iterdir():
        path.unlink()
    task = Images(dataset='tiny', held=10)
    pool = task.pool()
    assert isinstance(pool.x, np.memmap) and not pool.x.flags.writeable
    train = task.split(pool, 0)[0]
    task.draw(jax.random.key(0), jnp.asarray(pool.x[train]), jnp.asarray(pool.y[train]), {})
    with pytest.raises(ValueError, match='prepare it again'):
        task.test()


def test_splits_keep_groups_whole_and_take_all_that_is_left(folder: Path):
    task = Images(dataset='tiny', held=10)
    pool = task.pool()
    train, held = task.split(pool, 3)
    assert len(held) == len(set(held)) == 10
    assert not set(pool.group[train]) & set(pool.group[held])
    whole = {index for index in range(60) if pool.group[index] not in set(pool.group[held])}
    assert set(train) == whole and len(train) == len(whole)
    few, same = Images(dataset='tiny', held=10, train=20).split(pool, 3)
    assert len(set(few)) == 20 and set(same) == set(held)
    with pytest.raises(ValueError, match='ask for fewer'):
        Images(dataset='tiny', held=60).split(pool, 3)


def test_without_augmentation_a_batch_is_what_is_stored(folder: Path):
    task = Images(dataset='tiny')
    x, y = (jnp.asarray(array[:5]) for array in (task.pool().x, task.pool().y))
    seen, ((target, weight),) = task.draw(jax.random.key(0), x, y, {})
    np.testing.assert_array_equal(seen, task.inputs(x))
    np.testing.assert_array_equal(target, y)
    assert weight is None and task.knobs == {}


def test_augmentation_comes_before_the_normalisation(folder: Path):
    task = Images(dataset='tiny', augment=({'kind': 'flip', 'probability': 1.0},))
    x, y = (jnp.asarray(array[:5]) for array in (task.pool().x, task.pool().y))
    assert task.knobs == {'flip_probability': 1.0}
    draw = jax.jit(lambda knobs: task.draw(jax.random.key(0), x, y, knobs)[0])
    np.testing.assert_allclose(draw({}), task.inputs(x[:, :, ::-1]), atol=1e-6)
    np.testing.assert_allclose(draw({'flip_probability': 0.0}), task.inputs(x), atol=1e-6)
    # A window that moved leaves black behind, which is 0 before the normalisation and not after.
    cropped = Images(dataset='tiny', augment=({'kind': 'crop', 'padding': 8},))
    moved = jax.jit(lambda key: cropped.draw(key, x, y, {})[0])(jax.random.key(1))
    black = np.asarray(task.inputs(jnp.zeros((1, 1, 1, 3), jnp.uint8)))
    assert (np.abs(np.asarray(moved) - black).max(-1) < 1e-6).sum() > 8


def test_a_border_is_black_and_comes_before_the_augmentation(folder: Path):
    plain, task = Images(dataset='tiny'), Images(dataset='tiny', border=2, augment=({'kind': 'flip', 'probability': 1.0},))
    x, y = (jnp.asarray(array[:5]) for array in (task.pool().x, task.pool().y))
    seen, black = np.asarray(task.inputs(x)), plain.inputs(jnp.zeros((1, 1, 1, 3), jnp.uint8))
    assert task.seen().shape == (1, 12, 12, 3)
    np.testing.assert_array_equal(seen[:, 2:-2, 2:-2], plain.inputs(x))
    edge = np.ones((12, 12), bool)
    edge[2:-2, 2:-2] = False
    np.testing.assert_allclose(seen[:, edge], np.broadcast_to(black[0, 0], (5, edge.sum(), 3)), atol=1e-6)
    np.testing.assert_allclose(task.draw(jax.random.key(0), x, y, {})[0], seen[:, :, ::-1], atol=1e-6)


def test_the_border_of_a_set_that_is_not_there_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    assert Images(dataset='mnist', border=2).seen().shape == (1, 32, 32, 1)


@pytest.mark.parametrize('border', [-1, 1.5, True, 5000])
def test_wrong_borders_are_refused(border: object):
    with pytest.raises(ValueError, match=rf'border={border}; allowed: a whole number from 0 to 1024'):
        Images(border=border)


def test_mixed_images_have_the_targets_of_both(folder: Path):
    task = Images(dataset='tiny', augment=({'kind': 'mixup', 'alpha': 1.0},))
    x, y = (jnp.asarray(array[:6]) for array in (task.pool().x, task.pool().y))
    seen, targets = jax.jit(task.draw)(jax.random.key(0), x, y, {})
    (first, share), (second, rest) = targets
    np.testing.assert_allclose(share + rest, 1, atol=1e-6)
    plain = np.asarray(task.inputs(x))
    for i in range(6):
        partners = [j for j in range(6) if int(y[j]) == int(second[i])]
        mixes = [float(share[i]) * plain[i] + float(rest[i]) * plain[j] for j in partners]
        assert min(np.abs(np.asarray(seen[i]) - mix).max() for mix in mixes) < 1e-4
    np.testing.assert_array_equal(first, y)


@pytest.mark.parametrize(
    ('about', 'said'),
    [({'kind': 'images'}, 'images with classes'), ({'kind': 'series'}, "of kind 'series'")],
)
def test_sets_of_another_kind_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, about: dict, said: str):
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    given = part(np.random.default_rng(0), 6, 6)
    nameless = Part(given.x, None, given.group)
    write(tmp_path / 'prepared' / 'other', about, nameless, nameless)
    with pytest.raises(ValueError, match=said):
        Images(dataset='other').pool()


def test_a_set_that_is_not_there_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    with pytest.raises(ValueError, match='archlab data prepare fashion_mnist'):
        task_of({'kind': 'images', 'dataset': 'fashion_mnist'}).pool()


def test_augmentation_that_does_not_exist_is_refused(folder: Path):
    task = task_of({'kind': 'images', 'dataset': 'tiny', 'augment': [{'kind': 'flop'}]})
    with pytest.raises(ValueError, match='flip'):
        _ = task.knobs


@pytest.mark.parametrize('name', [pytest.param(name, marks=[pytest.mark.slow] * (name == 'cifar10')) for name in IMAGES])
def test_every_task_has_a_base_for_its_images(name: str):
    task = TASKS[name]
    x = jax.ShapeDtypeStruct((2, *SHAPES[name]), jnp.float32)
    model = build(task.base)

    def run(x: jax.Array) -> jax.Array:
        params, state = model.init(jax.random.key(0), x, {})
        return model.apply(params, state, x, knobs=dict(model.knobs), key=jax.random.key(0), train=False)[0]

    classes = jax.eval_shape(run, x).shape[-1]
    assert math.isclose(task.chance, 1 / classes)
    assert task_of(task.data).knobs.keys() <= {'crop_padding', 'flip_probability', *task_of(task.data).knobs}


def test_classes_and_sizes_are_those_of_the_set(folder: Path):
    task = Images(dataset='tiny', held=10)
    assert (task.absent(), task.labels(), task.pool_size(), task.test_size()) == ([], 4, 60, 12)
