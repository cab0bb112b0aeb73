"""ResNet, ConvNeXt and the road between, against the parameters and multiply-adds that their papers print."""

import functools
import itertools
import json

import jax
import jax.numpy as jnp
import pytest

from arch.cost import cost, multiply_adds
from arch.model import build
from arch.published import convnext, resnet, roadmap

CONVNETS = {**resnet.MODELS, **convnext.MODELS}
ALL = {**CONVNETS, **roadmap.MODELS}

PARAMETERS = {
    'resnet18': 11_689_512,
    'resnet34': 21_797_672,
    'resnet50': 25_557_032,
    'resnet101': 44_549_160,
    'resnet152': 60_192_808,
    'convnext_tiny': 28_589_128,
    'convnext_small': 50_223_688,
    'convnext_base': 88_591_464,
    'convnext_large': 197_767_336,
    'convnext_atto': 3_695_520,
    'convnext_femto': 5_217_784,
    'convnext_pico': 9_045_672,
    'convnext_nano': 15_593_560,
    'convnext_v2_atto': 3_708_400,
    'convnext_v2_femto': 5_233_240,
    'convnext_v2_pico': 9_066_280,
    'convnext_v2_nano': 15_623_800,
    'convnext_v2_tiny': 28_635_496,
    'convnext_v2_base': 88_717_800,
}
MILLIONS = {'convnext_isotropic_small': 22.3, 'convnext_isotropic_base': 87, 'convnext_isotropic_large': 306}
"""The paper prints these to three digits."""
BILLIONS = {
    'resnet18': 1.81,
    'resnet34': 3.66,
    'resnet50': 4.09,
    'resnet101': 7.8,
    'resnet152': 11.51,
    'convnext_tiny': 4.47,
    'convnext_small': 8.7,
    'convnext_base': 15.4,
    'convnext_large': 34.4,
    'convnext_isotropic_small': 4.3,
    'convnext_isotropic_base': 16.9,
    'convnext_isotropic_large': 59.7,
    'convnext_atto': 0.55,
    'convnext_femto': 0.78,
    'convnext_pico': 1.37,
    'convnext_nano': 2.45,
    'convnext_v2_atto': 0.55,
    'convnext_v2_femto': 0.78,
    'convnext_v2_pico': 1.37,
    'convnext_v2_nano': 2.45,
    'convnext_v2_tiny': 4.47,
    'convnext_v2_base': 15.4,
}
STEPS = (
    'resnet',
    'stage_ratio',
    'patchify_stem',
    'depthwise_conv',
    'increase_width',
    'inverting_dimensions',
    'move_up_depthwise_conv',
    'kernel_5',
    'kernel_7',
    'kernel_9',
    'kernel_11',
    'gelu',
    'fewer_activations',
    'fewer_norms',
    'layer_norm',
    'separate_downsampling',
)
PRINTED = {
    'roadmap_r50': (4.09, 4.53, 4.42, 2.35, 5.27, 4.64, 4.07, 4.10, 4.15, 4.21, 4.29, 4.15, 4.15, 4.15, 4.46, 4.49),
    'roadmap_r200': (
        *(15.01, 14.52, 14.38, 7.23, 16.76, 15.68, 14.63, 14.70, 14.81, 14.95, 15.13, 14.81, 14.81, 14.81, 14.81, 15.35),
    ),
}
"""GFLOPs of Table 10, in the order of `STEPS`."""
COUNTED = {'roadmap_r50.layer_norm': 4.15, 'roadmap_r50.separate_downsampling': 4.46}
"""Where the count is not what the table prints; roadmap.py says why."""


FIRST = ('resnet18', 'resnet50', 'convnext_tiny', 'convnext_isotropic_small', 'convnext_atto', 'convnext_v2_atto')
"""One size of each model in the fast suite. The others have the same builder, and configs that test_published_configs holds."""
TURNS = ('resnet', 'depthwise_conv', 'inverting_dimensions', 'kernel_11', 'fewer_norms')
"""Steps after which a block multiplies otherwise; the steps between are slow, and each one's parameters are counted."""


def some(names, fast):
    return [pytest.param(name, marks=[] if name in fast else pytest.mark.slow) for name in names]


def drawn(config):
    return drawing(json.dumps(config))


@functools.cache
def drawing(config: str):
    model = build(json.loads(config))
    return jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, 32, 32, 3)), {}))


def parameters(config):
    return sum(leaf.size for leaf in jax.tree.leaves(drawn(config)[0]))


def billions(name):
    return counted(json.dumps([ALL[name].config, ALL[name].example])) / 1e9


@functools.cache
def counted(given: str) -> int:
    """The multiply-adds of a config and the shape of an example; the ends of the roads are models of the papers too."""
    config, example = json.loads(given)
    return multiply_adds(config, jax.ShapeDtypeStruct((1, *example), jnp.float32))


