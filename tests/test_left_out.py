"""What a study leaves out: a trial's address holds only what is written, so the values of all else stay as they are.

A default that changes gives other numbers under the same address. The paper beside a line has its values, but for sizes, which
are the lab's own.
"""

import dataclasses
import json

import pytest
from declared_numbers import GOLDEN, all_declared

from ablations.study import Study
from arch.make import fields
from arch.sockets import TABLES
from sweeps.augment import AUGMENTS
from sweeps.training.averages import KNOBS as AVERAGE_KNOBS
from sweeps.training.optimizers import OPTIMIZERS
from sweeps.training.role_knobs import KNOBS as ROLE_KNOBS
from sweeps.training.schedules import KNOBS as SCHEDULE_KNOBS
from sweeps.training.shares import KNOBS as SHARE_KNOBS

DEPTH = {'over_depth': 'loop', 'remat': False, 'compute': 'float32', 'stack': ()}
QUERIES = {
    **{'heads': 2, 'kv_heads': 0, 'biases': 'needed', 'head_size': 0, 'norm_over': 'head', 'softcap': 0.0},
    **{'sink': 'none', 'gate': False, 'short_conv': 0},
}
SHORT = {'kernel': 4, 'start': 'uniform'}  # 2512.17351
BOUNDED = {'alpha0': 0.5, 'alpha0_mixer': 0.5}
"""Dynamic tanh starts with 0.5 (2503.10622)."""
NORMS = {
    'layer_norm': {'eps': 1e-6, 'bias': True},
    'rms_norm': {'eps': 1e-6, 'scale': True},
    'batch_norm': {'eps': 1e-5, 'momentum': 0.9},  # 1502.03167, as in PyTorch, where momentum is what is new
    'group_norm': {'groups': 4, 'eps': 1e-5, 'bias': True},
    'scale_norm': {'eps': 1e-6},
    'adaptive_layer_norm': {'eps': 1e-6},
    'global_response_norm': {'eps': 1e-6},  # 2301.00808
    'dynamic_tanh': BOUNDED,
    'dynamic_erf': BOUNDED,
    'hard_tanh': BOUNDED,
}
GATE = {'gate': 'squeeze_excite', 'squeeze': 0.25, 'taps': 3}
TEN, TOKENS = {'outputs': 10}, {'vocabulary': 256}
BLOCKS = {
    'body': {
        'isotropic': {'width': 32, 'depth': 2, 'causal': False, **DEPTH, 'skips': 'none'},
        'hierarchical': {'widths': (16, 32), 'depths': (1, 1), **DEPTH},
        'towers': {'width': 32, 'depths': (1, 1), 'marks': (), 'causal': False, **DEPTH},
        'perceiver': {'width': 32, 'depths': (1, 1), 'latents': 8, 'heads': 1, 'shared': False, **DEPTH},
        'patched': {
            **{'width': 32, 'inner_width': 16, 'depths': (2, 1), 'patch': 4, 'code_levels': (), 'causal': True},
            **DEPTH,
        },
    },
    'stem': {
        'patchify': {'patch': 4},
        'patchify_norm': {'patch': 4, 'width': 0},
        'class_token': {'patch': 4, 'registers': 0},
        'overlapping_conv': {'width': 0},
        'strided_conv': {'kernel': 7, 'factor': 4, 'after': 'nothing', 'bias': True, 'width': 0},
        **dict.fromkeys(('tokens', 'scaled_tokens', 'root_scaled_tokens', 'normed_tokens'), TOKENS),
        'waveform': {'kernel': 3, 'factor': 2},
        'hashed_ngrams': {**TOKENS, 'sizes': (2, 3, 4, 5), 'buckets': 32768, 'once': False},
    },
    'position': {
        'learned': {'length': 64, 'spared': 0},
        'sinusoidal': {'base': 10000.0},  # 1706.03762
        'rotary': {'base': 10000.0, 'share': 1.0, 'stretch': 1.0, 'stretched': 'places', 'length': 64},  # 2104.09864
        'convolutional': {'kernel': 3},  # 2102.10882
    },
    'block': {
        'mixture_of_depths': {'capacity': 0.5, 'predict': 0.01},
        'parallel': {'norms': 'one'},
        'basic': {'kernel': 3},  # 1512.03385
        'bottleneck': {'ratio': 0.25},  # 1512.03385
        'mixer_first': {'ratio': 4.0, 'norms': 'each', 'activations': 'each'},
        'inverted_bottleneck': {'ratio': 4.0, **GATE, 'gate': 'none'},
    },
    'mixer': {
        'attention': QUERIES,
        'grouped_query_attention': {**QUERIES, 'heads': 4, 'kv_heads': 2},
        'sliding_window_attention': {**QUERIES, 'window': 3},
        'shifted_window_attention': {
            **{'head_size': 8, 'window': 4, 'biases': 'needed', 'scores': 'dot', 'bias': 'table'},
            'pretrained_window': 0,
        },
        'block_sparse_attention': {**QUERIES, 'block': 4, 'selected': 2},
        'native_sparse_attention': {
            'heads': 4,
            'kv_heads': 2,
            'block': 2,
            'selected': 2,
            'window': 4,
            'span': 0,
            'apart': 0,
        },
        'cross_attention': {'heads': 2, 'latents': 4},
        'differential_attention': {'heads': 2},
        'latent_attention': {
            **{'heads': 2, 'head_size': 8, 'turned': 4, 'latent': 8},
            **{'query_latent': 0, 'value_size': 0},
        },
        'linear_attention': {'heads': 2, 'eps': 1e-6, 'biases': 'needed'},  # 2006.16236
        'gated_linear_attention': {'heads': 2, 'key_ratio': 0.5, 'rank': 16, 'tau': 16.0},  # 2312.06635
        'retention': {'heads': 2, 'value_ratio': 2.0},  # 2307.08621
        'delta_rule': {'heads': 2, 'kernel': 4},  # 2406.06484
        'gated_delta_rule': {'heads': 2, 'kernel': 4},  # 2412.06464
        'kimi_delta_attention': {'heads': 2, 'kernel': 4, 'rank': 16},  # 2510.26692
        'rwkv6': {'heads': 2, 'rank': 32, 'decay_rank': 64},  # 2404.05892
        'rwkv7': {'heads': 2, 'rank': 32, 'gate_rank': 64, 'value_rank': 32},  # 2503.14456
        'gated_recurrence': {'heads': 4, 'expand': 4 / 3, 'kernel': 4},  # 2402.19427
        'selective_state_space': {'state': 8, 'expand': 2.0, 'kernel': 4, 'step_low': 0.001, 'step_high': 0.1},  # 2312.00752
        'state_space_duality': {'heads': 4, 'state': 16, 'expand': 2.0, 'kernel': 4},  # 2405.21060
        'hyena': {'order': 2, 'kernel': 3, 'hidden': 16, 'waves': 4, 'frequency': 14.0, 'length': 256},  # 2302.10866
        'token_mlp': {'ratio': 0.5},  # 2105.01601
        'conv': {'kernel': 3, 'bias': True},
        'depthwise_conv': {'kernel': 7, 'bias': True},  # 2201.03545
        'separable_conv': {'kernel': 7, 'expand': 2.0},  # 2210.13452
        'pool': {'window': 3},  # 2111.11418
        'random_mixing': {'seed': 0},
        'side_by_side': {
            'mixers': ({'kind': 'attention', 'heads': 2}, {'kind': 'depthwise_conv', 'kernel': 3}),
            'join': 'average',
            'normed': True,
        },
        'behind_short_conv': {'mixer': {'kind': 'attention', 'heads': 2}, **SHORT},
    },
    'norm': NORMS,
    'qk_norm': NORMS,
    'residual': {
        'layer_scale': {'initial': 1e-6},  # as in ConvNeXt (2201.03545)
        'skip_init': {'initial': 0.0},  # 2002.10444
        'hyper_connections': {'streams': 4, 'initial': 0.01},  # 2409.19606
        'manifold_hyper_connections': {'streams': 4, 'steps': 20, 'initial': 0.01, 'identity': 4.0, 'eps': 1e-6},  # 2512.24880
        'depth_weighted_average': {'dilation': 1, 'period': 1},  # 2402.02622
        'value_residual': {'initial': 0.5},  # 2410.17897
        **{key: {'gains': 'layer', 'initial': 1.0} for key in ('value_embeddings', 'shared_value_embeddings')},
    },
    'channel': {
        'mlp': {'ratio': 4.0, 'bias': True, 'short_conv': 0},
        'gated': {'ratio': 8 / 3, 'short_conv': 0},  # 2002.05202: two thirds of 4
        'mixture_of_experts': {
            'experts': 4,
            'top': 2,
            'ratio': 4.0,
            'balance': 0.01,
            'router_z': 0.001,
            **{'gated': False, 'shared': 0, 'scoring': 'softmax', 'scale': 1.0, 'groups': 1, 'top_groups': 1},
            **{'bias_step': 0.0, 'balance_over': 'batch'},
        },  # 2101.03961, 2202.08906
        'global_response_mlp': {'ratio': 4.0},
        'channel_gated_mlp': {'ratio': 4.0, **GATE},  # 1709.01507, but for the squeeze, as in MobileNetV3
        'shifted_mlp': {'ratio': 4.0},  # 2503.14456
        'kolmogorov_arnold': {'ratio': 0.5, 'intervals': 4, 'reach': 2.0},
        'behind_short_conv': {'channel': {'kind': 'mlp', 'ratio': 4.0}, **SHORT},
    },
    'activation': {},
    'downsample': {
        **{key: {'factor': 2} for key in ('separate_conv', 'pool_conv')},
        'patch_merging': {'factor': 2, 'norm': 'before'},
        **{key: {'factor': 2, 'strides': ()} for key in ('in_block', 'in_block_alone')},
        'strided_conv': {'kernel': 3, 'factor': 2, 'norm': False},
    },
    'head': {
        **dict.fromkeys(('classifier', 'pooled_norm_classifier', 'pooled_classifier', 'first_token_classifier'), TEN),
        'mlp_classifier': {**TEN, 'ratio': 4.0},  # 2210.13452
        'next_token': {'outputs': 256, 'bias': True, 'softcap': 0.0},
        'tied_next_token': {'softcap': 0.0},
        'multi_next_token': {'outputs': 256, 'bias': True, 'ahead': 2, 'weight': 1.0},
        'wide_classifier': {**TEN, 'width': 64, 'hidden': 0},
        'per_token': {**TEN, 'factor': 1},
        **{key: {**TEN, 'factor': 4} for key in ('interpolated', 'pixel_shuffle')},
        'fused_stages': {**TEN, 'width': 64, 'factor': 4},
    },
    'initial': {
        **{key: {'branch_end': 'same'} for key in ('lecun_normal', 'he_normal', 'glorot_normal')},
        **{key: {'branch_end': 'same', 'deviation': 0.02} for key in ('normal', 'truncated_normal')},
        'weights': {'branch_end': 'same', 'sha256': '', 'new': ()},
        'mup': {'branch_end': 'same', 'base_width': 64, 'base_depth': 0},
    },
}


