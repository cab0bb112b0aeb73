"""Every augmentation keeps the contract: its own key for each example, knobs traced or not, nothing at strength 0."""

import dataclasses
import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rounding import tolerance

from sweeps.augment import AUGMENTS, RECIPES, Augment, make_augment
from sweeps.augment.augmentation import Augmentation

SHAPES = {'spectrogram_mask': (14, 10)}
SPECS = {
    # Fields that make every kind do something to most examples of a small image.
    'random_erasing': {'probability': 0.9},
    'color_jitter': {'hue': 0.3},
    'rand_augment': {'probability': 0.9},
    'spectrogram_mask': {'time_width': 5, 'frequency_width': 4},
}
ZEROS = [
    ('flip', {'flip_probability': 0}),
    ('crop', {'crop_padding': 0}),
    ('random_resized_crop', {'resized_crop_probability': 0}),
    ('random_resized_crop', {'resized_crop_scale_low': 1}),
    ('rand_augment', {'rand_augment_magnitude': 0, 'rand_augment_deviation': 0}),
    ('rand_augment', {'rand_augment_probability': 0}),
    ('color_jitter', {'jitter_brightness': 0, 'jitter_contrast': 0, 'jitter_saturation': 0, 'jitter_hue': 0}),
    ('random_erasing', {'erase_probability': 0}),
    ('random_erasing', {'erase_area': 0}),
    ('mixup', {'mixup_alpha': 0}),
    ('mixup', {'mixup_probability': 0}),
    ('cutmix', {'cutmix_alpha': 0}),
    ('cutmix', {'cutmix_probability': 0}),
    ('mixup_or_cutmix', {'mix_probability': 0}),
    ('mixup_or_cutmix', {'mixup_alpha': 0, 'cutmix_alpha': 0}),
    ('spectrogram_mask', {'time_mask_width': 0, 'frequency_mask_width': 0}),
]
MIXING = ('mixup', 'cutmix', 'mixup_or_cutmix')
BATCH = 6
ROUNDING = tolerance(100)
"""Of pixels in [0, 1] after two moves: coordinates up to 12 pixels, of which a pixel's error is 12 times that of its share."""


def batch(kind: str, seed: int = 0, count: int = BATCH) -> tuple[jax.Array, jax.Array]:
    shape = SHAPES.get(kind, (12, 10, 3))
    values = np.random.default_rng(seed).integers(0, 256, (count, *shape))
    return jnp.asarray(values / 255, jnp.float32), jnp.arange(count)


@functools.cache
def made(kind: str):
    return make_augment([{'kind': kind, **SPECS.get(kind, {})}])


@functools.cache
def traced(kind: str):
    """The kind compiled once, with every knob an argument."""
    return jax.jit(made(kind).__call__)


def run(kind: str, seed: int, x: jax.Array, y: jax.Array, **knobs: float):
    values = {name: jnp.float32(knobs.get(name, value)) for name, value in made(kind).knobs.items()}
    return traced(kind)(jax.random.key(seed), x, y, values)


