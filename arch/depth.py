"""Depth: blocks as a loop or as scanned programs, and parameters from one form to the other.

In a loop every block is a module of its own, `block_0`, `block_1` ...; in a scan those of a stage are one module, `blocks_0`,
whose parameters have a leading axis [L]. A scanned body compiles in the same time at any depth. Where layers differ by a
`stack`, a stage has a scan for each row of layers that repeat: the three blocks of a turn are `blocks_0_0`, `blocks_0_1` and
`blocks_0_2`, and layers that do not repeat stay modules of their own.
"""

import dataclasses
from collections.abc import Hashable, Mapping, Sequence

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context
from arch.model_sockets import Sockets
from arch.skips import joined, skips

WAYS = ('loop', 'scan')


def unscanned(sockets: Sockets) -> str | None:
    """The first socket with a kind of `SCANS = False`: no scan over depth can hold it; None where there is none.

    It is the body where layers are joined over depth by its `skips`.
    """
    if sockets.config.get('body', {}).get('skips', 'none') != 'none':
        return 'body'
    for own in sockets.distinct():
        for family in own.tables:
            if not own.cls(family).SCANS:
                return family
    return None


@dataclasses.dataclass(frozen=True)
class Row:
    """Layers that repeat: `turns` times `period` layers from number `first` on. One turn of one layer repeats nothing."""

    first: int
    period: int
    turns: int

    @property
    def after(self) -> int:
        """The number of the layer after it."""
        return self.first + self.period * self.turns


