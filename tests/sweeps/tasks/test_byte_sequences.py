"""Byte sequences: pixels and samples as a language, in exact units, with no sequence in two splits."""

import math
from collections.abc import Callable
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.datasets import load_digits

from ablations.tasks import TASKS
from ablations.tasks.image_tasks import PIXELS
from sweeps.datasets.prepared import Part, write
from sweeps.tasks.groups import distinct, joined, unknown
from sweeps.tasks.pixels import Pixels, shrunk
from sweeps.tasks.samples import Samples, mu_law, resampled


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Write a small prepared set: `prepared(name, pool, test, kind=..., ...)`."""
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    return lambda name, pool, test, **about: write(tmp_path / 'prepared' / name, about, pool, test)


def images(*pictures: np.ndarray) -> Part:
    return Part(np.stack(pictures).astype(np.uint8), None, np.arange(len(pictures)))


def sounds(*recordings: np.ndarray) -> Part:
    flat = np.concatenate(recordings).astype(np.int16)
    return Part(flat, None, np.arange(len(recordings)), np.cumsum([0, *map(len, recordings)]))


def noise(seed: int, length: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-20000, 20000, length)


# Groups.


def test_rows_are_told_apart_by_content():
    rows = np.array([[1, 2], [3, 4], [1, 2], [2, 1]], np.int16)
    numbers, others = distinct(rows, rows[3:])
    assert numbers[0] == numbers[2] and len(set(numbers.tolist())) == 3
    assert others.tolist() == [numbers[3]]


def test_groups_join_through_equal_rows():
    rows = np.array([[0], [1], [1], [2], [2], [9], [8]])
    group = np.array([7, 7, 5, 5, 3, 1, 1])
    groups = joined(group, rows)
    assert len(set(groups[:5].tolist())) == 1, 'group 7 meets 5 in row 1, 5 meets 3 in row 2'
    assert groups[5] == groups[6] != groups[0]


def test_rows_that_stand_elsewhere_are_known():
    known = np.array([[1, 1], [2, 2]], np.uint8)
    np.testing.assert_array_equal(unknown(np.array([[2, 2], [3, 3], [1, 2], [1, 1]], np.uint8), known), [1, 2])


# The unit.


def test_the_model_sees_every_byte_one_place_late():
    x = jnp.asarray([[5, 6, 7], [255, 0, 1]], jnp.uint8)
    np.testing.assert_array_equal(Pixels().inputs(x), [[0, 5, 6], [0, 255, 0]])
    assert Pixels().inputs(x).dtype == jnp.int32


def test_bits_are_those_of_every_byte():
    pool = Pixels().pool()
    y = pool.y[:3]
    _, metric = Pixels.losses(jnp.zeros((3, 64, 256)), jnp.asarray(y))
    np.testing.assert_allclose(np.asarray(metric).mean() * pool.scale, 8, rtol=1e-6)
    scores = np.random.default_rng(0).normal(size=(3, 64, 256))
    chances = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    bits = np.mean([[-math.log2(chances[i, j, y[i, j]]) for j in range(64)] for i in range(3)])
    loss, metric = Pixels.losses(jnp.asarray(scores, jnp.float32), jnp.asarray(y))
    np.testing.assert_allclose(np.asarray(metric).mean() * pool.scale, bits, rtol=1e-5)
    np.testing.assert_array_equal(loss, metric)


def test_a_reference_coder_gets_the_same_bytes():
    messages = Pixels().messages(sealed=True)
    assert [list(message) for message in messages] == Pixels().test().y.tolist()


# Pixels.


def test_digits_are_read_row_by_row():
    task = Pixels()
    pool, sealed = task.pool(), task.test()
    assert pool.x.shape == (1437, 64) and sealed.x.shape == (360, 64) and pool.x.dtype == np.uint8
    everything = {row.astype(np.uint8).tobytes() for row in load_digits().images}
    assert {row.tobytes() for row in pool.x} | {row.tobytes() for row in sealed.x} == everything
    assert not {row.tobytes() for row in pool.x} & {row.tobytes() for row in sealed.x}


def test_shrinking_takes_the_rounded_mean_of_blocks():
    generator = np.random.default_rng(0)
    x = generator.integers(0, 256, (4, 6, 12, 3)).astype(np.uint8)
    small = shrunk(x, 2)
    assert small.shape == (4, 2, 4, 3) and small.dtype == np.uint8
    for n, i, j, c in np.ndindex(small.shape):
        mean = x[n, 3 * i : 3 * i + 3, 3 * j : 3 * j + 3, c].astype(float).mean()
        assert small[n, i, j, c] == math.floor(mean + 0.5)
    np.testing.assert_array_equal(shrunk(np.full((1, 8, 8, 1), 255, np.uint8), 1), 255)
    for size in (4, 5, 12, -1):
        with pytest.raises(ValueError, match=r'allowed: 0 \(as stored\) or \[6, 3, 2, 1\]'):
            shrunk(x, size)


def test_colours_of_a_pixel_follow_each_other(prepared: Callable):
    picture = np.arange(48).reshape(4, 4, 3)
    prepared('colours', images(picture, 255 - picture), images(picture + 100), kind='images')
    task = Pixels(dataset='colours')
    np.testing.assert_array_equal(task.pool().x[0], np.arange(48))
    assert task.pool().x.shape == (2, 48)
    assert Pixels(dataset='colours', size=2).test().x.shape == (1, 12)


def test_images_that_are_equal_once_they_are_small_stay_together(prepared: Callable):
    one, other = np.zeros((4, 4, 1)), np.zeros((4, 4, 1))
    one[0, 0], other[1, 1] = 40, 40
    third = np.full((4, 4, 1), 200)
    fourth = np.full((4, 4, 1), 90)
    prepared('near', images(one, other, third), images(fourth, other[::-1, ::-1], one[:, ::-1]), kind='images')
    large, small = Pixels(dataset='near'), Pixels(dataset='near', size=2)
    assert len(set(large.pool().group)) == 3 and len(large.test().x) == 3
    assert small.pool().group[0] == small.pool().group[1] != small.pool().group[2]
    prepared('nearer', images(one, other, third), images(fourth, one.transpose(1, 0, 2) * 0 + other), kind='images')
    assert Pixels(dataset='nearer', size=2).test().x.tolist() == [[90] * 4], 'the other stands in the pool'


def test_pixels_need_images(prepared: Callable):
    prepared('talk', sounds(noise(0, 9)), sounds(noise(1, 9)), kind='sounds', rate=8000)
    with pytest.raises(ValueError, match="kind 'sounds'; allowed: images"):
        Pixels(dataset='talk').pool()


# Samples.


def test_the_mu_law_in_closed_form():
    np.testing.assert_array_equal(mu_law(np.array([-2.0, -1, 0, 1, 2])), [0, 0, 128, 255, 255])
    x = np.linspace(-1, 1, 100_001)
    levels = mu_law(x).astype(float)
    assert (np.diff(levels) >= 0).all() and len(set(levels)) == 256
    # What a level stands for: sign(v) (256^|v| - 1) / 255 with v from -1 to 1; half a level is at most ln 256 / 255 of it.
    v = levels / 127.5 - 1
    back = np.sign(v) * (256 ** np.abs(v) - 1) / 255
    assert (np.abs(back - x) <= (np.abs(x) + 1 / 255) * (256 ** (0.5 / 127.5) - 1) + 1e-12).all()


def test_resampling_keeps_a_tone():
    time = np.arange(8000) / 8000
    tone = np.sin(2 * np.pi * 440 * time)
    half = resampled(tone, 8000, 4000)
    assert len(half) == 4000
    np.testing.assert_allclose(half[200:-200], tone[::2][200:-200], atol=5e-3)
    high = resampled(np.sin(2 * np.pi * 3000 * time), 8000, 4000)
    assert np.abs(high[200:-200]).max() < 0.02, 'a tone above half the new rate would come back as another'
    np.testing.assert_array_equal(resampled(tone, 8000, 0), tone)


def test_windows_are_cut_within_recordings(prepared: Callable):
    recordings = [noise(0, 100), noise(1, 31), noise(2, 64)]
    prepared('talk', sounds(*recordings), sounds(noise(3, 70)), kind='sounds', rate=8000)
    task = Samples(dataset='talk', length=32, held=1)
    pool = task.pool()
    assert len(pool.x) == 3 + 0 + 2
    expected = [recordings[0][:32], recordings[0][32:64], recordings[0][64:96], recordings[2][:32], recordings[2][32:]]
    np.testing.assert_array_equal(pool.x, mu_law(np.stack(expected) / 2**15))
    assert len(set(pool.group[:3])) == 1 and len(set(pool.group)) == 2
    assert len(task.test().x) == 2
    assert len(Samples(dataset='talk', length=16, rate=4000).pool().x) == 3 + 1 + 2
    train, held = task.split(pool, 0)
    assert not set(pool.group[train]) & set(pool.group[held])


def test_silence_is_in_one_split(prepared: Callable):
    silence = np.zeros(32)
    pool = sounds(np.r_[noise(0, 32), silence], np.r_[silence, noise(1, 32)], noise(2, 32))
    prepared('quiet', pool, sounds(np.r_[noise(3, 32), silence]), kind='sounds', rate=8000)
    task = Samples(dataset='quiet', length=32)
    group = task.pool().group
    assert len(set(group[:4])) == 1 and group[4] != group[0]
    np.testing.assert_array_equal(task.test().x, mu_law(noise(3, 32)[None] / 2**15))


@pytest.mark.parametrize(
    ('fields', 'said'),
    [({'length': 0}, '1 or more samples'), ({'rate': -1}, '0 or more Hz'), ({'length': 1000}, 'use a shorter length')],
)
def test_samples_that_make_no_sense_are_refused(prepared: Callable, fields: dict, said: str):
    prepared('talk', sounds(noise(0, 100)), sounds(noise(1, 100)), kind='sounds', rate=8000)
    with pytest.raises(ValueError, match=said):
        Samples(dataset='talk', **fields).pool()


def test_samples_need_sounds(prepared: Callable):
    prepared('faces', images(np.zeros((4, 4, 1))), images(np.ones((4, 4, 1))), kind='images')
    with pytest.raises(ValueError, match="kind 'images'; allowed: sounds"):
        Samples(dataset='faces').pool()


@pytest.mark.parametrize('name', [*PIXELS, 'spoken_digits_bytes'])
def test_bases_read_bytes_of_the_task_length(name: str):
    task = TASKS[name]
    sizes = {'digits_pixels': 64, 'fashion_mnist_pixels': 14 * 14, 'cifar10_pixels': 8 * 8 * 3, 'spoken_digits_bytes': 256}
    assert task.base['position']['length'] == sizes[name]
    assert task.base['stem']['vocabulary'] == task.base['head']['outputs'] == 256
    assert task.chance == math.log2(256)


def test_images_as_high_as_asked_for_are_left_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    np.testing.assert_array_equal(Pixels(size=8).pool().x, Pixels().pool().x)
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    assert (Pixels().absent(), Pixels().test_size(), Pixels(size=4).pool().x.shape[1]) == ([], 360, 16)
    cifar = Pixels(dataset='cifar10', size=8)
    assert (cifar.absent(), cifar.test_size(), cifar.declared().shape) == (['cifar10'], 10_000, (1, 8 * 8 * 3))
    assert cifar.declared().dtype == np.uint8


def test_samples_are_declared_by_their_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    task = Samples(length=7)
    assert (task.declared().shape, task.declared().dtype, task.test_size()) == ((1, 7), np.uint8, None)
    with pytest.raises(ValueError, match="dataset 'mnist' is of kind 'images'; allowed: sounds"):
        Samples(dataset='mnist').declared()
