"""Blocks that are sound in all but one respect: at zeros or one position, in training, in one type, in statistics."""

import jax.numpy as jnp
import numpy as np
import pytest
from broken_words import says
from flax import linen as nn

from arch.contracts import check
from arch.sockets import TABLES


class AtZeros(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        return x / jnp.abs(x).max()


class AtOnes(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        return x / jnp.abs(1.0 - x).max()


class SlopeAtZeros(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        gain = self.param('gain', nn.initializers.ones, ())  # its own gradient is 0 there, which is finite
        return x * jnp.linalg.norm(x) * gain.astype(x.dtype)


class AloneInTraining(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        return x / (0.0 + x.shape[1] * len(x) - 1) if context.train else x


class Alone(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        return x + 0 * jnp.log(float(x.shape[1] - 1)).astype(x.dtype)


class AloneAsHead(nn.Module):
    """`[B, N, C] -> [B, V]`"""

    @nn.compact
    def __call__(self, x, context):
        return nn.Dense(5, name='head')(x.var(1) / (0.0 + x.shape[1] - 1))


class Dead(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        self.param('gain', nn.initializers.ones, ())
        return x


class Faint(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        scale, gain = (self.param(name, nn.initializers.ones, ()).astype(x.dtype) for name in ('scale', 'gain'))
        return x * scale + 1e-7 * gain * x


class Small(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        scale, gain = (self.param(name, nn.initializers.ones, ()).astype(x.dtype) for name in ('scale', 'gain'))
        return x * scale + 1e-4 * gain * x


class Counter(nn.Module):
    @nn.compact
    def __call__(self, x, context):
        count = self.variable('state', 'count', jnp.zeros, ())
        return x + 0 * count.value.astype(x.dtype)


class UnnamedStatistic(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        return Counter()(x, context)


class Narrows(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        return x.astype(jnp.bfloat16)


class GrowsInTraining(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        if context.train:
            self.variable('state', 'mean', jnp.zeros, ())
        return x


class GrowsOutside(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        mean = self.variable('state', 'mean', jnp.zeros, ())
        if not context.train and not self.is_initializing():
            mean.value = mean.value + 1
        return x


class DrawsArrays(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        return x + jnp.asarray(np.random.default_rng().normal(size=x.shape).astype(np.float32)).astype(x.dtype)


class MoodyInInit(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        first = float(np.random.default_rng().normal())
        return x * self.param('scale', lambda key: jnp.full((), first)).astype(x.dtype)


class TunesInit(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    KNOBS = {'strength': 1.0}

    @nn.compact
    def __call__(self, x, context):
        strength = context.knob('strength', 1.0)
        return x * self.param('scale', lambda key: jnp.ones(()) * strength).astype(x.dtype)


class TunesLoss(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    KNOBS = {'strength': 1.0}

    @nn.compact
    def __call__(self, x, context):
        self.sow('aux', 'extra', context.knob('strength', 1.0) * jnp.square(x).mean().astype(jnp.float32))
        return x


def whys(cls: type, rule: str, family: str = 'mixer') -> dict[str, str]:
    contracts = check(family, 'mine', {**TABLES, family: {**TABLES[family], 'mine': cls}}, rules=[rule])
    return {contract.rule: contract.why for contract in contracts if not contract.holds}


@pytest.mark.parametrize(
    ('cls', 'rule'),
    [
        (UnnamedStatistic, 'names'),
        (Narrows, 'dtype'),
        (GrowsInTraining, 'statistics'),
        (GrowsOutside, 'statistics'),
        (DrawsArrays, 'repeatable'),
        (MoodyInInit, 'repeatable'),
    ],
    ids=lambda value: getattr(value, '__name__', ''),
)
def test_what_a_trace_shows_is_told(cls, rule):
    told = whys(cls, rule)
    assert list(told) == [rule] and says(told[rule], cls.__name__), told


@pytest.mark.parametrize('cls', [TunesInit, TunesLoss], ids=lambda cls: cls.__name__)
def test_a_knob_may_reach_first_values_or_a_loss_alone(cls):
    assert whys(cls, 'knobs') == {}


AT_EDGES = [AtZeros, AtOnes, SlopeAtZeros, AloneInTraining, Alone]


@pytest.mark.parametrize('cls', AT_EDGES, ids=lambda cls: cls.__name__)
def test_what_breaks_at_an_edge_is_told(cls):
    told = whys(cls, 'edges')
    assert list(told) == ['edges'] and says(told['edges'], cls.__name__), told


@pytest.mark.parametrize('cls', [Dead, Faint], ids=lambda cls: cls.__name__)
def test_a_parameter_whose_gradient_is_nothing_beside_the_largest_is_dead(cls):
    assert whys(cls, 'gradient')['gradient'].startswith("[B, N, C] -> [B, N, C]: ['gain'] receive no gradient; ")


def test_a_small_gradient_is_one():
    assert whys(Small, 'gradient') == {}


def test_a_head_need_not_work_on_one_position():
    assert whys(AloneAsHead, 'edges', 'head') == {}
