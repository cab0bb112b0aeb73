"""Spoken digits and series: what the model sees of recordings of any length, and of series."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ablations.tasks import TASKS
from arch.model import build
from sweeps.datasets.prepared import Part, write
from sweeps.tasks import spoken_digits
from sweeps.tasks.series import Series
from sweeps.tasks.spectrogram import log_mel
from sweeps.tasks.spoken_digits import SpokenDigits, fitted
from sweeps.training.preflight import task_of

LENGTHS = (300, 512, 700, 90, 512, 300)


def recordings(seed: int) -> Part:
    generator = np.random.default_rng(seed)
    flat = np.concatenate([generator.integers(-9000, 9000, n) for n in LENGTHS]).astype(np.int16)
    return Part(flat, np.arange(6, dtype=np.int32) % 3, np.arange(6), np.cumsum([0, *LENGTHS]))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a small set of sounds, `talk`, and one of series, `curves`."""
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    prepared, classes = tmp_path / 'prepared', ['a', 'b', 'c']
    write(prepared / 'talk', {'kind': 'sounds', 'rate': 8000, 'classes': classes}, recordings(0), recordings(1))
    x = np.random.default_rng(2).normal(size=(9, 12)).astype(np.float32)
    series = Part(x, np.arange(9, dtype=np.int32) % 3, np.arange(9))
    write(prepared / 'curves', {'kind': 'series', 'classes': classes}, series, series)
    return prepared


def test_recordings_are_cut_or_filled_to_one_length():
    part = recordings(0)
    x = fitted(part, 512)
    assert x.shape == (6, 512) and x.dtype == np.int16
    np.testing.assert_array_equal(x[2], part.x[812 : 812 + 512])
    np.testing.assert_array_equal(x[3], np.r_[part.x[1512:1602], np.zeros(422)])


@pytest.mark.parametrize('form', ['log_mel', 'samples'])
def test_the_model_sees_deviation_one_over_the_pool(folder: Path, form: str):
    task = SpokenDigits(dataset='talk', form=form, length=512, mels=8, held=2)
    pool = task.pool()
    # Under jit, as a training run has it: what is known of the pool is a constant of the program.
    seen = np.asarray(jax.jit(task.inputs)(jnp.asarray(pool.x)), np.float64)
    assert seen.shape == ((6, 4, 8, 1) if form == 'log_mel' else (6, 512, 1))
    np.testing.assert_allclose(seen.mean() if form == 'log_mel' else 0, 0, atol=2e-3)
    np.testing.assert_allclose(np.sqrt((seen**2).mean()), 1, atol=2e-3)
    if form == 'samples':
        np.testing.assert_allclose(seen[0, :, 0] * pool.x[0].astype(float).std(), pool.x[0] * seen[0, :, 0].std(), atol=1)
    fresh = SpokenDigits(dataset='talk', form=form, length=512, mels=8, held=2)
    other = jax.vmap(jax.jit(fresh.inputs))(jnp.asarray(pool.x)[:, None])[:, 0]
    np.testing.assert_allclose(other, seen, atol=1e-4)


def test_test_files_are_not_needed_for_training(folder: Path):
    for path in (folder / 'talk' / 'test').iterdir():
        path.unlink()
    task = SpokenDigits(dataset='talk', length=512, mels=8, held=2)
    pool = task.pool()
    train, held = task.split(pool, 0)
    assert len(train) == 4 and not set(train) & set(held)
    task.draw(jax.random.key(0), jnp.asarray(pool.x[train]), jnp.asarray(pool.y[train]), {})
    with pytest.raises(ValueError, match='prepare it again'):
        task.test()


def test_masks_hide_time_and_pitch_at_the_mean(folder: Path):
    spec = {'kind': 'spectrogram_mask', 'time_width': 2, 'frequency_width': 3, 'time_masks': 1, 'frequency_masks': 1}
    task = SpokenDigits(dataset='talk', length=512, mels=8, augment=(spec,))
    assert task.knobs == {'time_mask_width': 2.0, 'frequency_mask_width': 3.0}
    x, y = jnp.asarray(task.pool().x), jnp.asarray(task.pool().y)
    plain = np.asarray(task.inputs(x))
    seen, ((target, _),) = task.draw(jax.random.key(0), x, y, {})
    hidden = np.asarray(seen) != plain
    assert hidden.any() and (np.asarray(seen)[hidden] == 0).all()
    np.testing.assert_array_equal(target, y)
    unmasked = task.draw(jax.random.key(0), x, y, {'time_mask_width': 0.0, 'frequency_mask_width': 0.0})[0]
    np.testing.assert_array_equal(unmasked, plain)


