"""Maps of reference weights of convolutional models: every number arrives once, in the form of init and where it did."""

import golden_texts
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reference_tensors import arrived, linear, norm, numbered
from safetensors.numpy import load_file, save_file

from arch.model import build
from arch.published import MODELS, convnext, deit3, metaformer_baselines, resnet
from arch.published.importing import import_file, load_weights
from arch.published.published import Published


def convolution(name: str, inputs: int, outputs: int, taps: int, bias: bool = True) -> dict[str, tuple[int, ...]]:
    return {f'{name}.weight': (outputs, inputs, taps, taps), **({f'{name}.bias': (outputs,)} if bias else {})}


def statistics(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    return {**norm(name, channels), f'{name}.running_mean': (channels,), f'{name}.running_var': (channels,)}


def convnext_shapes(called: dict[str, str]) -> dict[str, tuple[int, ...]]:
    """Two stages, of 4 and 8 channels."""
    shapes = {**convolution(called['stem'], 3, 4, 4), **norm(called['stem_norm'], 4)}
    for stage, width in enumerate((4, 8)):
        here = {part: name.format(stage=stage, number=0) for part, name in called.items()}
        if stage:
            shapes |= norm(here['downsample_norm'], 4) | convolution(here['downsample'], 4, 8, 2)
        shapes |= convolution(here['mixer'], 1, width, 7) | norm(here['norm'], width)
        shapes |= linear(here['up'], width, 4 * width) | linear(here['down'], 4 * width, width)
        shapes[here['scale']] = (width,)
    return shapes | norm(called['head_norm'], 8) | linear(called['head'], 8, 3)


def resnet_shapes(called: dict[str, str], block: str = 'bottleneck') -> dict[str, tuple[int, ...]]:
    """Two stages, of 8 and 16 channels, in bottlenecks a quarter of them inside; two blocks in the second."""
    shapes = {**convolution(called['stem'], 3, 4, 7, False), **statistics(called['stem_norm'], 4)}
    inputs = 4
    for stage, (width, depth) in enumerate(((8, 1), (16, 2))):
        for number in range(depth):
            place = {'stage': stage, 'from_1': stage + 1, 'number': number}
            if not number:
                shortcut, shortcut_norm = (called[name].format(**place) for name in ('shortcut', 'shortcut_norm'))
                shapes |= convolution(shortcut, inputs, width, 1, False) | statistics(shortcut_norm, width)
            inside = width // 4
            parts = {
                'bottleneck': [(inputs, inside, 1), (inside, inside, 3), (inside, width, 1)],
                'basic': [(inputs, width, 3), (width, width, 3)],
            }
            for part, (into, out, taps) in enumerate(parts[block]):
                product, normed = (
                    called[name].format(**place, part=part, part_from_1=part + 1) for name in ('part', 'part_norm')
                )
                shapes |= convolution(product, into, out, taps, False) | statistics(normed, out)
            inputs = width
    return shapes | linear(called['head'], 16, 3)


def deit3_shapes() -> dict[str, tuple[int, ...]]:
    """One layer of width 8 on four patches of 4 pixels, two registers."""
    shapes = {
        'cls_token': (1, 1, 8),
        'reg_token': (1, 2, 8),
        'pos_embed': (1, 4, 8),
        **convolution('patch_embed.proj', 3, 8, 4),
    }
    shapes |= norm('blocks.0.norm1', 8) | linear('blocks.0.attn.qkv', 8, 24) | linear('blocks.0.attn.proj', 8, 8)
    shapes |= norm('blocks.0.norm2', 8) | linear('blocks.0.mlp.fc1', 8, 32) | linear('blocks.0.mlp.fc2', 32, 8)
    shapes |= {f'blocks.0.ls{place}.gamma': (8,) for place in (1, 2)}
    return shapes | norm('norm', 8) | linear('head', 8, 3)


FORMER = metaformer_baselines.caformer((1, 1, 1, 1), (4, 8, 32, 32))
FORMER['head']['outputs'] = 3


def former_shapes() -> dict[str, tuple[int, ...]]:
    """Four stages of a block each, two of convolutions and two of attention."""

    def star(name: str) -> dict[str, tuple[int, ...]]:
        return {f'{name}.scale': (1,), f'{name}.bias': (1,)}

    shapes, before = {**convolution('stem.conv', 3, 4, 7), 'stem.norm.weight': (4,)}, 4
    for stage, width in enumerate((4, 8, 32, 32)):
        here = f'stages.{stage}'
        if stage:
            shapes |= {f'{here}.downsample.norm.weight': (before,), **convolution(f'{here}.downsample.conv', before, width, 3)}
        block, before = f'{here}.blocks.0', width
        shapes |= {f'{block}.norm{place}.weight': (width,) for place in (1, 2)}
        if stage < 2:
            shapes |= convolution(f'{block}.token_mixer.pwconv1', width, 2 * width, 1, False) | star(
                f'{block}.token_mixer.act1'
            )
            shapes |= convolution(f'{block}.token_mixer.dwconv', 1, 2 * width, 7, False)
            shapes |= convolution(f'{block}.token_mixer.pwconv2', 2 * width, width, 1, False)
        else:
            shapes |= linear(f'{block}.token_mixer.qkv', width, 3 * width, False)
            shapes |= linear(f'{block}.token_mixer.proj', width, width, False)
            shapes |= {f'{block}.res_scale{place}.scale': (width,) for place in (1, 2)}
        shapes |= linear(f'{block}.mlp.fc1', width, 4 * width, False) | star(f'{block}.mlp.act')
        shapes |= linear(f'{block}.mlp.fc2', 4 * width, width, False)
    shapes |= norm('head.norm', 32) | linear('head.fc.fc1', 32, 128) | norm('head.fc.norm', 128)
    return shapes | linear('head.fc.fc2', 128, 3)


CASES = {
    'convnext': (convnext.convnext([4, 8], [1, 1], 3), convnext, convnext_shapes),
    'resnet': (resnet.resnet([8, 16], [1, 2], 4, 3), resnet, resnet_shapes),
    'resnet_basic': (
        resnet.resnet([8, 16], [1, 2], 4, 3, 'basic'),
        resnet,
        lambda called: resnet_shapes(called, 'basic'),
    ),
}


def given(called: dict[str, str], shapes_of) -> dict[str, np.ndarray]:
    return numbered(shapes_of(called))


@pytest.mark.parametrize('source', ['TRANSFORMERS', 'TIMM'])
@pytest.mark.parametrize('family', CASES)
def test_numbers_arrive_where_they_did(family, source):
    config, module, shapes_of = CASES[family]
    tensors = given(getattr(module, source), shapes_of)
    made = getattr(module, f'from_{source.lower()}')(config, tensors)
    again = module.weights(config, tensors)
    model = build(config)
    wanted = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, 32, 32, 3)), {}))
    assert jax.tree.map(jnp.shape, made) == jax.tree.map(jnp.shape, wanted) == jax.tree.map(jnp.shape, again)
    assert all((one == other).all() for one, other in zip(jax.tree.leaves(made), jax.tree.leaves(again), strict=True))
    golden_texts.hold(f'weights_{family}_{source.lower()}', arrived(made, tensors))