def defaults(cls: type) -> dict:
    made = {name: field.default_factory for name, field in fields(cls).items() if field.default is dataclasses.MISSING}
    return {name: made[name]() if name in made else field.default for name, field in fields(cls).items()}


@pytest.mark.parametrize('family', TABLES)
def test_fields_of_blocks(family: str):
    own = {kind: defaults(cls) for kind, cls in TABLES[family].items()}
    assert {kind: values for kind, values in own.items() if values} == BLOCKS[family]


ADAM = {'b1': 0.9, 'b2': 0.99, 'eps': 1e-8}  # but for b2, which is 0.999 in 1412.6980
STEPS = {
    **dict.fromkeys(('adamw', 'adam', 'nadamw', 'schedule_free'), ADAM),
    'sgd': {'momentum': 0.9},
    'lion': {'b1': 0.9, 'b2': 0.99},  # 2302.06675
    # 2502.16982
    **{key: {'beta': 0.95, 'newton_schulz': 5.0, 'matrix_scale': 100.0, **ADAM} for key in ('muon', 'muon_everywhere')},
    'rmsprop': {'b2': 0.99, 'eps': 1e-8, 'momentum': 0.9},
    'adan': {'b1': 0.98, 'b2': 0.92, 'b3': 0.99, 'eps': 1e-8},  # 2208.06677
    'adopt': {'b1': 0.9, 'b2': 0.9999, 'eps': 1e-6},  # 2411.02853
    'mars': {'b1': 0.95, 'b2': 0.99, 'eps': 1e-8, 'gamma': 0.025},  # 2411.10438
    'lamb': {'b1': 0.9, 'b2': 0.999, 'eps': 1e-6},  # 1904.00962
    'adafactor': {'decay_rate': 0.8},  # 1804.04235
    'soap': {'b1': 0.95, 'b2': 0.95, 'eps': 1e-8, 'refresh_steps': 10.0},  # 2409.11321
    'shampoo': {'b1': 0.9, 'b2': 0.99, 'eps': 1e-8, 'ridge': 1e-6, 'refresh_steps': 10.0},
    # 2305.14342
    'sophia': {'b1': 0.965, 'b2': 0.99, 'eps': 1e-8, 'curvature_share': 0.01, 'refresh_steps': 10.0},
    'prodigy': {'b1': 0.9, 'b2': 0.999, 'eps': 1e-8, 'first_distance': 1e-6},  # 2306.06101
}


