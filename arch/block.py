"""Block: the base class in which every kind of the lab declares where it fits, what it takes and what it needs.

A kind says such things by *flags*: class attributes in capitals, each declared here with its type, default and meaning.
Every family has a base of its own, with the flags and methods of that family:

>>> class Halve(Norm):
...     '''Half of x. `[..., C] -> [..., C]`'''
...
...     FITS = ('isotropic', 'bidirectional', 'tokens')
...
...     @nn.compact
...     def __call__(self, x, context):
...         return x / 2
>>> Halve.FITS, Halve.EQUIVARIANT, Halve.MIXES_BATCH
(('isotropic', 'bidirectional', 'tokens'), True, False)

A plain flax module in a user's table is `adopted`: it gets the base of its family, so that every flag is always there.
`arch/declared.py` refuses misspelt flags.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import ClassVar

import jax
from flax import linen as nn

from arch.context import Context
from arch.flags import Flags


class Block(Flags, nn.Module):
    """What stands in a socket and computes: `(x, context)` to an output; the docstring has a shape line."""

    MIXES_BATCH: ClassVar[bool] = False
    """Whether the examples of a batch see each other while training."""
    EQUIVARIANT: ClassVar[bool] = False
    """Whether tokens in another order give the same outputs in that order."""

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        """Raise ValueError where it can't work on `width` channels, or can't in a body that is causal (or is not)."""


class Body(Block):
    """From the data to the scores: the order of stem, position, blocks, downsamples and head.

    A body that says `SCANS = True` has the fields of the lab's own, `over_depth` among them, and its own `blocks`.
    """

    SCANS: ClassVar[bool] = False
    """Whether its field `over_depth` can be 'scan'."""
    # Not annotated: as a class variable it would come before the fields of a body that has it as a field.
    causal = False

    @nn.nowrap
    def check(self) -> None:
        """Raise ValueError for what can be seen without an input."""

    @nn.nowrap
    def blocks(self) -> dict[str, range]:
        """The blocks that each scanned module holds: {'blocks_0': range(2)}. Nothing where the body can't scan."""
        return {}

    @nn.nowrap
    def stages(self) -> tuple[int, ...]:
        """The number of blocks of each stage; nothing where the body does not tell."""
        return ()

    @nn.nowrap
    def with_stages(self, depths: Sequence[int]) -> dict[str, object]:
        """The fields of a spec that give its stages other numbers of blocks."""
        return {}


class Stem(Block):
    """From what the data gives to channels."""

    scores: ClassVar[Callable[[jax.Array], jax.Array] | None] = None
    """A stem with a table of tokens has a method in its place: channels against every row, `[B, N, C] -> [B, N, V]`."""


class Position(Block):
    """Tells a model where a token is: by what it adds to x, by a rule for attention, or both."""

    rotation: ClassVar[Callable | None] = None
    """One that turns queries and keys has a method in its place: (x, spatial), `[B, N, K, D] -> [B, N, K, D]`."""
    score_bias: ClassVar[Callable | None] = None
    """One that adds to the scores of attention has a method in its place: (steps, heads), `[..., 1 or 2] -> [K, ...]`."""


class Layer(Block):
    """How a mixer and a channel block make one layer, in the socket `block`: `(stream, context)` to the next stream."""

    BRANCHES: ClassVar[int] = 1
    """The number of its residual branches."""
    STRIDES: ClassVar[bool] = False
    """Whether it can begin a stage by itself: it takes a `shortcut` and a `stride`, and its stream is one array."""

    @nn.nowrap
    def inner(self, width: int) -> int:
        """The number of channels that its mixer works on, in a body of this width."""
        return width


class Mixer(Block):
    """Moves information between positions."""

    TAKES: ClassVar[tuple[str, ...]] = ()
    """What others may do to its queries, keys, scores and values, of `TAKEN`."""
    SUBSAMPLES: ClassVar[bool] = False
    """Whether it leaves positions out itself where its field `stride` says so."""