TIMM_ALONE = {
    'deit3': (deit3.deit3(3, 8, 4, 8, 1, 2, registers=2), deit3.from_timm, deit3_shapes(), (8, 8, 3)),
    'caformer': (FORMER, metaformer_baselines.from_timm, former_shapes(), (64, 64, 3)),
}


@pytest.mark.parametrize('family', TIMM_ALONE)
def test_numbers_of_timm_arrive_where_they_did(family):
    config, map_of, shapes, example = TIMM_ALONE[family]
    tensors, model = numbered(shapes), build(config)
    made = map_of(config, tensors)
    wanted = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, *example)), {}))
    assert jax.tree.map(jnp.shape, made) == jax.tree.map(jnp.shape, wanted)
    golden_texts.hold(f'weights_{family}_timm', arrived(made, tensors))


@pytest.mark.parametrize('family', CASES)
def test_tensors_of_another_model_are_named(family):
    config, module, shapes_of = CASES[family]
    tensors = given(module.TIMM, shapes_of)
    first, *_ = tensors
    changed = {**tensors, 'more': np.zeros(2, np.float32), list(tensors)[-1]: np.zeros(7, np.float32)}
    changed[list(tensors)[-2]] = tensors[list(tensors)[-2]].astype(np.int8)
    del changed[list(tensors)[1]]
    with pytest.raises(
        ValueError, match=r'1 missing: .*2 of another shape or type: .* wanted floats: quantised.*1 not used: more;'
    ):
        module.from_timm(config, changed)
    with pytest.raises(ValueError, match=r"for mixer '\w+', the config has 'pool'"):
        module.from_timm({**config, 'mixer': {'kind': 'pool'}}, tensors)
    stem = {**tensors, first: np.zeros(3, np.float32)}
    with pytest.raises(ValueError, match='of another shape'):
        module.from_timm(config, stem)