def test_knobs_of_optimizers():
    shared = {'lr': None, 'weight_decay': 0.0, 'clip': 1.0}
    assert {name: kind.KNOBS for name, kind in OPTIMIZERS.items()} == {name: {**shared, **own} for name, own in STEPS.items()}


def test_knobs_of_schedules_and_roles():
    assert {**SHARE_KNOBS, **AVERAGE_KNOBS} == {'layer_decay': 1.0, 'accumulate': 1.0, 'ema': 0.0}
    assert SCHEDULE_KNOBS == {
        **{'schedule': 0.0, 'warmup_fraction': 0.1, 'warmup_steps': 0.0, 'final_fraction': 0.0},
        'decay_fraction': 0.2,
    }
    roles = ('matrix', 'conv', 'embedding', 'head', 'vector')
    shares = {f'{knob}_{role}': 1.0 for knob in ('lr', 'weight_decay') for role in roles}
    assert {**shares, 'weight_decay_vector': 0.0} == ROLE_KNOBS


def test_fields_of_augmentations():
    own = {name: {field.name: field.default for field in dataclasses.fields(cls)} for name, cls in AUGMENTS.items()}
    operations = own['rand_augment'].pop('operations')
    assert len(operations) == len(set(operations)) == 15
    assert own == {
        'flip': {'probability': 0.5},
        'crop': {'padding': 4, 'mode': 'zero'},  # 1512.03385
        'random_resized_crop': {  # 1409.4842
            **{'size': 0, 'probability': 1.0, 'scale_low': 0.08, 'scale_high': 1.0, 'ratio': (3 / 4, 4 / 3)},
            'interpolation': 'bilinear',
        },
        'rand_augment': {
            'count': 2,
            'magnitude': 9.0,
            'deviation': 0.5,
            'probability': 0.5,
            'fill': (0.5,),
        },  # 1909.13719, timm
        'color_jitter': {'brightness': 0.4, 'contrast': 0.4, 'saturation': 0.4, 'hue': 0.0},
        'random_erasing': {  # 1708.04896 and timm
            **{'probability': 0.25, 'area_low': 0.02, 'area_high': 1 / 3, 'ratio_low': 0.3, 'fill': 'noise', 'mean': (0.5,)},
            'deviation': (0.25,),
        },
        'mixup': {'alpha': 0.8, 'probability': 1.0},
        'cutmix': {'alpha': 1.0, 'probability': 1.0},  # 1905.04899
        'mixup_or_cutmix': {'mixup_alpha': 0.8, 'cutmix_alpha': 1.0, 'cutmix_share': 0.5, 'probability': 1.0},
        'spectrogram_mask': {  # 1904.08779
            **{
                'time_width': 100,
                'frequency_width': 27,
                'time_masks': 2,
                'frequency_masks': 2,
                'time_share': 1.0,
                'fill': 'zero',
            },
        },
    }