@pytest.mark.parametrize('name', some(CONVNETS, FIRST))
def test_parameters(name):
    count = parameters(CONVNETS[name].config)
    if name in PARAMETERS:
        assert count == PARAMETERS[name]
    else:
        assert count == pytest.approx(1e6 * MILLIONS[name], rel=0.002)


@pytest.mark.parametrize('name', some(CONVNETS, FIRST))
def test_multiply_adds(name):
    assert billions(name) == pytest.approx(BILLIONS[name], rel=0.004, abs=0.005)


@pytest.mark.parametrize('regime', PRINTED)
def test_road_is_the_paper_s(regime):
    assert tuple(roadmap.REGIMES[regime]) == STEPS
    assert [name for name in roadmap.MODELS if name.startswith(regime)] == [f'{regime}.{step}' for step in STEPS]


@pytest.mark.parametrize(
    ('regime', 'first', 'last'), [('roadmap_r50', 25_557_032, 'tiny'), ('roadmap_r200', 64_673_832, 'base')]
)
def test_ends_of_the_road(regime, first, last):
    """ResNet-200 has 64,673,832 parameters: 16 of ResNet-50's blocks, 20 more of 512 and 30 of 1024 channels."""
    configs = roadmap.REGIMES[regime]
    assert configs['separate_downsampling'] == CONVNETS[f'convnext_{last}'].config
    assert parameters(configs['resnet']) == first


@pytest.mark.parametrize('regime', PRINTED)
def test_each_step_changes_little(regime):
    configs = [*roadmap.REGIMES[regime].items()]
    for (_, before), (step, after) in itertools.pairwise(configs):
        changed = {family for family in before if before[family] != after[family]}
        assert 1 <= len(changed) <= (5 if step == 'separate_downsampling' else 3), step


def test_parameters_of_steps():
    """Table 10 prints none: what a step adds to or takes from the step before, counted by hand."""
    road = roadmap.REGIMES['roadmap_r50']
    sums = {step: parameters(road[step]) for step in STEPS[STEPS.index('kernel_9') : -1]}
    widths, depths = road['gelu']['body']['widths'], road['gelu']['body']['depths']
    channels = sum(width * depth for width, depth in zip(widths, depths, strict=True))
    # The first mixer of a stage works on the channels of the stage before.
    filtered = channels - (widths[-1] - widths[0])
    assert sums['kernel_11'] - sums['kernel_9'] == (11**2 - 9**2) * filtered
    assert sums['kernel_9'] - sums['gelu'] == (9**2 - 7**2) * filtered
    assert sums['gelu'] == sums['fewer_activations']
    # Two norms of 4 C and C channels, each a scale and a bias, make way for two biases.
    assert sums['fewer_activations'] - sums['fewer_norms'] == 5 * channels
    assert sums['layer_norm'] - sums['fewer_norms'] == filtered


def test_first_shortcut_projects_only_where_it_must():
    for step, projects in (('increase_width', True), ('inverting_dimensions', False)):
        assert ('downsample_0' in drawn(roadmap.REGIMES['roadmap_r50'][step])[0]) == projects


@pytest.mark.slow
@pytest.mark.parametrize('config', [resnet.resnet([16, 32], [5, 2], 8, 3), convnext.convnext([4, 8], [5, 2], 3)])
def test_multiply_adds_are_those_of_cost(config):
    """Of a stage of five blocks three are traced, and five counted."""
    x = jax.ShapeDtypeStruct((2, 32, 32, 3), jnp.float32)
    assert multiply_adds(config, x) == cost(build(config), x)['macs']


def check_multiply_adds(regime, step):
    printed = PRINTED[regime][STEPS.index(step)]
    # Half of the last digit, and a little, because 4.065 stands on the border.
    assert billions(f'{regime}.{step}') == pytest.approx(COUNTED.get(f'{regime}.{step}', printed), abs=0.005 + 1e-6)


@pytest.mark.parametrize('step', some(STEPS, TURNS))
def test_multiply_adds_of_the_road(step):
    check_multiply_adds('roadmap_r50', step)


@pytest.mark.slow
@pytest.mark.parametrize('step', STEPS)
def test_multiply_adds_of_the_long_road(step):
    check_multiply_adds('roadmap_r200', step)


def test_a_step_changes_fields_or_where_it_names_a_kind_all_of_them():
    before = {'mixer': {'kind': 'conv', 'kernel': 3, 'bias': False}, 'block': {'kind': 'bottleneck', 'ratio': 0.25}}
    after = roadmap.changed(before, {'mixer': {'kernel': 5}, 'block': {'kind': 'one_branch'}})
    assert after == {'mixer': {'kind': 'conv', 'kernel': 5, 'bias': False}, 'block': {'kind': 'one_branch'}}
    after['mixer']['bias'] = True
    assert before['mixer'] == {'kind': 'conv', 'kernel': 3, 'bias': False}