@pytest.mark.parametrize('family', CASES)
def test_what_is_written_is_counted_and_is_what_is_read(family, tmp_path, monkeypatch):
    """Statistics are tensors of the file and no parameters."""
    config, module, shapes_of = CASES[family]
    tensors = given(module.TIMM, shapes_of)
    monkeypatch.setitem(MODELS, 'tiny', Published(config, (32, 32, 3), '0000.00000', 'tiny', module.weights))
    save_file(tensors, tmp_path / 'theirs.safetensors')
    facts = import_file('tiny', tmp_path / 'theirs.safetensors', tmp_path / 'ours.safetensors')
    params, state = module.weights(config, tensors)
    running = [name for name in tensors if '.running_' in name]
    assert facts['tensors'] == len(load_file(tmp_path / 'ours.safetensors')) == len(tensors)
    assert len(jax.tree.leaves(state)) == len(running) and (running or family == 'convnext')
    assert facts['parameters'] == sum(one.size for name, one in tensors.items() if name not in running)
    ours = load_weights(tmp_path / 'ours.safetensors')
    assert jax.tree.structure(ours) == jax.tree.structure((params, state))
    assert all((a == b).all() for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves((params, state)), strict=True))


def test_a_convnext_without_scales_takes_none():
    config, shapes = {**CASES['convnext'][0], 'residual': {'kind': 'pre'}}, convnext_shapes(convnext.TIMM)
    scales = [name for name in shapes if name.endswith('gamma')]
    params, state = convnext.from_timm(config, numbered({name: shapes[name] for name in shapes if name not in scales}))
    assert len(scales) == 2 and state == {} and set(params['block_1']) == {'mixer', 'norm', 'channel'}
    with pytest.raises(ValueError, match=r'a ConvNeXt of widths .*: 2 not used: '):
        convnext.from_timm(config, numbered(shapes))


def test_a_deit_without_registers_has_one_token_before_its_patches():
    shapes = {name: shape for name, shape in deit3_shapes().items() if name != 'reg_token'}
    config, tensors = deit3.deit3(3, 8, 4, 8, 1, 2), numbered(shapes)
    params, _ = deit3.from_timm(config, tensors)
    assert (params['stem']['embedding'] == tensors['cls_token'][0]).all()
    assert config['position']['spared'] == 1 and 'registers' not in config['stem']
    with pytest.raises(ValueError, match='1 missing: reg_token'):
        deit3.from_timm(deit3.deit3(3, 8, 4, 8, 1, 2, registers=2), tensors)


@pytest.mark.parametrize(('kind', 'wanted'), [('two_branch', 'bottleneck'), ('mixer_first', 'bottleneck')])
def test_a_resnet_of_other_blocks_is_asked_for_bottlenecks(kind, wanted):
    said = f"the weights of a ResNet with blocks of kind {wanted} are for block '{wanted}', the config has '{kind}'"
    with pytest.raises(ValueError, match=said):
        resnet.from_timm({**CASES['resnet'][0], 'block': {'kind': kind}}, {})


def test_the_first_stage_of_a_resnet_as_wide_as_its_stem_has_no_shortcut():
    config = resnet.resnet([4, 8], [1, 1], 4, 3, 'basic')
    shapes = {
        **convolution('conv1', 3, 4, 7, False),
        **statistics('bn1', 4),
        **linear('fc', 8, 3),
        **convolution('layer2.0.downsample.0', 4, 8, 1, False),
        **statistics('layer2.0.downsample.1', 8),
    }
    for stage, (into, out) in enumerate(((4, 4), (4, 8)), 1):
        shapes |= convolution(f'layer{stage}.0.conv1', into, out, 3, False) | statistics(f'layer{stage}.0.bn1', out)
        shapes |= convolution(f'layer{stage}.0.conv2', out, out, 3, False) | statistics(f'layer{stage}.0.bn2', out)
    params, state = resnet.from_timm(config, numbered({**shapes, 'bn1.num_batches_tracked': ()}))
    assert [name for name in params if name.startswith('downsample')] == ['downsample_1']
    assert set(state['downsample_1']['norm']) == {'mean', 'variance'}
