"""The bases of families: what a kind does that says nothing of its own."""

import pytest
from flax import linen as nn

from arch.block import BASES, Body, Channel, Downsample, Layer, Mixer, Norm, Position, Residual, Stem, adopted
from arch.flags import Flags, Knob
from arch.positions import Alibi, NoPosition, Rotary


class OfRotation(Position):
    """It turns, and does nothing else."""

    @nn.nowrap
    def rotation(self, x, spatial):
        return x


def test_a_position_hands_attention_what_it_has():
    assert NoPosition().rules() == {'rotate': None, 'bias': None}
    for rule, has in ((OfRotation(), 'rotate'), (Rotary(), 'rotate'), (Alibi(), 'bias')):
        assert [name for name, given in rule.rules().items() if given is not None] == [has]


def test_a_residual_of_one_stream_enters_and_leaves_as_it_is():
    rule, stream = Residual(), object()
    assert rule.enter(stream) is stream and rule.leave(stream, None, 'leave_0') is stream


def test_a_kind_that_says_nothing_asks_for_nothing():
    assert Layer().inner(7) == 7 and Mixer().parts() == Channel().parts() == {}
    assert [Downsample().stride_of(stage) for stage in (0, 1)] == [1, 0]
    assert (Stem.scores, Stem.vocabulary, Downsample.strides) == (None, 0, ())
    for base in BASES.values():
        assert base.FITS == Flags.FITS and base.NEEDS == () and base.KNOBS == {} and base.SCANS is (base is not Body)
        assert base().moves_state() is False
    for base in (Mixer, Channel, Norm):
        assert base().check(8, True) is None


@pytest.mark.parametrize('scales', [True, False])
def test_a_norm_starts_its_branch_as_its_class_says(scales):
    assert type('Mine', (Norm,), {'SCALES_BRANCH': scales})().starts_branch() is scales


def test_knobs_are_told_by_a_number_a_field_or_with_bounds():
    class Mine(Flags):
        KNOBS = {'plain': 2.0, 'own': 'share', 'bound': Knob('share', high=1), 'free': Knob(3)}
        share = 0.5

    assert Mine().knob_values() == {'plain': 2.0, 'own': 0.5, 'bound': 0.5, 'free': 3}
    assert Mine().knob_bounds() == {'bound': (float('-inf'), 1), 'free': (float('-inf'), float('inf'))}


class Plain(nn.Module):
    """A module of a user's own."""


def test_a_plain_module_that_is_adopted_keeps_its_names():
    cls = adopted(Plain, Mixer)
    assert cls is not Plain and cls.__mro__[1] is Plain
    for name in ('__name__', '__qualname__', '__module__', '__doc__'):
        assert getattr(cls, name) == getattr(Plain, name)
