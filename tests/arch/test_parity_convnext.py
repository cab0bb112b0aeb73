"""ConvNeXt against transformers: scores and every gradient, by the map of its weights."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.model import build
from arch.published import MODELS, convnext

torch = pytest.importorskip('torch', reason='parity with PyTorch needs torch')
transformers = pytest.importorskip('transformers', reason='parity with the reference needs transformers')

CLOSE = 1e-5
DEEP = 1e-4
"""Where rounding adds up over many blocks."""
CASES = {'two stages': ([8, 16], [1, 2], 0.1), 'three stages, no scale': ([8, 12, 16], [2, 1, 1], 0.0)}
"""Widths, depths, and what layer scale starts at: 0 leaves it out."""


def reference(widths, depths, initial, outputs=5):
    """A model of transformers whose parameters are all random, scales of branches included."""
    config = transformers.ConvNextConfig(
        num_stages=len(widths),
        hidden_sizes=widths,
        depths=depths,
        layer_scale_init_value=initial,
        layer_norm_eps=1e-6,
        num_labels=outputs,
    )
    torch.manual_seed(0)
    model = transformers.ConvNextForImageClassification(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * (0.7 if parameter.ndim == 1 else parameter[0].numel() ** -0.5))
    return model


def ours(widths, depths, initial):
    config = convnext.convnext(widths, depths, 5)
    return config if initial else {**config, 'residual': {'kind': 'pre'}}


def arrays(tensors):
    return {name: tensor.detach().numpy().copy() for name, tensor in tensors.items()}


def images(batch, size):
    return np.random.default_rng(1).normal(size=(batch, size, size, 3)).astype(np.float32)


def scores(model, x):
    return model(torch.from_numpy(x.transpose(0, 3, 1, 2))).logits


def close(ours, wanted, share=CLOSE):
    """Every leaf agrees to a share of its own largest number."""
    jax.tree.map_with_path(
        lambda path, a, b: np.testing.assert_allclose(
            a, b, rtol=0, atol=share * np.abs(b).max(), err_msg=jax.tree_util.keystr(path)
        ),
        ours,
        wanted,
    )


def evaluated(config, params, state, x):
    model = build(config)
    return jax.jit(lambda p, x: model.apply(p, state, x, knobs={}, key=jax.random.key(0), train=False)[0])(params, x)


@pytest.mark.parametrize('case', CASES)
def test_scores_and_gradients(case):
    """While training and outside of it, which differ in nothing where no branch is dropped."""
    theirs, config, x = reference(*CASES[case]), ours(*CASES[case]), images(3, 32)
    labels, tensors = np.arange(3), arrays(theirs.state_dict())
    params, state = convnext.from_transformers(config, tensors)
    model = build(config)
    shapes = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.asarray(x), {}))
    assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), (params, state)) == jax.tree.map(
        lambda leaf: (leaf.shape, leaf.dtype), shapes
    )

    @jax.jit
    def step(params, x):
        def loss(params):
            y = model.apply(params, state, x, knobs={}, key=jax.random.key(0), train=True)[0]
            return -jax.nn.log_softmax(y)[jnp.arange(3), labels].mean(), y

        return jax.grad(loss, has_aux=True)(params)

    slopes, y = step(params, x)
    theirs_y = scores(theirs.train(), x)
    torch.nn.functional.cross_entropy(theirs_y, torch.from_numpy(labels)).backward()
    close(y, theirs_y.detach().numpy())
    gradients = arrays({name: parameter.grad for name, parameter in theirs.named_parameters()})
    assert set(gradients) == set(tensors)
    # The map is linear: the gradients in the place of the parameters give ours.
    close(slopes, convnext.from_transformers(config, gradients)[0])
    with torch.no_grad():
        close(evaluated(config, params, state, x), scores(theirs.eval(), x).numpy())


def test_scanned_body_and_names_of_timm():
    case = ([8, 16], [1, 2], 0.1)
    config, x = ours(*case), images(2, 32)
    tensors = arrays(reference(*case).state_dict())
    looped = convnext.weights(config, tensors)
    scanned = {**config, 'body': {**config['body'], 'over_depth': 'scan'}}
    stacked = convnext.weights(scanned, tensors)
    assert stacked[0]['blocks_1']['channel']['up']['kernel'].shape == (2, 16, 64)
    close(evaluated(scanned, *stacked, x), np.asarray(evaluated(config, *looped, x)))

    def renamed(name):
        name = re.sub(r'convnext\.encoder\.stages\.(\d)\.layers', r'stages.\1.blocks', name)
        name = re.sub(r'convnext\.encoder\.stages\.(\d)\.downsampling_layer', r'stages.\1.downsample', name)
        for old, new in (
            ('convnext.embeddings.patch_embeddings', 'stem.0'),
            ('convnext.embeddings.layernorm', 'stem.1'),
            ('convnext.layernorm', 'head.norm'),
            ('classifier', 'head.fc'),
            ('dwconv', 'conv_dw'),
            ('layernorm', 'norm'),
            ('pwconv', 'mlp.fc'),
            ('layer_scale_parameter', 'gamma'),
        ):
            name = name.replace(old, new)
        return name

    timm = {renamed(name): tensor for name, tensor in tensors.items()}
    assert {'stages.1.downsample.1.weight', 'stages.1.blocks.1.mlp.fc2.bias', 'stages.0.blocks.0.gamma'} <= set(timm)
    jax.tree.map(np.testing.assert_array_equal, convnext.weights(config, timm), looped)
    jax.tree.map(np.testing.assert_array_equal, convnext.from_timm(config, timm), looped)


def test_what_does_not_fit():
    case = ([8], [1], 0.1)
    config, tensors = ours(*case), arrays(reference(*case).state_dict())
    scale = 'convnext.encoder.stages.0.layers.0.layer_scale_parameter'
    for given, swapped, message in (
        (tensors, {'residual': {'kind': 'pre'}}, f'1 not used: {scale}'),
        ({name: tensor for name, tensor in tensors.items() if name != scale}, {}, f'1 missing: {scale}'),
        ({**tensors, scale: np.zeros(9)}, {}, r'layer_scale_parameter is \[9\], wanted \[8\]'),
        (tensors, {'residual': {'kind': 'rezero'}}, "residual 'layer_scale', the config has 'rezero'"),
        (tensors, {'norm': {'kind': 'batch_norm'}}, "norm 'layer_norm', the config has 'batch_norm'"),
        (tensors, {'mixer': {'kind': 'depthwise_conv', 'kernel': 5, 'bias': True}}, r'wanted \[8, 1, 5, 5\]'),
    ):
        with pytest.raises(ValueError, match=message):
            convnext.from_transformers({**config, **swapped}, given)


@pytest.mark.slow
def test_full_size():
    theirs, x = reference([96, 192, 384, 768], [3, 3, 9, 3], 0.1, 1000).eval(), images(1, 224)
    published = MODELS['convnext_tiny']
    params, state = published.weights(published.config, arrays(theirs.state_dict()))
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 28_589_128
    with torch.no_grad():
        close(evaluated(published.config, params, state, x), scores(theirs, x).numpy(), DEEP)