def rows(alike: Sequence[Hashable], first: int = 0, joined: Sequence[int] = ()) -> list[Row]:
    """Layers cut into rows that repeat, such that few are left that do not. Equal things in `alike` are equal layers.

    `joined`: the places of layers that have the parameters of the layer before, so that no row may begin there.

    >>> [(row.first, row.period, row.turns) for row in rows('abbcbbcbbcd')]
    [(0, 1, 1), (1, 3, 3), (10, 1, 1)]
    """
    best, saved = None, 0
    for begin in range(len(alike)):
        if begin in joined:
            continue
        for period in range(1, (len(alike) - begin) // 2 + 1):
            turns = _turns(alike[begin:], period)
            if period * (turns - 1) > saved and begin + period * turns not in joined:
                best, saved = Row(begin, period, turns), period * (turns - 1)
    if best is None:
        return [Row(first + place, 1, 1) for place in range(len(alike))]
    left = rows(alike[: best.first], first, [place for place in joined if place < best.first])
    right = rows(alike[best.after :], first + best.after, [place - best.after for place in joined if place >= best.after])
    return [*left, dataclasses.replace(best, first=first + best.first), *right]


def _turns(alike: Sequence[Hashable], period: int) -> int:
    """How often the first `period` layers come, one time after another."""
    turns = 1
    while alike[turns * period :][:period] == alike[:period] and len(alike) >= period * (turns + 1):
        turns += 1
    return turns


def scanned_rows(sockets: Sockets, first: int, count: int, name: str) -> list[tuple[Row, tuple[str, ...]]]:
    """The rows of a stage's layers in a scan, each with the names of its modules, one for each layer of a turn.

    `name`: the name of the scanned module where all layers are alike.
    """
    if not sockets.layers:
        return [(Row(first, 1, count), (name,))] if count else []
    layers = sockets.layers[first : first + count]
    alike = [
        ('alone', first + place) if layer.everywhere else (layer.entry, first + place - layer.home)
        for place, layer in enumerate(layers)
    ]
    joined = [place for place, layer in enumerate(layers) if layer.home != first + place and not layer.everywhere]
    named, number = [], 0
    for row in rows(alike, first, joined):
        if row.turns == 1:
            named.append((row, (f'block_{sockets.layers[row.first].home}',)))
            continue
        whole = row.period == 1 and row.turns == count
        # A layer with the parameters of the one before it in the turn is the same module.
        places = [layers[row.first - first + place].home - row.first for place in range(row.period)]
        named.append((row, (name,) if whole else tuple(f'{name}_{number + place}' for place in places)))
        number += row.period
    return named


def scanned_blocks(sockets: Sockets, first: int, count: int, name: str) -> dict[str, range]:
    """The blocks that each scanned module of a stage holds: {'blocks_0': range(0, 12)}."""
    holds = {}
    for row, modules in scanned_rows(sockets, first, count, name):
        if row.turns == 1 and modules != (name,):
            continue
        for place, module in enumerate(modules):
            number = row.first + place
            if not sockets.layers or sockets.layers[number].home == number:
                holds[module] = range(number, row.after, row.period)
    return holds


class Turn(nn.Module):
    """The blocks of one turn of a scan, which have names and parameters of their own."""

    blocks: tuple[nn.Module, ...]


@dataclasses.dataclass(frozen=True)
class Depth:
    """The layers of a body in their order.

    `way`: 'loop' or 'scan'. `remat`: the backward pass computes the inside of each block again, so that only the streams
    between blocks are saved. `skips`: how late layers get the outputs of early ones (arch/skips.py), in a loop. `before`: the
    number of the first layer of the stream, where other layers of the body are beside it; blocks are told numbers from 0 on.
    """

    sockets: Sockets
    way: str
    remat: bool
    skips: str = 'none'
    before: int = 0

    def run(self, stream: object, context: Context, first: int, count: int, name: str, **given: object) -> object:
        """The stream after `count` blocks, starting with number `first` of the body; called in the body's own scope.

        `name`: the name of the scanned module, where all layers are alike.
        """
        made: dict[str, nn.Module] = {}

        def block(module: str, layer: int) -> nn.Module:
            if module not in made:
                made[module] = self.sockets.of_layer(layer).make('block', name=module, **given)
            return made[module]

        if self.way == 'loop':
            early_of, made_by = skips(count) if self.skips != 'none' else {}, {}
            for layer in range(first, first + count):
                if layer in early_of:
                    stream = joined(self.skips, layer, stream, made_by[early_of[layer]], context)
                home = self.sockets.layers[layer].home if self.sockets.layers else layer
                stream = made_by[layer] = self.step(block(f'block_{home}', home), stream, context, layer, layer)
            return stream
        for row, modules in scanned_rows(self.sockets, first, count, name):
            blocks = tuple(block(module, row.first + place) for place, module in enumerate(modules))
            if row.turns == 1 and modules != (name,):
                stream = self.step(blocks[0], stream, context, row.first, row.first)
            else:
                stream = self._scan(row, blocks, stream, context)
        return stream

    def step(self, block: nn.Module, stream: object, context: Context, layer: int | jax.Array, like: int) -> object:
        """The stream after one block. `layer`: its number, traced in a scan; `like`: a layer that has the same specs."""
        own, number = self.sockets.of_layer(like), layer - self.before if self.before else layer
        rules = {}
        if own.config['position'] != self.sockets.config['position']:
            rules = own.make('position', name=None, parent=None).rules()

        def run(block: nn.Module, stream: object) -> object:
            return block(stream, dataclasses.replace(context, layer=number, **rules))

        return (nn.remat(run) if self.remat else run)(block, stream)

    def _scan(self, row: Row, blocks: tuple[nn.Module, ...], stream: object, context: Context) -> object:
        """The stream after a row of layers that repeat."""

        def scanned(turn: nn.Module, stream: object, layer: jax.Array) -> tuple[object, None]:
            for place in range(row.period):
                block = turn.blocks[place] if isinstance(turn, Turn) else turn
                stream = self.step(block, stream, context, layer + place, row.first + place)
            return stream, None

        over = nn.scan(
            scanned,
            variable_axes={'params': 0, 'state': 0, 'aux': 0, 'past': 0},
            split_rngs={'params': True, 'noise': True},
            length=row.turns,
            check_constancy_invariants=False,  # nothing is broadcast, and the check traces every block once more
        )
        turn = blocks[0] if len(blocks) == 1 else Turn(blocks)
        return over(turn, stream, jnp.arange(row.first, row.after, row.period))[0]


def unstacked(tree: Mapping, numbers: Mapping[str, range]) -> dict:
    """Parameters (or statistics) of a scanned body in the form of a loop. `numbers`: which blocks each module holds.

    >>> import numpy as np
    >>> loop = unstacked({'blocks_0': {'scale': np.array([1.0, 2.0])}, 'head': {}}, {'blocks_0': range(2)})
    >>> {name: {leaf: float(value) for leaf, value in part.items()} for name, part in loop.items()}
    {'block_0': {'scale': 1.0}, 'block_1': {'scale': 2.0}, 'head': {}}
    """
    looped = {}
    for name, part in tree.items():
        if name in numbers:
            for at, layer in enumerate(numbers[name]):
                looped[f'block_{layer}'] = jax.tree.map(lambda leaf, at=at: leaf[at], part)
        else:
            looped[name] = part
    return looped


def stacked(tree: Mapping, numbers: Mapping[str, range]) -> dict:
    """Parameters (or statistics) of a looped body in the form of a scan. `numbers`: which blocks each module holds."""
    home = {f'block_{layer}': name for name, layers in numbers.items() for layer in layers}
    scanned = {name: part for name, part in tree.items() if name not in home}
    for name, layers in numbers.items():
        parts = [tree[f'block_{layer}'] for layer in layers if f'block_{layer}' in tree]
        if parts:
            scanned[name] = jax.tree.map(lambda *leaves: jnp.stack(leaves), *parts)
    return scanned
