"""Blocks that are sound in all but one respect: at zeros or one position, in training, in one type, in statistics."""

import jax.numpy as jnp
import numpy as np
import pytest
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
        return x * jnp.linalg.norm(x)


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


def whys(cls: type, rule: str) -> dict[str, str]:
    contracts = check('mixer', 'mine', {**TABLES, 'mixer': {**TABLES['mixer'], 'mine': cls}}, rules=[rule])
    return {contract.rule: contract.why for contract in contracts if not contract.holds}


@pytest.mark.parametrize(
    ('cls', 'rule', 'why'),
    [
        (UnnamedStatistic, 'names', "'Counter_0' is an automatic name"),
        (Narrows, 'dtype', 'in float32 gave bfloat16'),
        (GrowsInTraining, 'statistics', 'change shape or type in a training step'),
        (GrowsOutside, 'statistics', 'change outside training'),
        (DrawsArrays, 'repeatable', 'two traces differ'),
        (MoodyInInit, 'repeatable', 'two traces differ'),
    ],
    ids=lambda value: getattr(value, '__name__', ''),
)
def test_what_a_trace_shows_is_told(cls, rule, why):
    told = whys(cls, rule)
    assert list(told) == [rule] and why in told[rule], told


@pytest.mark.parametrize('cls', [TunesInit, TunesLoss], ids=lambda cls: cls.__name__)
def test_a_knob_may_reach_first_values_or_a_loss_alone(cls):
    assert whys(cls, 'knobs') == {}


@pytest.mark.parametrize(
    ('cls', 'why'),
    [
        (AtZeros, 'an input of zeros gives outputs'),
        (AtOnes, 'an input of ones gives outputs'),
        (SlopeAtZeros, 'an input of zeros gives gradients'),
        (AloneInTraining, 'one position of one example'),
        (Alone, 'one position of one example'),
    ],
    ids=lambda value: getattr(value, '__name__', ''),
)
def test_what_breaks_at_an_edge_is_told(cls, why):
    told = whys(cls, 'edges')
    assert list(told) == ['edges'] and why in told['edges']
