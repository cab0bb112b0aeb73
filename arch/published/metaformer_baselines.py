"""MetaFormer baselines (2210.13452): one frame with identity, random mixing, pooling, separable convolutions and attention."""

from collections.abc import Mapping, Sequence

import numpy as np

from arch.config import complete
from arch.model_sockets import Sockets
from arch.published.published import Published
from arch.published.tensors import Tensors
from arch.published.weight_map import check_kinds, dense, image_channels, in_form, layer_norm
from arch.sockets import TABLES

REFERENCE = 'a MetaFormer of timm'
WIDTHS = (64, 128, 320, 512)
CONVOLUTION = {'kind': 'separable_conv', 'kernel': 7, 'expand': 2.0}
HEAD_SIZE = 32
OF_ONE_GROUP = {'norm': {'kind': 'group_norm', 'groups': 1, 'eps': 1e-6, 'bias': False}}
OF_CHANNELS = {'kind': 'layer_norm', 'eps': 1e-6, 'bias': False}


def metaformer(
    widths: Sequence[int], depths: Sequence[int], mixers: Sequence[dict], of_blocks: dict, ratio: float, outputs: int = 1000
) -> dict:
    """A model of four stages with a mixer for each; the last two scale the stream.

    `of_blocks`: what the norms inside blocks have of their own; those between stages are `OF_CHANNELS`. `ratio`: of the hidden
    channels of the head.
    """
    stack = [{'stage': stage, 'mixer': dict(mixer), **of_blocks} for stage, mixer in enumerate(mixers)]
    for late in stack[2:]:
        late['residual'] = {'kind': 'residual_scale'}
    return complete(
        body={'kind': 'hierarchical', 'widths': list(widths), 'depths': list(depths), 'stack': stack},
        stem={'kind': 'strided_conv', 'kernel': 7, 'factor': 4, 'after': 'norm'},
        mixer=dict(mixers[0]),
        norm=OF_CHANNELS,
        channel={'kind': 'mlp', 'ratio': 4.0, 'bias': False},
        activation={'kind': 'star_relu'},
        downsample={'kind': 'strided_conv', 'kernel': 3, 'factor': 2, 'norm': True},
        head={'kind': 'mlp_classifier', 'outputs': outputs, 'ratio': ratio},
        initial={'kind': 'truncated_normal', 'branch_end': 'same', 'deviation': 0.02},
    )


