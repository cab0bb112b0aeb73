"""Shares in the learning rate, layer by layer."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ablations.tasks import bases
from arch.growth import Growth
from arch.model import build
from sweeps.training.joined import Form
from sweeps.training.optimizers import OPTIMIZERS, make_optimizer
from sweeps.training.shares import check_shares, decays

IMAGES = jnp.zeros((1, 8, 8, 1))
VIT = bases.vit(outputs=10, patch=4, length=4, width=8, depth=3, heads=2)


def above_in(config: dict) -> dict:
    """How many layers stand above the parameters of each module."""
    model = build(config)
    tree = model.above(jax.eval_shape(lambda: model.init(jax.random.key(0), IMAGES, {})[0]))
    made: dict = {}
    for path, own in jax.tree_util.tree_leaves_with_path(tree, is_leaf=lambda leaf: isinstance(leaf, tuple)):
        made.setdefault(path[0].key, set()).add(own)
    return {module: own.pop() for module, own in made.items() if len(own) == 1}


def test_every_module_stands_at_its_layer():
    assert above_in(VIT) == {'head': 0, 'block_2': 1, 'block_1': 2, 'block_0': 3, 'stem': 4, 'position': 4}
    scanned = {**VIT, 'body': {**VIT['body'], 'over_depth': 'scan'}}
    assert above_in(scanned) == {'head': 0, 'blocks_0': (3, 2, 1), 'stem': 4, 'position': 4}


def test_stages_have_their_downsamples_with_them():
    body = {'kind': 'hierarchical', 'widths': [8, 16], 'depths': [1, 2]}
    stages = {**VIT, 'body': body, 'stem': {'kind': 'patchify', 'patch': 2}, 'position': {'kind': 'none'}}
    stages |= {'downsample': {'kind': 'patch_merging'}, 'mixer': {'kind': 'conv'}, 'head': {'kind': 'pooled_classifier'}}
    assert above_in(stages) == {'head': 0, 'block_2': 1, 'block_1': 2, 'downsample_1': 2, 'block_0': 3, 'stem': 4}


@pytest.mark.parametrize('over_depth', ['loop', 'scan'])
def test_steps_fall_from_layer_to_layer(over_depth: str):
    """At the first step of Lion every number moves by the same: what is left of it is the share. Small ones are joined."""
    model = build({**VIT, 'body': {**VIT['body'], 'over_depth': over_depth}})
    params = jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape), jax.eval_shape(lambda: model.init(jax.random.key(0), IMAGES, {})[0])
    )
    form = Form.of(params, model.roles(params), model.products(params), (), None, model.above(params))
    stored, knobs = form.join(params).stored, {**OPTIMIZERS['lion'].KNOBS, 'lr': 1.0}

    def moved(decay: float) -> dict:
        direction, move = make_optimizer('lion', form.roles, knobs, form.products, (None, decays(form, decay)))
        ones = jax.tree.map(jnp.ones_like, stored)
        return form.split(move(direction.update(ones, direction.init(stored), stored)[0], stored, 1.0))

    half, head = moved(0.5), moved(0.0)
    kernel = half['blocks_0']['channel']['up']['kernel'] if over_depth == 'scan' else None
    blocks = kernel if over_depth == 'scan' else [half[f'block_{n}']['channel']['up']['kernel'] for n in range(3)]
    for block, share in zip(blocks, (0.125, 0.25, 0.5), strict=True):
        np.testing.assert_allclose(block, -share)
    np.testing.assert_allclose(half['stem']['patches']['kernel'], -0.0625)
    np.testing.assert_allclose(half['head']['head']['kernel'], -1.0)
    assert not any(leaf.any() for module, own in head.items() if module != 'head' for leaf in jax.tree.leaves(own))
    assert decays(Form.of(params, model.roles(params), model.products(params)), 0.5) is None


@pytest.mark.parametrize(
    ('optimizer', 'layers', 'grown', 'knobs', 'said'),
    [
        ('adamw', True, False, ['layer_decay'], ''),
        ('adamw', False, False, ['lr'], ''),
        ('schedule_free', True, False, ['lr'], ''),
        ('adamw', False, False, ['lr', 'layer_decay'], "'layer_decay': a model of your own is without layers that could have"),
        ('schedule_free', True, False, ['layer_decay'], "'layer_decay': optimizer 'schedule_free' is without layers"),
        ('adamw', True, True, ['lr'], ''),
        ('prodigy', True, True, ['lr'], "'mup' has no rule for the rates of optimizer 'prodigy': it finds one rate from all"),
        ('prodigy', True, False, ['lr'], ''),
    ],
)
def test_shares_that_an_optimizer_or_a_model_does_not_know_are_refused(optimizer, layers, grown, knobs, said):
    model = types.SimpleNamespace(above=object() if layers else None, growth=object() if grown else None)
    if not said:
        check_shares(optimizer, model, knobs)
        return
    with pytest.raises(ValueError, match=said) as refused:
        check_shares(optimizer, model, knobs)
    assert 'prodigy' not in str(refused.value).partition('allowed: ')[2]


GROWN = Growth(inputs=4.0, outputs=2.0, layers=9.0)
SHARES = {
    # Under each optimizer: of a matrix, of a head and of a vector.
    **dict.fromkeys(
        ('adam', 'adamw', 'nadamw', 'adan', 'adopt', 'lion', 'rmsprop', 'mars', 'sophia', 'shampoo'), (1 / 12,) * 3
    ),
    'sgd': (1 / 2,) * 3,
    **dict.fromkeys(('lamb', 'adafactor'), (1 / 6,) * 3),
    **dict.fromkeys(('muon', 'soap'), ((0.5 / 9) ** 0.5, 1 / 12, 1 / 12)),
    'muon_everywhere': ((0.5 / 9) ** 0.5, (0.5 / 9) ** 0.5, 1 / 12),
}


@pytest.mark.parametrize('kind', SHARES)
def test_the_share_of_a_parameter_follows_from_how_it_grew(kind: str):
    rule = OPTIMIZERS[kind].GROWN
    assert [rule(GROWN, role, '') for role in ('matrix', 'head', 'vector')] == pytest.approx(SHARES[kind])
    assert {*SHARES, 'prodigy', 'schedule_free'} == {*OPTIMIZERS}


@pytest.mark.parametrize(
    ('growth', 'scale', 'share'),
    [
        (GROWN, 'adam_size', (0.5 / 4 / 9) ** 0.5),
        (GROWN, 'spectral', 1 / 3),
        (GROWN, 'original', (0.5 / 9) ** 0.5),
        (Growth(2.0, 4.0, 9.0), 'adam_size', (2 / 4 / 9) ** 0.5),
        (Growth(2.0, 4.0, 9.0), 'original', 1 / 3),
        (Growth(2.0, 4.0, 9.0), 'another', (2 / 9) ** 0.5),
    ],
)
def test_the_share_of_a_matrix_in_muon_follows_from_the_scale_of_its_steps_too(growth: Growth, scale: str, share: float):
    assert OPTIMIZERS['muon'].GROWN(growth, 'matrix', scale) == pytest.approx(share)


def test_what_starts_smaller_moves_less_under_steps_as_large_as_it_is():
    rule = OPTIMIZERS['lamb'].GROWN
    assert rule(Growth(4.0, 1.0, 9.0), 'head', '') == pytest.approx(1 / 3) and rule(Growth(), 'head', '') == 1
