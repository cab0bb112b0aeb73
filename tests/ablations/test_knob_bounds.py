"""Bounds of every knob: what a value may be by what it means, and whether the end itself may be taken."""

import contextlib
import math

import pytest

from ablations.bounds import Bounds
from ablations.knobs import KNOBS, check_fixed, knob_of
from ablations.schedules import NAMED

ROLES = ('matrix', 'conv', 'embedding', 'head', 'vector')
SHARES = {
    *('warmup_fraction', 'decay_fraction', 'final_fraction', 'label_smoothing', 'drop_path', 'flip_probability'),
    *('resized_crop_probability', 'resized_crop_scale_low', 'rand_augment_probability', 'erase_probability', 'erase_area'),
    *('mixup_probability', 'cutmix_probability', 'cutmix_share', 'mix_probability', 'layer_decay', 'attention_dropout'),
}
DECAYS = {'b1', 'b2', 'b3', 'momentum', 'beta', 'ema'}
"""Of a mean over steps: with 1 it would never move."""
POSITIVE = {'lr', 'clip', 'init_scale', 'step_low', 'step_high', 'first_distance', 'ridge', 'curvature_share'}
"""With 0 nothing would be trained."""
STRENGTHS = {'rand_augment_magnitude', 'rand_augment_deviation', *(f'jitter_{name}' for name in ('brightness', 'contrast'))}
STRENGTHS |= {'jitter_saturation'}
SIZES = {
    *(f'{knob}_{role}' for knob in ('lr', 'weight_decay') for role in ROLES),
    *(
        'weight_decay',
        'eps',
        'gamma',
        'warmup_steps',
        'z_loss',
        'expert_balance',
        'router_z',
        'alpha0',
        'alpha0_mixer',
        'layer_scale_initial',
    ),
    *('skip_init_initial', 'value_residual_initial', 'hyper_connections_initial', 'hyper_connections_identity'),
    *('crop_padding', 'time_mask_width', 'frequency_mask_width'),
}
EXPECTED = {
    **dict.fromkeys(SHARES, (0, 1, False, False)),
    **dict.fromkeys(DECAYS, (0, 1, False, True)),
    **dict.fromkeys(POSITIVE, (0, math.inf, True, False)),
    **dict.fromkeys(STRENGTHS, (0, 10, False, False)),
    **dict.fromkeys(SIZES, (0, math.inf, False, False)),
    **dict.fromkeys(('mixup_alpha', 'cutmix_alpha'), (0, 100, False, False)),
    'decay_rate': (0, 1, True, False),
    'schedule': (0, 6, False, False),
    'matrix_scale': (100, 102, False, False),
    'newton_schulz': (1, 10, False, False),
    'accumulate': (1, math.inf, False, False),
    'batch': (1, math.inf, False, False),
    'refresh_steps': (1, math.inf, False, False),
    'jitter_hue': (0, 0.5, False, False),
    'temperature': (0, math.inf, True, False),
    'size_exponent': (0, 2, False, False),
    'first_domain': (1, 64, False, False),
    'replay_share': (0, 1, False, True),
    'mixed_share': (0, 1, False, False),
    'mask_share': (0, 1, False, False),
    **{f'domain_weight_{number}': (0, math.inf, False, False) for number in range(1, 9)},
}


def test_every_knob_is_of_a_sort():
    assert set(EXPECTED) == set(KNOBS)


@pytest.mark.parametrize('name', KNOBS)
def test_a_knob_may_be_what_it_means(name: str):
    bounds = KNOBS[name].bounds
    assert (bounds.low, bounds.high, bounds.above, bounds.below) == EXPECTED[name]
    assert bounds.fades == (name == 'weight_decay')


def test_a_knob_is_what_it_is_declared_and_a_probability_by_its_name_alone_otherwise():
    assert all(knob_of(name) is knob for name, knob in KNOBS.items())
    assert knob_of('my_gain') is None and knob_of('probability') is None and knob_of('my_probability_of') is None
    assert (knob_of('my_probability').about, str(knob_of('my_probability').bounds)) == ('a probability, by its name', '0 to 1')


def test_shares_go_from_0_to_1_or_to_less():
    shares = [Bounds(0, 1), Bounds(0.0, 0.5), Bounds(0, 1, above=True)]
    others = [Bounds(0.2, 0.9), Bounds(0, 2), Bounds(-1, 1), Bounds(0, math.inf)]
    assert all(one.is_share for one in shares) and not any(one.is_share for one in others)


@pytest.mark.parametrize(
    ('name', 'value', 'said'),
    [
        ('batch', 64, r"fixed\['batch'\]: the batch of all trials is that of a task; give it there, task\(..., batch=64\)"),
        ('b1', 1.0, r"fixed\['b1'\]=1.0; allowed: 0 to below 1 \(decay of the first moment\); change or remove it"),
        ('drop_path', -0.1, r"fixed\['drop_path'\]=-0.1; allowed: 0 to 1"),
        ('swap_probability', 1.5, r"fixed\['swap_probability'\]=1.5; allowed: 0 to 1 \(a probability, by its name\)"),
        ('schedule', 77, r"fixed\['schedule'\]=77; allowed: \['.*; give one of these names"),
        ('b1', 0.9, None),
        ('swap_probability', 1.0, None),
        ('my_gain', -7.0, None),
        ('schedule', max(NAMED['schedule']), None),
    ],
)
def test_a_fixed_value_lies_within_what_its_knob_allows(name: str, value: float, said: str | None):
    with contextlib.nullcontext() if said is None else pytest.raises(ValueError, match=said):
        check_fixed(name, value)