def attention(width: int) -> dict:
    """Attention with heads of `HEAD_SIZE` channels and no bias."""
    return {'kind': 'attention', 'heads': width // HEAD_SIZE, 'biases': 'none'}


def identityformer(depths: Sequence[int], widths: Sequence[int] = WIDTHS) -> dict:
    """No mixing at all."""
    return metaformer(widths, depths, [{'kind': 'identity'}] * 4, OF_ONE_GROUP, 0.0)


def randformer(depths: Sequence[int], widths: Sequence[int] = WIDTHS) -> dict:
    """No mixing, then random mixing in the last two stages."""
    return metaformer(widths, depths, [{'kind': 'identity'}] * 2 + [{'kind': 'random_mixing'}] * 2, OF_ONE_GROUP, 0.0)


def poolformer_v2(depths: Sequence[int], widths: Sequence[int] = WIDTHS) -> dict:
    """Pooling."""
    return metaformer(widths, depths, [{'kind': 'pool', 'window': 3}] * 4, OF_ONE_GROUP, 0.0)


def convformer(depths: Sequence[int], widths: Sequence[int] = WIDTHS) -> dict:
    """Separable convolutions."""
    return metaformer(widths, depths, [CONVOLUTION] * 4, {}, 4.0)


def caformer(depths: Sequence[int], widths: Sequence[int] = WIDTHS) -> dict:
    """Separable convolutions, then attention in the last two stages."""
    return metaformer(widths, depths, [CONVOLUTION] * 2 + [attention(width) for width in widths[2:]], {}, 4.0)


def from_timm(config: dict, tensors: Mapping[str, np.ndarray]) -> tuple[dict, dict]:
    """Our (params, state) of such a config from the state dict of a MetaFormer of timm.

    timm's stem has two zeros before an image and ours three, so that the same scores come from an image that is moved by one
    pixel. Raises ValueError where the config is of another kind, or for missing, misshapen or unused tensors.
    """
    check_kinds(config, metaformer(WIDTHS, [1] * 4, [config['mixer']] * 4, {}, 0.0), REFERENCE)
    given, params, first = Tensors(tensors), {}, 0
    widths, depths = config['body']['widths'], config['body']['depths']
    sockets = Sockets(config, TABLES)

    def filters(name: str, taps: int, inputs: int, outputs: int) -> dict:
        kernel = given.convolution(f'{name}.weight', taps, inputs, outputs)
        return {'conv': {'kernel': kernel, 'bias': given.take(f'{name}.bias', (outputs,))}}

    def scale(name: str, channels: int) -> dict:
        return {'scale': given.take(f'{name}.weight', (channels,))}

    def star(name: str) -> dict:
        return {part: given.take(f'{name}.{part}', (1,)).reshape(()) for part in ('scale', 'bias')}

    def product(name: str, inputs: int, outputs: int) -> dict:
        name = f'{name}.weight'
        if np.ndim(tensors.get(name, np.zeros(0))) == 4:
            return {'kernel': given.patches(name, 1, inputs, outputs)}
        return {'kernel': given.linear(name, inputs, outputs)}

    def mixer(kind: str, name: str, width: int) -> dict:
        if kind == 'attention':
            joint = given.linear(f'{name}.qkv.weight', width, 3 * width)
            parts = zip(('query', 'key', 'value'), np.split(joint, 3, 1), strict=True)
            return {**{part: {'kernel': kernel} for part, kernel in parts}, 'output': product(f'{name}.proj', width, width)}
        if kind == 'separable_conv':
            wide, taps = round(config['mixer']['expand'] * width), config['mixer']['kernel']
            return {
                'up': product(f'{name}.pwconv1', width, wide),
                'activation': star(f'{name}.act1'),
                'depthwise': {'kernel': given.depthwise(f'{name}.dwconv.weight', taps, wide)},
                'down': product(f'{name}.pwconv2', wide, width),
            }
        return {}

    params['stem'] = {
        **filters('stem.conv', config['stem']['kernel'], image_channels(tensors, 'stem.conv.weight'), widths[0]),
        'norm': scale('stem.norm', widths[0]),
    }
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        if stage:
            here, before = f'stages.{stage}.downsample', widths[stage - 1]
            conv = filters(f'{here}.conv', config['downsample']['kernel'], before, width)
            params[f'downsample_{stage}'] = {'norm': scale(f'{here}.norm', before), **conv}
        for number in range(depth):
            name, kind = f'stages.{stage}.blocks.{number}', sockets.of_layer(first).kind('mixer')
            hidden = round(config['channel']['ratio'] * width)
            block = {
                'norm_mixer': scale(f'{name}.norm1', width),
                'mixer': mixer(kind, f'{name}.token_mixer', width),
                'norm_channel': scale(f'{name}.norm2', width),
                'channel': {
                    'up': product(f'{name}.mlp.fc1', width, hidden),
                    'activation': star(f'{name}.mlp.act'),
                    'down': product(f'{name}.mlp.fc2', hidden, width),
                },
            }
            if stage > 1:
                for place, branch in enumerate(('mixer', 'channel'), 1):
                    block[f'residual_{branch}'] = {'scale': given.take(f'{name}.res_scale{place}.scale', (width,))}
            params[f'block_{first}'] = {part: own for part, own in block.items() if own}
            first += 1
    outputs, hidden = config['head']['outputs'], round(config['head']['ratio'] * widths[-1])
    params['head'] = {'norm': layer_norm(given, 'head.norm', widths[-1])}
    if hidden:
        params['head'] |= {
            'hidden': dense(given, 'head.fc.fc1', widths[-1], hidden),
            'norm_hidden': layer_norm(given, 'head.fc.norm', hidden),
            'head': dense(given, 'head.fc.fc2', hidden, outputs),
        }
    else:
        params['head']['head'] = dense(given, 'head.fc', widths[-1], outputs)
    given.finish(f'{REFERENCE} of {list(depths)} blocks of widths {list(widths)}')
    return in_form(config, params), {}


def _published(config: dict, about: str, weights: object = from_timm) -> Published:
    return Published(config, (224, 224, 3), '2210.13452', about, weights)


S12, S18 = (2, 2, 6, 2), (3, 3, 9, 3)
MODELS = {
    'identityformer_s12': _published(identityformer(S12), 'IdentityFormer-S12: nothing mixes positions, 11.9 M parameters'),
    'randformer_s12': _published(randformer(S12), 'RandFormer-S12: fixed random mixing in two stages, 11.9 M parameters'),
    'poolformer_v2_s12': _published(poolformer_v2(S12), 'PoolFormerV2-S12, 11.9 M parameters'),
    'convformer_s18': _published(convformer(S18), 'ConvFormer-S18, 26.8 M parameters'),
    'convformer_s36': _published(convformer((3, 12, 18, 3)), 'ConvFormer-S36, 40 M parameters'),
    'caformer_s18': _published(caformer(S18), 'CAFormer-S18: convolutions, then attention, 26.3 M parameters'),
    'caformer_s36': _published(caformer((3, 12, 18, 3)), 'CAFormer-S36: convolutions, then attention, 39.3 M parameters'),
}
