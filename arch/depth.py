"""Depth: blocks as a loop or as one scanned program, and parameters from one form to the other.

In a loop every block is a module of its own, `block_0`, `block_1` ...; in a scan those of a stage are one module,
`blocks_0`, whose parameters have a leading axis [L]. A scanned body compiles in the same time at any depth.
"""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context
from arch.model_sockets import Sockets

WAYS = ('loop', 'scan')


def unscanned(sockets: Sockets) -> str | None:
    """The first socket with a kind of `SCANS = False`: no scan over depth can hold it; None where there is none."""
    return next((family for family in sockets.tables if not sockets.cls(family).SCANS), None)


def run_blocks(
    sockets: Sockets,
    stream: object,
    context: Context,
    first: int,
    count: int,
    name: str,
    way: str,
    remat: bool,
    **given: object,
) -> object:
    """The stream after `count` blocks, starting with number `first` of the body; called in the body's own scope.

    `way`: 'loop' or 'scan'; `name`: the name of the scanned module. `remat`: the backward pass computes the inside of each
    block again, so that only the streams between blocks are saved.
    """

    def step(block: nn.Module, stream: object, layer: int | jax.Array) -> object:
        def run(block: nn.Module, stream: object) -> object:
            return block(stream, dataclasses.replace(context, layer=layer))

        return (nn.remat(run) if remat else run)(block, stream)

    if way == 'loop':
        for layer in range(first, first + count):
            stream = step(sockets.make('block', name=f'block_{layer}', **given), stream, layer)
        return stream

    def scanned(block: nn.Module, stream: object, layer: jax.Array) -> tuple[object, None]:
        return step(block, stream, layer), None

    over = nn.scan(
        scanned,
        variable_axes={'params': 0, 'state': 0, 'aux': 0},
        split_rngs={'params': True, 'noise': True},
        length=count,
        check_constancy_invariants=False,  # nothing is broadcast, and the check traces every block once more
    )
    return over(sockets.make('block', name=name, **given), stream, jnp.arange(first, first + count))[0]


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
