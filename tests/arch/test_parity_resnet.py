"""ResNet against transformers: scores, running statistics and every gradient, by the map of its weights."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.model import build
from arch.published import MODELS, resnet

torch = pytest.importorskip('torch', reason='parity with PyTorch needs torch')
transformers = pytest.importorskip('transformers', reason='parity with the reference needs transformers')

CLOSE = 1e-5
DEEP = 1e-4
"""Where rounding adds up: in gradients through batch statistics, and over many blocks."""
CASES = {
    'two stages': ([16, 32], [1, 2], 8, 'bottleneck'),
    'three stages, the first no wider than its stem': ([16, 24, 32], [2, 3, 1], 16, 'bottleneck'),
    'two stages of basic blocks': ([16, 32], [1, 2], 8, 'basic'),
    'basic blocks, the first stage no wider than its stem': ([16, 24, 32], [2, 3, 1], 16, 'basic'),
}
"""Widths, depths, width of the stem, kind of block."""


def reference(widths, depths, stem, outputs=5, block='bottleneck'):
    """A model of transformers whose parameters, scales and running statistics are all random."""
    config = transformers.ResNetConfig(
        embedding_size=stem, hidden_sizes=widths, depths=depths, layer_type=block, num_labels=outputs
    )
    torch.manual_seed(0)
    model = transformers.ResNetForImageClassification(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * (0.7 if parameter.ndim == 1 else parameter[0].numel() ** -0.5))
        for name, buffer in model.named_buffers():
            if name.endswith('running_mean'):
                buffer.normal_()
            if name.endswith('running_var'):
                buffer.uniform_(0.5, 2.0)
    return model


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
    return jax.jit(lambda p, s, x: model.apply(p, s, x, knobs={}, key=jax.random.key(0), train=False)[0])(params, state, x)


@pytest.mark.parametrize('case', CASES)
def test_evaluation(case):
    widths, depths, stem, block = CASES[case]
    theirs, config = reference(widths, depths, stem, 5, block).eval(), resnet.resnet(widths, depths, stem, 5, block)
    x = images(3, 36)
    params, state = resnet.from_transformers(config, arrays(theirs.state_dict()))
    shapes = jax.eval_shape(lambda: build(config).init(jax.random.key(0), jnp.asarray(x), {}))
    assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), (params, state)) == jax.tree.map(
        lambda leaf: (leaf.shape, leaf.dtype), shapes
    )
    with torch.no_grad():
        close(evaluated(config, params, state, x), scores(theirs, x).numpy())


@pytest.mark.parametrize('case', CASES)
def test_training_step(case):
    """Scores with the statistics of the batch, the running statistics after, and the gradient of every parameter."""
    widths, depths, stem, block = CASES[case]
    theirs, config = reference(widths, depths, stem, 5, block).train(), resnet.resnet(widths, depths, stem, 5, block)
    x = images(6, 40)
    labels, before = np.arange(6) % 5, arrays(theirs.state_dict())
    params, state = resnet.from_transformers(config, before)
    model = build(config)

    @jax.jit
    def step(params, state, x):
        def loss(params):
            y, after, _ = model.apply(params, state, x, knobs={}, key=jax.random.key(0), train=True)
            return -jax.nn.log_softmax(y)[jnp.arange(6), labels].mean(), (y, after)

        return jax.grad(loss, has_aux=True)(params)

    slopes, (y, after) = step(params, state, x)
    theirs_y = scores(theirs, x)
    torch.nn.functional.cross_entropy(theirs_y, torch.from_numpy(labels)).backward()
    close(y, theirs_y.detach().numpy())
    close(after, resnet.from_transformers(config, arrays(theirs.state_dict()))[1])
    gradients = arrays({name: parameter.grad for name, parameter in theirs.named_parameters()})
    # The map is linear: the gradients in the place of the parameters give ours.
    close(slopes, resnet.from_transformers(config, {**before, **gradients})[0], DEEP)


def test_scanned_body_and_names_of_timm():
    widths, depths, stem = [16, 32], [1, 3], 8
    config, x = resnet.resnet(widths, depths, stem, 5), images(2, 32)
    tensors = arrays(reference(widths, depths, stem).state_dict())
    looped = resnet.weights(config, tensors)
    scanned = {**config, 'body': {**config['body'], 'over_depth': 'scan'}}
    stacked = resnet.weights(scanned, tensors)
    assert stacked[0]['blocks_1']['reduce']['kernel'].shape == (2, 32, 8)
    close(evaluated(scanned, *stacked, x), np.asarray(evaluated(config, *looped, x)))

    def renamed(name):
        name = name.replace('resnet.embedder.embedder.convolution', 'conv1').replace('classifier.1', 'fc')
        name = name.replace('resnet.embedder.embedder.normalization', 'bn1')
        name = re.sub(r'resnet\.encoder\.stages\.(\d)\.layers', lambda m: f'layer{int(m[1]) + 1}', name)
        name = re.sub(r'layer\.(\d)\.convolution', lambda m: f'conv{int(m[1]) + 1}', name)
        name = re.sub(r'layer\.(\d)\.normalization', lambda m: f'bn{int(m[1]) + 1}', name)
        return name.replace('shortcut.convolution', 'downsample.0').replace('shortcut.normalization', 'downsample.1')

    timm = {renamed(name): tensor for name, tensor in tensors.items()}
    assert {'layer2.0.downsample.0.weight', 'layer2.1.bn3.running_var', 'fc.bias'} <= set(timm)
    jax.tree.map(np.testing.assert_array_equal, resnet.weights(config, timm), looped)
    jax.tree.map(np.testing.assert_array_equal, resnet.from_timm(config, timm), looped)


ERRORS = {
    'missing': (lambda t: {n: v for n, v in t.items() if n != 'classifier.1.bias'}, '1 missing: classifier.1.bias'),
    'unused': (lambda t: {**t, 'extra.weight': np.zeros(3)}, '1 not used: extra.weight'),
    'misshapen': (
        lambda t: {**t, 'classifier.1.bias': np.zeros(7)},
        r'1 of another shape or type: classifier\.1\.bias is \[7\], wanted \[5\]',
    ),
    'none': (lambda t: {}, r'\d\d missing: resnet.* and \d\d more'),
}


@pytest.mark.parametrize('name', ERRORS)
def test_tensors_that_do_not_fit(name):
    change, message = ERRORS[name]
    tensors = arrays(reference([16], [1], 8).state_dict())
    with pytest.raises(ValueError, match=message):
        resnet.from_transformers(resnet.resnet([16], [1], 8, 5), change(tensors))


def test_config_that_does_not_fit():
    config = resnet.resnet([16], [1], 8, 5)
    tensors = arrays(reference([16], [1], 8).state_dict())
    for family, spec, message in (
        ('norm', {'kind': 'layer_norm', 'eps': 1e-6}, "norm 'batch_norm', the config has 'layer_norm'"),
        ('mixer', {'kind': 'conv', 'kernel': 3, 'bias': True}, 'mixer.bias=False, the config has True'),
    ):
        with pytest.raises(ValueError, match=message):
            resnet.from_transformers({**config, family: spec}, tensors)


@pytest.mark.slow
def test_full_size():
    theirs, x = reference([256, 512, 1024, 2048], [3, 4, 6, 3], 64, 1000).eval(), images(1, 224)
    published = MODELS['resnet50']
    params, state = published.weights(published.config, arrays(theirs.state_dict()))
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 25_557_032
    with torch.no_grad():
        close(evaluated(published.config, params, state, x), scores(theirs, x).numpy(), DEEP)
