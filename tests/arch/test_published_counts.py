"""The parameters of published models that have no weights here, to the unit, and what their layers are."""

import jax
import jax.numpy as jnp
import pytest

from arch.cost import multiply_adds, parameters
from arch.model import build
from arch.model_sockets import Sockets
from arch.published import (
    MODELS,
    decoders,
    deepseek,
    deit3,
    efficientnet,
    metaformer,
    metaformer_baselines,
    nanochat,
)
from arch.sockets import TABLES

PARAMETERS = {
    'mlp_mixer_s16': 18_528_264,
    'mlp_mixer_b16': 59_880_472,
    'poolformer_s12': 11_915_176,
    'poolformer_s24': 21_388_968,
    'conv_mixer_768_32': 21_110_248,
    'conv_mixer_1536_20': 51_625_960,
    'deit3_small_patch16_224': 22_059_496,
    'deit3_base_patch16_224': 86_585_320,
    'deit3_large_patch16_224': 304_374_760,
    'deit3_small_patch16_reg4_224': 22_061_032,
    'deit3_base_patch16_reg4_224': 86_588_392,
    'identityformer_s12': 11_891_712,
    'randformer_s12': 11_891_712,
    'poolformer_v2_s12': 11_891_712,
    'convformer_s18': 26_774_448,
    'caformer_s18': 26_341_656,
    'convformer_s36': 40_012_152,
    'caformer_s36': 39_297_102,
    'efficientnet_b0': 5_288_548,
    'mobilenet_v3_large': 5_483_032,
    'pythia_70m': 70_426_624,
    'pythia_160m': 162_322_944,
    'pythia_410m': 405_334_016,
    'llama_3.2_1b': 1_235_814_400,
    'llama_3.2_3b': 3_212_749_824,
    'qwen3_0.6b': 596_049_920,
    'qwen3_1.7b': 1_720_574_976,
    'gemma3_1b': 999_885_952,
    'olmo2_1b': 1_484_916_736,
    'mamba_130m': 129_135_360,
    'mamba_370m': 371_516_416,
    'mamba_790m': 793_204_224,
    'mamba_1.4b': 1_372_178_432,
    'mamba_2.8b': 2_768_345_600,
    'rwkv7_0.1b': 191_034_624,
    'deepseek_v3_small': 194_685_440,
    'nanochat_d12': 185_597_952,
    'nanochat_d16': 335_544_320,
    'nanochat_d20': 560_988_160,
}
IMAGES = {**deit3.MODELS, **metaformer.MODELS, **metaformer_baselines.MODELS, **efficientnet.MODELS}
ALL = {**IMAGES, **decoders.MODELS, **deepseek.MODELS, **nanochat.MODELS}
BILLIONS = {'poolformer_s12': 1.8, 'mlp_mixer_b16': 12.6, 'efficientnet_b0': 0.39, 'mobilenet_v3_large': 0.219}
"""Multiply-adds as PoolFormer's paper prints them (2111.11418, table 2; MLP-Mixer's are 12.7 there), and two papers' own."""


FIRST = ('mlp_mixer_s16', 'mlp_mixer_b16', 'conv_mixer_768_32', 'mamba_130m')
FIRST += ('deit3_small_patch16_reg4_224', 'caformer_s18', 'llama_3.2_1b', 'qwen3_0.6b', 'gemma3_1b', 'olmo2_1b')
FIRST += ('deepseek_v3_small', 'nanochat_d20', 'pythia_70m')
"""One size of each model in the fast suite. The others have the same builder, and configs that test_published_configs holds."""


def sizes(names, dear=()):
    return [pytest.param(name, marks=[] if name in FIRST and name not in dear else pytest.mark.slow) for name in names]


def x_of(model):
    return jax.ShapeDtypeStruct((1, *model.example), jnp.int32 if len(model.example) == 1 else jnp.float32)


def test_every_model_is_listed_under_its_name():
    assert set(PARAMETERS) == set(ALL) and all(MODELS[name] is model for name, model in ALL.items())


@pytest.mark.parametrize('name', sizes(ALL))
def test_parameters_to_the_unit(name):
    assert parameters(ALL[name].config, x_of(ALL[name])) == PARAMETERS[name]


@pytest.mark.parametrize('name', sizes(BILLIONS, dear=['poolformer_s12']))  # what pooling costs is in test_cost
def test_multiply_adds_as_printed(name):
    assert multiply_adds(ALL[name].config, x_of(ALL[name])) / 1e9 == pytest.approx(
        BILLIONS[name], rel=0.02, abs=0.1 if BILLIONS[name] > 1 else 0
    )


def test_one_of_six_layers_of_gemma_sees_all_and_turns_slowly():
    sockets = Sockets(ALL['gemma3_1b'].config, TABLES)
    layers = [sockets.of_layer(number) for number in range(26)]
    assert [number for number, own in enumerate(layers) if own.kind('mixer') == 'grouped_query_attention'] == [5, 11, 17, 23]
    assert {own.config['position']['base'] for own in layers[5::6]} == {1e6}
    assert {own.config['position']['base'] for own in layers[:5]} == {10000.0}


def test_all_layers_of_deepseek_but_the_first_have_experts():
    sockets = Sockets(ALL['deepseek_v3_small'].config, TABLES)
    assert [sockets.of_layer(number).kind('channel') for number in range(12)] == ['gated', *['mixture_of_experts'] * 11]


def test_nanochat_has_no_parameters_but_products_and_tables():
    """12 d (64 d)^2 in the layers, and two tables of 65,536 rows."""
    for depth in (12, 20):
        assert PARAMETERS[f'nanochat_d{depth}'] == 12 * depth * (64 * depth) ** 2 + 2 * 65536 * 64 * depth


@pytest.mark.parametrize('name', sizes(['gemma3_1b', 'qwen3_0.6b'], dear=['qwen3_0.6b']))
def test_a_deep_model_builds_as_a_scan(name):
    config = ALL[name].config
    scan = {**config, 'body': {**config['body'], 'over_depth': 'scan'}}
    params = jax.eval_shape(lambda: build(scan).init(jax.random.key(0), jnp.zeros((1, 8), jnp.int32), {}))[0]
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == PARAMETERS[name]
    assert len([part for part in params if part.startswith('block')]) <= 8
