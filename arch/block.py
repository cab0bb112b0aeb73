"""Block: the base class of every kind of the lab. A kind declares its places, its options and its needs.

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
    """The base of all blocks, which fill sockets and map `(x, context)` to an output; the docstring has a shape line."""

    MIXES_BATCH: ClassVar[bool] = False
    """Whether the examples of a batch see each other while training."""
    EQUIVARIANT: ClassVar[bool] = False
    """Whether permuted tokens give the permuted outputs."""

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        """Raise ValueError where it can't work on `width` channels, or in a body with this `causal`."""

    @nn.nowrap
    def moves_state(self) -> bool:
        """Whether a training step moves a statistic that its outputs rest on, though it mixes no examples.

        Then a step may run it only once, on examples of its own: a second run would see what the first one moved.
        """
        return False


class Body(Block):
    """The base of bodies, from data to scores: the order of stem, position, blocks, downsamples and head.

    A body with `SCANS = True` has the fields of the lab's own bodies, such as `over_depth`, and its own `blocks`.
    """

    SCANS: ClassVar[bool] = False
    """Whether its field `over_depth` may be 'scan'."""
    # Not annotated: as a class variable it would come before the fields of a body that has it as a field.
    causal = False

    @nn.nowrap
    def check(self) -> None:
        """Raise ValueError for mistakes that show without an input."""

    @nn.nowrap
    def blocks(self) -> dict[str, range]:
        """The blocks in each scanned module: {'blocks_0': range(2)}; {} where the body can't scan."""
        return {}

    @nn.nowrap
    def stages(self) -> tuple[int, ...]:
        """The number of blocks of each stage; () where the body does not know."""
        return ()

    @nn.nowrap
    def above_blocks(self) -> tuple[int, ...]:
        """How many layers each block has above it, itself counted: 1 for the last before the head."""
        return tuple(range(sum(self.stages()), 0, -1))

    @nn.nowrap
    def with_stages(self, depths: Sequence[int]) -> dict[str, object]:
        """The fields of a spec that change the numbers of blocks of its stages."""
        return {}


class Stem(Block):
    """The base of stems, from data to channels."""

    scores: ClassVar[Callable[[jax.Array], jax.Array] | None] = None
    """A stem with a token table has this method: scores of channels against every row, `[B, N, C] -> [B, N, V]`."""
    # Not annotated: as a class variable it would come before the fields of a stem that has it as a field.
    vocabulary = 0
    """A stem with a token table has the number of its rows."""


class Position(Block):
    """The base of position rules: they add to x, change attention, or both."""

    rotation: ClassVar[Callable | None] = None
    """A rule that turns queries and keys has this method: (x, spatial), `[B, N, K, D] -> [B, N, K, D]`."""
    score_bias: ClassVar[Callable | None] = None
    """A rule that adds to attention's scores has this method: (steps, heads), `[..., 1 or 2] -> [K, ...]`."""

    @nn.nowrap
    def rules(self) -> dict[str, Callable | None]:
        """What attention gets of it, by the fields of Context."""
        return {'rotate': self.rotation, 'bias': self.score_bias}


class Layer(Block):
    """The base of layers of a mixer and a channel block, in the socket `block`: `(stream, context)` to the next stream."""

    BRANCHES: ClassVar[int] = 1
    """The number of its residual branches."""
    STRIDES: ClassVar[bool] = False
    """Whether it can begin a stage by itself: then it takes a `shortcut` and a `stride`, and its stream is one array."""
    ON_SUM: ClassVar[bool] = False
    """Whether it works on the sum of a branch and the stream, so that its stream is one array."""

    @nn.nowrap
    def inner(self, width: int) -> int:
        """The number of its mixer's channels, in a body of this width."""
        return width


class Mixer(Block):
    """The base of mixers, which move information between positions."""

    TAKES: ClassVar[tuple[str, ...]] = ()
    """What it lets others do to its queries, keys, scores and values, of `TAKEN`."""
    SUBSAMPLES: ClassVar[bool] = False
    """Whether it subsamples positions itself, by its field `stride`."""

    @nn.nowrap
    def parts(self) -> Mapping[str, Mapping]:
        """The specs of the mixers that it is made of, by where they stand in its own: {'mixers[0]': spec}; {} for most."""
        return {}


class Norm(Block):
    """The base of norms, which control the size of activations.

    `site`, one of `SITES`, is its place in the model; the module that makes the norm sets it.
    """

    EQUIVARIANT: ClassVar[bool] = True
    GENERATES: ClassVar[bool] = True
    NOTHING: ClassVar[bool] = False
    """Whether it changes no number: no norm at all."""
    SCALES_BRANCH: ClassVar[bool] = False
    """Whether its scale, at site 'end', starts a residual branch as the model's `initial` kind says, in place of the product
    before it."""

    site: str = field(default='', kw_only=True)

    @nn.nowrap
    def starts_branch(self) -> bool:
        """`SCALES_BRANCH` of this norm, whose fields may leave the scale out."""
        return self.SCALES_BRANCH


SITES = ('stem', 'mixer', 'channel', 'end', 'queries', 'head')
"""The places of norms: 'mixer' and 'channel' before such a block, 'end' at the end of a residual branch, 'queries' on the
queries and keys of attention."""


class Residual(Block):
    """The base of residual rules, which join branches to the stream: `(stream, branch, context)` to the next stream.

    The stream is one array [..., C]. A rule with a larger stream has `STREAMS = True`, `enter` and `leave`.
    """

    GENERATES: ClassVar[bool] = True
    STREAMS: ClassVar[bool] = False
    """Whether its stream is more than one array [..., C]."""

    @nn.nowrap
    def enter(self, x: jax.Array) -> object:
        """The stream before the first block (of each stage of a hierarchical body)."""
        return x

    @nn.nowrap
    def leave(self, stream: object, context: Context, name: str) -> jax.Array:
        """The array after the last block; called in the body's scope, where it may make a module of this name."""
        return stream


class Channel(Block):
    """The base of channel blocks, which mix the channels of each position alone."""

    EQUIVARIANT: ClassVar[bool] = True
    GENERATES: ClassVar[bool] = True

    @nn.nowrap
    def parts(self) -> Mapping[str, Mapping]:
        """The specs of the channel blocks that it is made of, by where they stand in its own; {} for most."""
        return {}


class Activation(Block):
    """The base of activations, functions of each number alone."""

    EQUIVARIANT: ClassVar[bool] = True
    GENERATES: ClassVar[bool] = True


class Downsample(Block):
    """The base of downsamples, from one stage of a hierarchical body to the next."""

    IN_BLOCK: ClassVar[bool] = False
    """Whether the first block of each stage subsamples, and this is only its shortcut, with a `step`."""
    strides = ()
    """Such a shortcut may have a stride for each stage, as a field of this name."""

    @nn.nowrap
    def stride_of(self, stage: int) -> int:
        """The `stride` of the first block of a stage, 0 for its own. The first one keeps the resolution that the stem made."""
        return 0 if stage else 1


class Head(Block):
    """The base of heads, from channels to scores."""


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
    """A plain flax module as a kind of a family: a class of the same name with both bases, `cls` first.

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
    """The tables with all flax modules adopted. Other entries stay, and the contracts refuse them."""
    return {
        family: {
            kind: adopted(cls, BASES[family]) if family in BASES and _is_module(cls) else cls for kind, cls in kinds.items()
        }
        for family, kinds in tables.items()
    }


def _is_module(cls: object) -> bool:
    return isinstance(cls, type) and issubclass(cls, nn.Module)