def test_numbers_of_the_protocol():
    own = {field.name: field.default for field in dataclasses.fields(Study) if field.default is not dataclasses.MISSING}
    assert own == {
        **{'shape': 'one_swap', 'search': 'sobol', 'budget': 'trials', 'recipe': 'own', 'share': False, 'blocks': None},
        **{'trials': 10, 'screening': 0, 'extension': 4, 'replicates': 5, 'base_factor': 1, 'seeds': 4, 'looks': ()},
        **{'shares': (), 'alpha': 0.05, 'halvings': ()},
    }


def test_numbers_are_those_that_were_declared():
    """Of constants, fields and defaults, also where no trial's address rests on them: golden_numbers.json has them.

    New ones may wait for the next time that it is written, as long as they are few.
    """
    told, known = all_declared(), json.loads(GOLDEN.read_text(encoding='utf-8'))
    old = {f'{file}: {name}': own for file, numbers in known.items() for name, own in numbers.items()}
    new = {f'{file}: {name}': own for file, numbers in told.items() for name, own in numbers.items()}
    changed = sorted(name for name, own in old.items() if new.get(name) != own)
    assert not changed, f'{changed}; if you meant it: python tests/declared_numbers.py'
    assert len(new) <= 1.1 * len(old), 'many numbers are new: python tests/declared_numbers.py'
