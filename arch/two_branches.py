"""Two branches: the inside of a transformer's layer, for the kinds of block that have it."""

from arch.branch import Branch, unchanged
from arch.context import Context
from arch.model_sockets import Sockets


def two_branches(sockets: Sockets, stream: object, context: Context) -> object:
    """The stream after a residual branch for the mixer and one for the channel block; called in the block's own scope."""
    for family in ('mixer', 'channel'):
        inner = sockets.make(family, name=family)
        norm = sockets.make('norm', name=f'norm_{family}', site=family)
        rule = sockets.make('residual', name=f'residual_{family}', closing=family == 'channel')
        stream = rule(stream, Branch(unchanged, norm, inner), context)
    return stream
