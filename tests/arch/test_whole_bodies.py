"""Whole models, published ones in small and all residual rules with streams: the contracts of blocks hold of bodies too."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ablations.tasks.bases import convnext as stages
from ablations.tasks.bases import decoder
from arch.depth import stacked, unscanned
from arch.model import build
from arch.model_sockets import Sockets
from arch.published.convnext import convnext, convnext_isotropic
from arch.published.gpt2 import gpt2
from arch.published.llama import llama
from arch.published.resnet import resnet
from arch.published.roadmap import roadmap
from arch.published.swin import swin
from arch.published.swin_v2 import swin_v2
from arch.published.vit import vit
from arch.roles import names
from arch.sockets import TABLES

GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.normal(size=(2, 32, 32, 3)).astype(np.float32)
IDS = GENERATOR.integers(0, 7, size=(2, 6), dtype=np.int32)
ATTENTION = {'kind': 'attention', 'heads': 2, 'biases': 'needed'}
DECODER = decoder(vocabulary=7, length=6, width=8, depth=3, mixer=ATTENTION, ratio=2.0)
STAGES = stages(outputs=5, patch=4, widths=[8, 16], depths=[3, 2], kernel=3)
ROADMAP = roadmap(resnet([32, 64, 128, 256], [1, 2, 2, 1], outputs=5), 8, 8, [1, 1, 2, 1])
MODELS = {
    'resnet': (resnet([16, 32], [2, 2], stem=8, outputs=5), IMAGES),
    'convnext': (convnext([8, 16], [2, 2], outputs=5), IMAGES),
    'convnext_isotropic': (convnext_isotropic(8, 3, outputs=5), IMAGES),
    'vit': (vit(outputs=5, image=32, patch=16, width=8, depth=3, heads=2), IMAGES),
    'swin': (swin(outputs=5, widths=[8, 16], depths=[2, 2], head_size=4, window=4), IMAGES),
    'swin_v2': (swin_v2(outputs=5, widths=[8, 16], depths=[2, 2], head_size=4, window=4), IMAGES),
    'gpt2': (gpt2(vocabulary=7, length=6, width=8, depth=3, heads=2), IDS),
    'llama': (llama(vocabulary=7, width=16, depth=3, heads=4, kv_heads=2, hidden=24), IDS),
    **{f'roadmap.{step}': (config, IMAGES) for step, config in ROADMAP.items() if not step.startswith('kernel')},
    **{f'decoder.{kind}': ({**DECODER, 'residual': {'kind': kind}}, IDS) for kind in TABLES['residual']},
    **{
        f'stages.{kind}': ({**STAGES, 'residual': {'kind': kind}}, IMAGES)
        for kind, cls in TABLES['residual'].items()
        if cls.STREAMS and not cls.NEEDS
    },
}
KEY = jax.random.key(0)


def random(tree, seed=1, shift=0.0):
    """Random numbers in place of first values: gains of 0 would hide what lies behind them."""
    generator = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: (generator.normal(size=leaf.shape) / 2 + shift).astype(np.float32), tree)


def started(config, x):
    model = build(config)
    params, state = jax.eval_shape(lambda: model.init(KEY, x, {}))
    return model, random(params), jax.tree.map(np.abs, random(state, shift=1.0))


def dead(config, name):
    """Parameters that can have no gradient: a key bias under a softmax, and a mix of streams that are still equal."""
    alike = {'blocks_0', 'block_0', 'block_3'} if config['body']['kind'] == 'hierarchical' else {'block_0'}
    first = 'residual_mixer' in name or 'residual' in name
    if config['residual']['kind'] == 'manifold_hyper_connections' and name[0] in alike and first and 'res' in name:
        return True
    return config['mixer'].get('biases') == 'all' and name[-2:] == ('key', 'bias')


@pytest.mark.slow
@pytest.mark.parametrize('name', MODELS)
def test_every_parameter_of_a_model_receives_gradient(name):
    config, x = MODELS[name]
    model, params, state = started(config, x)

    @jax.jit
    @jax.grad
    def slopes(params):
        y = model.apply(params, state, x, knobs={}, key=KEY, train=False)[0]
        return jnp.sum(y * np.random.default_rng(7).normal(size=y.shape).astype(np.float32))

    for path, leaf in jax.tree_util.tree_leaves_with_path(slopes(params)):
        assert np.isfinite(leaf).all(), names(path)
        assert np.any(leaf) or dead(config, names(path)), names(path)


@pytest.mark.slow
@pytest.mark.parametrize('name', MODELS)
def test_lanes_of_a_model_are_runs_of_their_own(name):
    config, x = MODELS[name]
    model, params, state = started(config, x)

    def run(params, state):
        return model.apply(params, state, x, knobs={}, key=KEY, train=True)[:2]

    lanes = [jax.tree.map(lambda leaf, scale=scale: leaf * scale, params) for scale in (1.0, 0.7)]
    together = jax.jit(jax.vmap(run))(*(jax.tree.map(lambda *leaves: np.stack(leaves), *pair) for pair in (lanes, [state] * 2)))
    alone = jax.jit(run)
    for lane, own in enumerate(lanes):
        for left, right in zip(jax.tree.leaves(together), jax.tree.leaves(alone(own, state)), strict=True):
            np.testing.assert_allclose(left[lane], right, rtol=1e-4, atol=1e-4 * np.abs(right).max())


@pytest.mark.slow
@pytest.mark.parametrize('name', [name for name, (config, _) in MODELS.items() if not unscanned(Sockets(config, TABLES))])
def test_a_scanned_model_is_the_looped_one(name):
    config, x = MODELS[name]
    model, params, state = started(config, x)
    scans = {**config, 'body': {**config['body'], 'over_depth': 'scan'}}
    layers = Sockets(config, TABLES).make('body', name=None).blocks()
    other = build(scans)
    y = jax.jit(lambda p, s: model.apply(p, s, x, knobs={}, key=KEY, train=True)[0])(params, state)
    z = jax.jit(lambda p, s: other.apply(p, s, x, knobs={}, key=KEY, train=True)[0])(
        stacked(params, layers), stacked(state, layers)
    )
    np.testing.assert_allclose(y, z, rtol=1e-4, atol=1e-4 * np.abs(y).max())


@pytest.mark.slow
@pytest.mark.parametrize('name', [name for name, (config, _) in MODELS.items() if config['body'].get('causal')])
def test_no_token_sees_a_later_one(name):
    config, x = MODELS[name]
    model, params, state = started(config, x)
    run = jax.jit(lambda ids: model.apply(params, state, ids, knobs={}, key=KEY, train=False)[0])
    changed = x.copy()
    changed[:, 3] = (changed[:, 3] + 1) % 7
    far = np.abs(np.asarray(run(x)) - np.asarray(run(changed))).max((0, 2))
    assert (far[:3] == 0).all()
    assert far[3] > 0