def same(a, b) -> bool:
    return all(np.array_equal(i, j) for i, j in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


@pytest.mark.parametrize('kind', AUGMENTS)
def test_a_key_determines_what_happens(kind):
    x, y = batch(kind)
    first = run(kind, 1, x, y)
    assert same(first, run(kind, 1, x, y))
    assert not same(first[0], run(kind, 2, x, y)[0])
    assert not same(first[0], x)
    assert first[0].shape == x.shape and first[0].dtype == x.dtype


@pytest.mark.parametrize('kind', AUGMENTS)
def test_an_example_does_not_depend_on_its_neighbours(kind):
    x, y = batch(kind)
    others, _ = batch(kind, seed=1)
    unchanged = (1, BATCH - 2) if kind in MIXING else (1,)
    for place in unchanged:
        others = others.at[place].set(x[place])
    for seed in range(4):
        ours, theirs = run(kind, seed, x, y), run(kind, seed, others, y)
        np.testing.assert_array_equal(ours[0][1], theirs[0][1])
        for (_, a), (_, b) in zip(ours[1], theirs[1], strict=True):
            assert (a is None and b is None) or np.array_equal(a, b)


def test_an_example_does_not_depend_on_the_size_of_the_batch():
    augment = jax.jit(make_augment([{'kind': 'crop'}, {'kind': 'flip'}]).__call__)
    x, y = batch('crop')
    whole, part = augment(jax.random.key(0), x, y, {})[0], augment(jax.random.key(0), x[:2], y[:2], {})[0]
    np.testing.assert_array_equal(whole[:2], part)


def test_draws_of_a_kind_do_not_depend_on_what_else_is_in_the_list():
    x, y = batch('flip')
    alone, _ = make_augment([{'kind': 'flip'}])(jax.random.key(3), x, y)
    after, _ = make_augment([{'kind': 'crop', 'padding': 0}, {'kind': 'flip'}])(jax.random.key(3), x, y)
    np.testing.assert_array_equal(alone, after)


@pytest.mark.parametrize(('kind', 'knobs'), ZEROS, ids=[f'{kind} {" ".join(knobs)}' for kind, knobs in ZEROS])
def test_strength_zero_changes_no_bit(kind, knobs):
    x, y = batch(kind)
    for seed in range(3):
        new, targets = run(kind, seed, x, y, **knobs)
        np.testing.assert_array_equal(np.asarray(new).view(np.uint32), np.asarray(x).view(np.uint32))
        if len(targets) == 2:
            np.testing.assert_array_equal(targets[0][1], np.ones(BATCH, np.float32))
            np.testing.assert_array_equal(targets[1][1], np.zeros(BATCH, np.float32))


def test_every_kind_has_its_zero():
    assert sorted({kind for kind, _ in ZEROS}) == sorted(AUGMENTS)


@pytest.mark.parametrize('kind', AUGMENTS)
def test_traced_strengths_are_those_of_the_spec(kind):
    x, y = batch(kind)
    constant = jax.jit(lambda key: made(kind)(key, x, y))(jax.random.key(5))
    for a, b in zip(jax.tree.leaves(constant), jax.tree.leaves(run(kind, 5, x, y)), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize('kind', AUGMENTS)
def test_lanes_with_their_own_strengths_are_as_alone(kind):
    x, y = batch(kind)
    names = list(made(kind).knobs)
    lanes = {name: jnp.asarray([value, value / 2, 0], jnp.float32) for name, value in made(kind).knobs.items()}
    keys = jax.random.split(jax.random.key(9), 3)
    together = jax.jit(jax.vmap(lambda key, knobs: made(kind)(key, x, y, knobs)))(keys, lanes)
    for lane in range(3):
        alone = traced(kind)(keys[lane], x, y, {name: lanes[name][lane] for name in names})
        for a, b in zip(jax.tree.leaves(together), jax.tree.leaves(alone), strict=True):
            np.testing.assert_allclose(a[lane], b, rtol=0, atol=ROUNDING)


def test_knobs_are_those_of_all_kinds_and_others_are_not_looked_at():
    augment = make_augment([{'kind': 'crop', 'padding': 3}, {'kind': 'flip', 'probability': 0.25}, {'kind': 'mixup'}])
    expected = {'crop_padding': 3.0, 'flip_probability': 0.25, 'mixup_alpha': 0.8, 'mixup_probability': 1.0}
    assert augment.knobs == expected
    x, y = batch('flip')
    ours = make_augment([{'kind': 'flip'}])(jax.random.key(0), x, y, {'flip_probability': 1.0, 'lr': 3.0})[0]
    np.testing.assert_array_equal(ours, x[:, :, ::-1])


def test_no_knob_belongs_to_two_kinds_that_go_together():
    names = [name for kind, cls in AUGMENTS.items() if kind not in ('mixup', 'cutmix') for name in cls.KNOBS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize('name', RECIPES)
def test_a_recipe_stands_for_its_list(name):
    assert make_augment([{'kind': name}]) == make_augment(RECIPES[name])


def test_the_recipe_of_convnext():
    """The values of 2201.03545, table 5, and that the whole of it runs."""
    augment = make_augment([{'kind': 'convnext_imagenet'}])
    assert list(augment.kinds) == ['random_resized_crop', 'flip', 'rand_augment', 'random_erasing', 'mixup_or_cutmix']
    published = {
        'rand_augment_magnitude': 9.0,
        'rand_augment_deviation': 0.5,
        'erase_probability': 0.25,
        'mixup_alpha': 0.8,
        'cutmix_alpha': 1.0,
    }
    assert {name: augment.knobs[name] for name in published} == published
    small = [{**spec, 'size': 16} if 'size' in spec else spec for spec in RECIPES['convnext_imagenet']]
    # All operations are compiled above; two suffice here.
    small = [{**spec, 'operations': ['rotate', 'posterize']} if spec['kind'] == 'rand_augment' else spec for spec in small]
    x, y = batch('flip', count=4)
    new, targets = jax.jit(make_augment(small).__call__)(jax.random.key(0), x, y)
    assert new.shape == (4, 16, 16, 3) and bool(jnp.isfinite(new).all())
    np.testing.assert_allclose(sum(weight for _, weight in targets), np.ones(4), atol=1e-6)


ERRORS = [
    ([{'kind': 'flop'}], "unknown kind 'flop'.*allowed.*flip.*small_images.*Did you mean 'flip'"),
    ([{'kind': 'small_images', 'padding': 3}], "recipe 'small_images'.*padding.*no fields"),
    ([{'probability': 0.5}], 'name a kind'),
    ([{'kind': 'flip', 'share': 0.5}], "unknown field 'share'.*probability"),
    ([{'kind': 'flip', 'probability': 1.5}], 'probability=1.5.*allowed is 0 to 1'),
    ([{'kind': 'flip', 'probability': 'often'}], "probability='often'"),
    ([{'kind': 'flip'}, {'kind': 'flip'}], "'flip' is given twice"),
    ([{'kind': 'mixup'}, {'kind': 'cutmix'}], 'mixup_or_cutmix'),
    ([{'kind': 'crop', 'padding': -1}], 'padding=-1.*0 or more'),
    ([{'kind': 'crop', 'mode': 'wrap'}], "mode='wrap'.*zero.*reflect"),
    ([{'kind': 'random_resized_crop', 'size': -4}], 'size=-4'),
    ([{'kind': 'random_resized_crop', 'scale_low': 0.9, 'scale_high': 0.5}], 'scale_low=0.9.*allowed is 0 to 0.5'),
    ([{'kind': 'random_resized_crop', 'ratio': [2.0, 1.0]}], 'the smaller first'),
    ([{'kind': 'random_resized_crop', 'interpolation': 'nearest'}], 'bicubic.*bilinear'),
    ([{'kind': 'rand_augment', 'operations': ['rotate', 'shearx']}], "unknown operation 'shearx'.*Did you mean 'shear_x'"),
    ([{'kind': 'rand_augment', 'count': 0}], 'count=0.*1 or more'),
    ([{'kind': 'rand_augment', 'magnitude': 12.0}], 'magnitude=12.0.*0 to 10'),
    ([{'kind': 'random_erasing', 'fill': 'black'}], "fill='black'.*noise.*constant"),
    ([{'kind': 'random_erasing', 'area_low': 0.5}], 'area_low=0.5'),
    ([{'kind': 'color_jitter', 'hue': 0.7}], 'hue=0.7.*0 to 0.5'),
    ([{'kind': 'mixup', 'alpha': -1.0}], 'alpha=-1.0'),
    ([{'kind': 'mixup_or_cutmix', 'cutmix_share': 2.0}], 'cutmix_share=2.0'),
    ([{'kind': 'spectrogram_mask', 'time_masks': -1}], 'time_masks=-1'),
    ([{'kind': 'spectrogram_mask', 'fill': 'noise'}], "fill='noise'.*zero.*mean"),
]


@pytest.mark.parametrize(('specs', 'message'), ERRORS, ids=[str(i) for i in range(len(ERRORS))])
def test_what_is_wrong_is_said(specs, message):
    with pytest.raises(ValueError, match=message):
        make_augment(specs)


MOST = {
    **dict.fromkeys(('magnitude', 'deviation', 'brightness', 'contrast', 'saturation'), 10.0),
    **{'hue': 0.5, 'area_low': 1 / 3},
    **dict.fromkeys(('alpha', 'mixup_alpha', 'cutmix_alpha'), 100.0),
}
"""The largest value of a number that is no share."""


@pytest.mark.parametrize('kind', AUGMENTS)
def test_every_number_has_its_bounds(kind):
    for field in dataclasses.fields(AUGMENTS[kind]):
        if type(field.default) is int:
            with pytest.raises(ValueError, match=rf'{field.name}=-1 is given, allowed is [01] '):
                make_augment([{'kind': kind, field.name: -1}])
        elif type(field.default) is float:
            most = MOST.get(field.name, 1.0)
            make_augment([{'kind': kind, field.name: most}])
            for wrong in (-0.01, 1.01 * most):
                # A negative upper end is told as a lower one above it.
                with pytest.raises(ValueError, match=rf'({field.name}|scale_low)=\S+ is given, allowed is '):
                    make_augment([{'kind': kind, field.name: wrong}])


def test_batches_of_bytes_are_refused():
    with pytest.raises(ValueError, match=r'uint8.*allowed are floats'):
        make_augment([{'kind': 'flip'}])(jax.random.key(0), np.zeros((2, 4, 4, 3), np.uint8), np.zeros(2, np.int32))


@pytest.mark.parametrize('kind', ['rand_augment', 'random_erasing'])
def test_values_for_channels_must_be_as_many_as_channels(kind):
    field = {'rand_augment': 'fill', 'random_erasing': 'mean'}[kind]
    augment = make_augment([{'kind': kind, field: [0.1, 0.2, 0.3]}])
    with pytest.raises(ValueError, match=r'3 values.*1 channels'):
        jax.eval_shape(augment, jax.random.key(0), jnp.zeros((2, 8, 8, 1)), jnp.zeros(2, jnp.int32))


LEFT_OUT = {
    'flip': {'probability': 0.5},
    'crop': {'padding': 4, 'mode': 'zero'},
    'random_resized_crop': {
        **{'size': 0, 'probability': 1.0, 'scale_low': 0.08, 'scale_high': 1.0},
        **{'ratio': (3 / 4, 4 / 3), 'interpolation': 'bilinear'},
    },
    'rand_augment': {
        **{'count': 2, 'magnitude': 9.0, 'deviation': 0.5, 'probability': 0.5, 'fill': (0.5,)},
        'operations': (
            *('autocontrast', 'equalize', 'invert', 'rotate', 'posterize', 'solarize', 'solarize_add', 'color', 'contrast'),
            *('brightness', 'sharpness', 'shear_x', 'shear_y', 'translate_x', 'translate_y'),
        ),
    },
    'color_jitter': {'brightness': 0.4, 'contrast': 0.4, 'saturation': 0.4, 'hue': 0.0},
    'random_erasing': {
        **{'probability': 0.25, 'area_low': 0.02, 'area_high': 1 / 3, 'ratio_low': 0.3},
        **{'fill': 'noise', 'mean': (0.5,), 'deviation': (0.25,)},
    },
    'mixup': {'alpha': 0.8, 'probability': 1.0},
    'cutmix': {'alpha': 1.0, 'probability': 1.0},
    'mixup_or_cutmix': {'mixup_alpha': 0.8, 'cutmix_alpha': 1.0, 'cutmix_share': 0.5, 'probability': 1.0},
    'spectrogram_mask': {
        **{'time_width': 100, 'frequency_width': 27, 'time_masks': 2, 'frequency_masks': 2},
        **{'time_share': 1.0, 'fill': 'zero'},
    },
}
"""What a field of an augmentation is that nobody gives."""


def test_fields_that_are_left_out_mean_what_they_meant():
    told = {kind: {field.name: field.default for field in dataclasses.fields(cls)} for kind, cls in AUGMENTS.items()}
    assert told == LEFT_OUT


def test_a_kind_that_moves_nothing_leaves_a_map_as_it_is():
    class Brighter(Augmentation):
        """Adds what it is told, or one."""

        MAPS = 'kept'

        def __call__(self, keys, x, knobs):
            return x + knobs.get('light', 1.0)

    x, y = jnp.zeros((2, 3, 3, 1)), jnp.full((2, 3, 3), -1)
    for knobs, light in ((None, 1.0), ({'light': 5.0}, 5.0)):
        seen, moved = Augment({'brighter': Brighter()}).with_maps(jax.random.key(0), x, y, knobs)
        assert (seen == light).all() and moved is y
        seen, ((target, weight),) = Augment({'brighter': Brighter()})(jax.random.key(0), x, y, knobs)
        assert (seen == light).all() and target is y and weight is None


def test_a_map_of_classes_moves_with_its_image_and_knows_nothing_of_what_came_in():
    """Of an image whose pixels are their classes, in eighths: it stays one, wherever it went."""
    y = jnp.asarray(np.random.default_rng(0).integers(0, 8, (6, 9, 7)), jnp.int32)
    move = jax.jit(make_augment([{'kind': 'crop', 'padding': 3}, {'kind': 'flip'}]).with_maps)
    for flipped in (0.5, 1.0):
        knobs = {'flip_probability': flipped, 'crop_padding': 3.0}
        seen, moved = move(jax.random.key(1), ((y + 1) / 8)[..., None], y, knobs)
        assert moved.dtype == y.dtype and seen.shape == (6, 9, 7, 1)
        np.testing.assert_array_equal(np.round(8 * np.asarray(seen[..., 0])).astype(int) - 1, moved)
        assert (np.asarray(moved) == -1).any() and (np.asarray(moved) != np.asarray(y)).any()
    still, same_map = move(jax.random.key(1), ((y + 1) / 8)[..., None], y, {'flip_probability': 0.0, 'crop_padding': 0.0})
    assert same((still[..., 0], same_map), ((y + 1) / 8, y))


def test_kinds_that_would_not_move_a_map_are_refused_with_those_that_fit():
    wrong = make_augment([{'kind': 'flip'}, {'kind': 'mixup'}, {'kind': 'rand_augment'}])
    said = (
        "augment: ['mixup', 'rand_augment'] would not move a map of classes with its image; allowed with maps: "
        "['color_jitter', 'crop', 'flip', 'random_erasing', 'spectrogram_mask']"
    )
    with pytest.raises(ValueError, match=f'^{re.escape(said)}$'):
        wrong.check_maps()
    with pytest.raises(ValueError, match='would not move a map'):
        wrong.with_maps(jax.random.key(0), jnp.zeros((1, 2, 2, 3)), jnp.zeros((1, 2, 2), jnp.int32))
    assert make_augment([{'kind': 'flip'}]).check_maps() is None
