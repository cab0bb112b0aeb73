"""First values: deviations and bounds of large draws, ends of branches, and what scales kernels."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rounding import assert_same_numbers

from ablations.tasks.bases import decoder
from arch.context import Context
from arch.initials import INITIALS
from arch.model import build
from arch.model_sockets import Sockets
from arch.probe import PLAIN
from arch.sockets import TABLES

SHAPE, IN, OUT = (200, 500), 300, 700
CUT = 0.87962566  # the deviation of a standard normal cut at 2
KERNELS = {
    'lecun_normal': ({}, IN**-0.5, 2 / CUT),
    'he_normal': ({}, (2 / OUT) ** 0.5, None),
    'glorot_normal': ({}, (2 / (IN + OUT)) ** 0.5, None),
    'normal': ({'deviation': 0.3}, 0.3, None),
    'truncated_normal': ({'deviation': 0.3}, 0.3, 2 / CUT),
    'weights': ({'sha256': 'a' * 64}, IN**-0.5, 2 / CUT),  # of what is drawn anew
    'mup': ({'base_width': 16}, IN**-0.5, 2 / CUT),
}
EMBEDDINGS = {'lecun_normal': (500**-0.5, None), 'he_normal': (500**-0.5, None), 'glorot_normal': (500**-0.5, None)}
EMBEDDINGS |= {'mup': (0.25, None), 'weights': (500**-0.5, None)}
IDS = jnp.zeros((2, 6), jnp.int32)
ROUNDINGS = 8
"""One product of the head over 8 channels: that is all that both models compute."""


def test_every_kind_is_tested_here():
    assert set(KERNELS) == set(INITIALS)


def check_draw(drawn, deviation, bound):
    drawn = np.asarray(drawn, np.float64)
    assert drawn.shape == SHAPE
    assert drawn.std() == pytest.approx(deviation, rel=0.01)
    assert abs(drawn.mean()) < 0.02 * deviation
    largest = np.abs(drawn).max() / deviation
    if bound is None:
        assert largest > 3.5
    else:
        assert 0.99 * bound < largest <= bound * (1 + 1e-6)


@pytest.mark.parametrize('kind', KERNELS)
def test_deviations_and_bounds_of_large_draws(kind):
    fields, deviation, bound = KERNELS[kind]
    initial = INITIALS[kind](**fields)
    check_draw(initial.draw(jax.random.key(0), SHAPE, IN, OUT), deviation, bound)
    check_draw(initial.embedding(jax.random.key(1), SHAPE), *EMBEDDINGS.get(kind, (deviation, bound)))


def config(**initial):
    base = decoder(vocabulary=5, length=6, width=8, depth=3, mixer={'kind': 'attention', 'heads': 2}, ratio=2.0)
    return {**base, 'initial': {'kind': 'lecun_normal', **initial}}


def flat(params):
    return {'/'.join(part.key for part in path): np.asarray(leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(params)}


def drawing(**changes):
    """A compiled program `init_scale -> first parameters` of the config with these changes."""
    model = build({**config(), **changes})
    return jax.jit(lambda scale: model.init(jax.random.key(0), IDS, {'init_scale': scale})[0])


def first(**changes):
    return flat(drawing(**changes)(jnp.float32(1)))


@functools.cache
def ending(branch_end):
    """First parameters of a model whose branches end so."""
    return drawing(initial={'kind': 'lecun_normal', 'branch_end': branch_end})(jnp.float32(1))


@functools.cache
def plain():
    return drawing()


@functools.cache
def usual():
    return flat(plain()(jnp.float32(1)))


@pytest.mark.parametrize(('branch_end', 'factor'), [('zero', 0.0), ('depth', 6**-0.5)])
def test_the_last_products_of_branches_start_smaller(branch_end, factor):
    """Three layers of two branches; the head and the stem end no branch."""
    same, other = usual(), flat(ending(branch_end))
    ends = {name for name in same if name.endswith(('mixer/output/kernel', 'channel/down/kernel'))}
    assert len(ends) == 6
    for name in same:
        np.testing.assert_allclose(other[name], same[name] * (factor if name in ends else 1.0), rtol=1e-6, err_msg=name)


def test_depth_counts_branches():
    """One branch a layer in a parallel block; only the channel block's and the mixer's last products end it."""
    block = {'block': {'kind': 'parallel'}}
    models = [build({**config(branch_end=end), **block}) for end in ('same', 'depth')]

    @jax.jit
    def ends(key):
        return [model.init(key, IDS, {})[0]['block_0']['channel']['down']['kernel'] for model in models]

    same, depth = ends(jax.random.key(0))
    np.testing.assert_allclose(depth, same * 3**-0.5, rtol=1e-6)


def test_a_model_whose_branches_end_in_zeros_starts_as_its_stem_and_head():
    params, model = ending('zero'), build(config(branch_end='zero'))
    skipped = {name: jax.tree.map(np.zeros_like, part) if 'block' in name else part for name, part in params.items()}
    run = jax.jit(lambda params: model.apply(params, {}, IDS, knobs={}, key=jax.random.key(0), train=False)[0])
    assert_same_numbers(run(params), run(skipped), ROUNDINGS)


def test_the_knob_multiplies_every_kernel_and_nothing_else():
    one, three = usual(), flat(plain()(jnp.float32(3)))
    assert sum(name.endswith('kernel') for name in one) == 3 * 6 + 1
    for name in one:
        np.testing.assert_allclose(three[name], one[name] * (3.0 if name.endswith('kernel') else 1.0), rtol=1e-6, err_msg=name)


def test_biases_start_at_0():
    biases = [leaf for name, leaf in usual().items() if name.endswith('bias')]
    assert len(biases) == 3 * (3 + 2 + 2) + 2
    assert not any(bias.any() for bias in biases)


def test_deep_norm_starts_all_but_queries_and_keys_smaller():
    """(4 branches)^(-1/4) times as large, three layers of two."""
    same, deep = usual(), first(residual={'kind': 'deep_norm'})
    inside = {name for name in same if name.startswith('block') and name.endswith('kernel')}
    smaller = {name for name in inside if not name.endswith(('query/kernel', 'key/kernel'))}
    assert (len(inside), len(smaller)) == (18, 12)
    for name in same:
        factor = 24**-0.25 if name in smaller else 1.0
        np.testing.assert_allclose(deep[name], factor * same[name], rtol=1e-5, err_msg=name)


@pytest.mark.parametrize('family', ['mixer', 'channel'])
def test_what_scales_a_branch_leaves_queries_and_keys(family):
    spec = {'mixer': {'kind': 'attention', 'heads': 2}, 'channel': {'kind': 'mlp', 'ratio': 2.0}}
    module = Sockets({**PLAIN, **spec}, TABLES).make(family, name=None)

    def kernels(scale):
        drawn = module.init(jax.random.key(0), jnp.zeros((1, 3, 8)), Context(branch_scale=scale))
        return {name: leaf for name, leaf in flat(drawn['params']).items() if name.endswith('kernel')}

    one, half = kernels(1.0), kernels(0.5)
    for name in one:
        factor = 1.0 if name.startswith(('query', 'key')) else 0.5
        np.testing.assert_allclose(half[name], factor * one[name], rtol=1e-6, err_msg=name)


@pytest.mark.parametrize(
    ('kind', 'fields', 'message'),
    [
        (
            'normal',
            {'branch_end': 'none'},
            r"initial: branch_end='none'; allowed: \['same', 'zero', 'depth'\]; change branch_end",
        ),
        ('normal', {'deviation': 0.0}, "initial 'normal': deviation=0.0 is given, allowed is above 0"),
        ('truncated_normal', {'deviation': -1.0}, "initial 'truncated_normal': deviation=-1.0 is given"),
        ('lecun_normal', {'deviation': 0.1}, "initial 'lecun_normal': unknown field 'deviation'"),
        ('weights', {'sha256': 'A' * 64}, "initial 'weights': sha256='A{64}'; allowed: the 64 digits that `archlab start-from"),
        ('weights', {'sha256': 'a' * 63}, "initial 'weights': sha256='a{63}'; allowed"),
        ('weights', {'sha256': '0' * 65}, "initial 'weights': sha256='0{65}'; allowed"),
        ('weights', {}, "initial 'weights': sha256=''; allowed"),
        ('weights', {'sha256': 'a' * 64, 'branch_end': 'none'}, "initial: branch_end='none'; allowed"),
    ],
)
def test_values_that_are_refused(kind, fields, message):
    with pytest.raises(ValueError, match=message):
        build({**config(), 'initial': {'kind': kind, **fields}})


@pytest.mark.parametrize(
    'change',
    [
        {'block': 'basic'},
        {'block': 'bottleneck'},
        {'block': 'mixer_first'},
        {'residual': 'sandwich'},
        pytest.param({}, marks=pytest.mark.slow),
    ],
)
def test_a_branch_that_starts_at_zero_wakes_up(change):
    """Where a norm ends the branch its scale starts at 0 and the product before it does not: both at 0 would stay there."""
    config = {**PLAIN, 'initial': {'kind': 'lecun_normal', 'branch_end': 'zero'}}
    config['body'] = {**PLAIN['body'], 'depth': 1}
    config |= {family: {'kind': kind} for family, kind in change.items()}
    model, x = build(config), jnp.asarray(np.random.default_rng(0).normal(size=(2, 4, 4, 1)), jnp.float32)

    @jax.jit
    def second_slopes():
        params, state = model.init(jax.random.key(0), x, {})

        def loss(params):
            return (model.apply(params, state, x, knobs={}, key=jax.random.key(1), train=True)[0] ** 2).sum()

        def step(params, _):
            slopes = jax.grad(loss)(params)
            return jax.tree.map(lambda leaf, slope: leaf - 0.01 * slope, params, slopes), slopes

        _, slopes = jax.lax.scan(step, params, None, length=2)
        return jax.tree.map(lambda leaf: leaf[1], slopes)

    slopes = second_slopes()
    dead = [jax.tree_util.keystr(path) for path, leaf in jax.tree_util.tree_leaves_with_path(slopes) if not np.any(leaf)]
    assert dead == []
