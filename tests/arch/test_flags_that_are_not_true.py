"""Flags of a class that the class itself belies, and what is said of them."""

import pytest
from flax import linen as nn

from arch.block import Norm, Residual
from arch.contracts import check
from arch.sockets import TABLES


class Starts(Norm):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        first = context.initial.end(context.branches) if self.site == 'end' else 1.0
        return x * self.param('scale', nn.initializers.constant(first), ()).astype(x.dtype)


class StartsAndSaysSo(Starts):
    """`[B, N, C] -> [B, N, C]`"""

    SCALES_BRANCH = True


class StartsNot(Norm):
    """`[B, N, C] -> [B, N, C]`"""

    SCALES_BRANCH = True

    @nn.compact
    def __call__(self, x, context):
        return x * self.param('scale', nn.initializers.ones, ()).astype(x.dtype)


class OneStream(Residual):
    """`[B, N, C] -> [B, N, C]`"""

    STREAMS = True

    @nn.nowrap
    def enter(self, x):
        return x

    @nn.nowrap
    def leave(self, stream, context, name):
        return stream

    @nn.compact
    def __call__(self, x, branch, context):
        return x + branch(x, context)


class TwoStreams(Residual):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.nowrap
    def enter(self, x):
        return x, x

    @nn.nowrap
    def leave(self, stream, context, name):
        return stream[0]

    @nn.compact
    def __call__(self, stream, branch, context):
        return stream[0] + branch(stream[0], context), stream[1]


LINE = '[B, N, C] -> [B, N, C]: '
AT_END = f"{LINE}at site 'end' its scale "


@pytest.mark.parametrize(
    ('family', 'cls', 'said'),
    [
        ('norm', Starts, f'{AT_END}starts as context.initial.end says; say SCALES_BRANCH = True'),
        ('norm', StartsNot, f'{AT_END}does not start as context.initial.end says; say SCALES_BRANCH = False'),
        ('norm', StartsAndSaysSo, ''),
        ('residual', OneStream, f'{LINE}enter gives no more than an array like x; say STREAMS = False'),
        ('residual', TwoStreams, f'{LINE}enter gives more than an array like x; say STREAMS = True'),
    ],
    ids=lambda value: getattr(value, '__name__', ''),
)
def test_a_flag_that_is_not_true_is_told(family, cls, said):
    contracts = check(family, 'mine', {**TABLES, family: {**TABLES[family], 'mine': cls}}, rules=['flags'])
    assert ''.join(contract.why for contract in contracts if not contract.holds) == said
