"""ViT, GPT-2, Llama, Swin and Swin V2, against the parameters and multiply-adds that are published for them."""

import functools

import jax
import jax.numpy as jnp
import pytest

from arch.cost import multiply_adds
from arch.model import build
from arch.published import MODELS, gpt2, llama, swin, swin_v2, vit

ALL = {**gpt2.MODELS, **vit.MODELS, **swin.MODELS, **swin_v2.MODELS, **llama.MODELS}

PARAMETERS = {
    'gpt2': 124_439_808,
    'gpt2_medium': 354_823_168,
    'gpt2_large': 774_030_080,
    'gpt2_xl': 1_557_611_200,
    'vit_tiny_patch16_224': 5_717_416,
    'vit_small_patch16_224': 22_050_664,
    'vit_base_patch16_224': 86_567_656,
    'vit_base_patch32_224': 88_224_232,
    'vit_large_patch16_224': 304_326_632,
    'swin_tiny_patch4_window7_224': 28_288_354,
    'swin_small_patch4_window7_224': 49_606_258,
    'swin_base_patch4_window7_224': 87_768_224,
    'swinv2_tiny_patch4_window8_256': 28_347_154,
    'swinv2_small_patch4_window8_256': 49_728_418,
    'swinv2_base_patch4_window8_256': 87_918_816,
    'tinyllama_1.1b': 1_100_048_384,
    'llama_2_7b': 6_738_415_616,
}
BILLIONS = {
    'vit_tiny_patch16_224': 1.25,
    'vit_small_patch16_224': 4.6,
    'vit_base_patch16_224': 17.5,
    'vit_base_patch32_224': 4.4,
    'vit_large_patch16_224': 61.6,
    'swin_tiny_patch4_window7_224': 4.5,
    'swin_small_patch4_window7_224': 8.7,
    'swin_base_patch4_window7_224': 15.4,
    'swinv2_tiny_patch4_window8_256': 5.9,
    'swinv2_small_patch4_window8_256': 11.5,
    'swinv2_base_patch4_window8_256': 20.3,
}
"""Multiply-adds of one image, as printed; nobody prints those of the language models."""


FIRST = (
    *('gpt2', 'vit_tiny_patch16_224', 'vit_base_patch32_224', 'swin_tiny_patch4_window7_224', 'swinv2_tiny_patch4_window8_256'),
    'tinyllama_1.1b',
)
"""One size of each model in the fast suite. The others have the same builder, and configs that test_published_configs holds."""


def sizes(names):
    return [pytest.param(name, marks=[] if name in FIRST else pytest.mark.slow) for name in names]


def one_input(name):
    example = ALL[name].example
    return jax.ShapeDtypeStruct((1, *example), jnp.int32 if len(example) == 1 else jnp.float32)


def drawn(name):
    model = build(ALL[name].config)
    return jax.eval_shape(lambda x: model.init(jax.random.key(0), x, {}), one_input(name))


def summed_by_hand(name):
    """Multiply-adds by the formulas of the papers: products of each layer, scores and their use, stem and head."""
    config, example = ALL[name].config, ALL[name].example
    width, depth, mixer = config['body']['width'], config['body']['depth'], config['mixer']
    image = len(example) == 3
    patch = config['stem'].get('patch', 1)
    count = 1 + (example[0] // patch) * (example[1] // patch) if image else example[0]
    narrow = width * mixer.get('kv_heads', mixer['heads']) // mixer['heads']
    hidden = round(config['channel']['ratio'] * width)
    products = 2 * width * width + 2 * width * narrow + (3 if config['channel']['kind'] == 'gated' else 2) * width * hidden
    blocks = depth * (count * products + 2 * count * count * width)
    outputs = config['head'].get('outputs', config['stem'].get('vocabulary'))
    if image:
        return (count - 1) * patch * patch * example[2] * width + blocks + width * outputs
    return blocks + count * width * outputs


def test_every_model_is_listed_under_its_name():
    assert set(PARAMETERS) == set(ALL) and all(MODELS[name] is model for name, model in ALL.items())


@pytest.mark.parametrize('name', sizes(ALL))
def test_parameters_to_the_unit(name):
    params, state = drawn(name)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == PARAMETERS[name]
    assert state == {}


@functools.cache
def counted(name: str) -> int:
    return multiply_adds(ALL[name].config, one_input(name))


@pytest.mark.parametrize('name', sizes(BILLIONS))
def test_multiply_adds_as_printed(name):
    assert counted(name) / 1e9 == pytest.approx(BILLIONS[name], rel=0.01)


@pytest.mark.parametrize('name', sizes(name for name in ALL if name not in {**swin.MODELS, **swin_v2.MODELS}))
def test_multiply_adds_to_the_unit(name):
    assert counted(name) == summed_by_hand(name)


def test_the_first_values_are_those_of_the_reports():
    """GPT-2's kernels are normal of 0.02, those that end a branch smaller by the root of the number of branches."""
    model = build(gpt2.gpt2(vocabulary=64, length=4, width=64, depth=8, heads=2))

    @jax.jit
    def deviations(key):
        params, _ = model.init(key, jnp.zeros((1, 4), jnp.int32), {})
        channel, mixer = params['block_3']['channel'], params['block_3']['mixer']
        drawn = channel['up']['kernel'], channel['down']['kernel'], mixer['output']['kernel'], params['stem']['embedding']
        return [leaf.std() for leaf in drawn]

    smaller = 0.02 / 16**0.5
    assert list(map(float, deviations(jax.random.key(0)))) == pytest.approx([0.02, smaller, smaller, 0.02], rel=0.05)