class Norm(Block):
    """Keeps the size of activations in hand.

    `site` is set by whoever makes the norm: the place of the model where it stands, one of `SITES`.
    """

    EQUIVARIANT: ClassVar[bool] = True
    NOTHING: ClassVar[bool] = False
    """Whether it leaves every number as it is: no norm at all."""
    SCALES_BRANCH: ClassVar[bool] = False
    """Whether its scale, at site 'end', starts a residual branch as the model's `initial` kind says, in place of the product
    before it."""

    site: str = field(default='', kw_only=True)


SITES = ('stem', 'mixer', 'channel', 'end', 'queries', 'head')
"""Where a norm can stand: 'mixer' and 'channel' before such a block, 'end' at the end of a residual branch, 'queries' on the
queries and keys of attention."""


class Residual(Block):
    """How branches join what runs through the depth: `(stream, branch, context)` to the next stream.

    The stream is one array [..., C]. A rule whose stream is more says `STREAMS = True` and has an `enter` and a `leave`.
    """

    STREAMS: ClassVar[bool] = False
    """Whether its stream is more than the array itself."""

    @nn.nowrap
    def enter(self, x: jax.Array) -> object:
        """The stream before the first block (of each stage of a hierarchical body)."""
        return x

    @nn.nowrap
    def leave(self, stream: object, context: Context, name: str) -> jax.Array:
        """The array after the last block; called in the body's own scope, where it may make a module of that name."""
        return stream


class Channel(Block):
    """Mixes the channels of each position alone."""

    EQUIVARIANT: ClassVar[bool] = True


class Activation(Block):
    """A function of each number alone."""

    EQUIVARIANT: ClassVar[bool] = True


class Downsample(Block):
    """From one stage of a hierarchical body to the next."""

    IN_BLOCK: ClassVar[bool] = False
    """Whether the first block of each stage leaves positions out and this is its shortcut, with a `step`."""


class Head(Block):
    """From channels to what the loss reads."""


BASES = {
    'body': Body,
    'stem': Stem,
    'position': Position,
    'block': Layer,
    'mixer': Mixer,
    'norm': Norm,
    'qk_norm': Norm,
    'residual': Residual,
    'channel': Channel,
    'activation': Activation,
    'downsample': Downsample,
    'head': Head,
}
"""Socket -> the base class of its kinds. The kinds of `initial` are no blocks: their base is `arch.initials.Initial`."""


@functools.cache
def adopted(cls: type, base: type[Block]) -> type[Block]:
    """A plain flax module as a kind of a family: a class of the same name that is both, what `cls` says first.

    >>> class Plain(nn.Module):
    ...     FITS = ('tokens',)
    >>> adopted(Plain, Mixer).FITS, adopted(Plain, Mixer).TAKES
    (('tokens',), ())
    >>> adopted(Norm, Norm) is Norm
    True
    """
    if issubclass(cls, base):
        return cls
    named = {'__doc__': cls.__doc__, '__module__': cls.__module__, '__qualname__': cls.__qualname__}
    # A class behind nn.Module among the bases of `cls` would come behind the defaults of `base` too.
    flags = {name for owner in base.__mro__ if issubclass(owner, Flags) for name in vars(owner) if name.isupper()}
    said = {name: vars(owner)[name] for owner in reversed(cls.__mro__) for name in flags & vars(owner).keys()}
    return type(cls.__name__, (cls, base), {**said, **named})


def adopted_tables(tables: Mapping[str, Mapping[str, type]]) -> dict[str, dict[str, type]]:
    """The tables with every flax module in them adopted; what is no flax module stays, for the contracts to refuse."""
    return {
        family: {
            kind: adopted(cls, BASES[family]) if family in BASES and _is_module(cls) else cls for kind, cls in kinds.items()
        }
        for family, kinds in tables.items()
    }


def _is_module(cls: object) -> bool:
    return isinstance(cls, type) and issubclass(cls, nn.Module)