@pytest.mark.parametrize(
    ('fields', 'said'),
    [
        ({'form': 'mel'}, r"allowed: \['log_mel', 'samples'\]"),
        ({'form': 'samples', 'augment': [{'kind': 'flip'}]}, "give form='log_mel'"),
        ({'dataset': 'curves'}, "of kind 'series'"),
        ({'dataset': 'nothing'}, 'archlab data prepare .* --name nothing'),
    ],
)
def test_sounds_that_make_no_sense_are_refused(folder: Path, fields: dict, said: str):
    with pytest.raises(ValueError, match=said):
        task_of({'kind': 'spoken_digits', **fields}).pool()


def test_series_have_one_channel(folder: Path):
    task = Series(dataset='curves', held=3)
    pool = task.pool()
    seen = task.inputs(jnp.asarray(pool.x))
    assert seen.shape == (9, 12, 1)
    np.testing.assert_array_equal(seen[..., 0], pool.x)
    train, held = task.split(pool, 0)
    assert sorted([*train, *held]) == list(range(9)) and len(held) == 3
    with pytest.raises(ValueError, match="of kind 'sounds'"):
        Series(dataset='talk').pool()


@pytest.mark.parametrize(
    ('name', 'shape'),
    [('spoken_digits', (64, 32, 1)), ('spoken_digits_samples', (8192, 1)), ('synthetic_control', (60, 1))],
)
def test_bases_take_what_the_task_gives(name: str, shape: tuple[int, ...]):
    model = build(TASKS[name].base)

    def run(x: jax.Array) -> jax.Array:
        params, state = model.init(jax.random.key(0), x, {})
        return model.apply(params, state, x, knobs=dict(model.knobs), key=jax.random.key(0), train=False)[0]

    assert jax.eval_shape(run, jax.ShapeDtypeStruct((2, *shape), jnp.float32)).shape == (2, round(1 / TASKS[name].chance))


def test_what_is_seen_is_the_log_mel_of_samples_from_minus_one_to_one(folder: Path):
    task = SpokenDigits(dataset='talk', length=512, mels=8, held=2)
    x = task.pool().x
    told = np.asarray(jax.jit(lambda x: log_mel(x, 8000, task.window, task.hop, 8))(x.astype(np.float32) / 2**15), np.float64)
    seen = jax.jit(task.inputs)(jnp.asarray(x))
    np.testing.assert_allclose(seen[..., 0], (told - told.mean()) / told.std(), atol=5e-3)


def test_sealed_series_and_sounds_are_those_of_the_set(folder: Path):
    stored = np.load(folder / 'curves' / 'test' / 'x.npy')
    np.testing.assert_array_equal(Series(dataset='curves').test().x, stored)
    task = SpokenDigits(dataset='talk', length=512, mels=8)
    np.testing.assert_array_equal(task.test().x, fitted(recordings(1), 512))
    assert (task.labels(), task.pool_size(), task.test_size()) == (3, 6, 6)


def test_the_moments_of_a_pool_are_those_of_all_of_its_blocks(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """Six recordings, two at a time, and as one."""
    whole, parts = (SpokenDigits(dataset='talk', form='samples', length=512) for _ in range(2))
    told = whole._moments
    monkeypatch.setattr(spoken_digits, 'BLOCK', 2)
    assert parts._moments == told
    x = whole.pool().x / 2**15
    assert told == (0.0, float(f'{np.sqrt((x**2).mean()):.4g}'))


def test_silence_is_left_as_it_is(folder: Path):
    quiet = Part(np.zeros(900, np.int16), np.array([0, 1, 2], np.int32), np.arange(3), np.array([0, 300, 600, 900]))
    write(folder / 'quiet', {'kind': 'sounds', 'rate': 8000, 'classes': ['a', 'b', 'c']}, quiet, quiet)
    assert SpokenDigits(dataset='quiet', form='samples', length=256)._moments == (0.0, 1.0)
