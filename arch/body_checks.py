"""Body checks: what bodies have in common before they compute: choices, widths and skips, and the type of numbers."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from arch.depth import WAYS, unscanned
from arch.model_sockets import Sockets
from arch.skips import SKIPS

TYPES = ('float32', 'bfloat16')


def check_choices(kind: str, over_depth: str, compute: str, sockets: Sockets) -> None:
    """Raise ValueError for an unknown `over_depth` or `compute`, or for a kind that a scan can't hold."""
    for name, value, allowed in (('over_depth', over_depth, WAYS), ('compute', compute, TYPES)):
        if value not in allowed:
            raise ValueError(f"body '{kind}': {name}={value!r}; allowed: {list(allowed)}; change {name}")
    family = unscanned(sockets) if over_depth == 'scan' else None
    if family == 'body':
        raise ValueError(
            f"body '{kind}': its skips join layers over depth, which no scan holds; put('body.over_depth', 'loop') or "
            "put('body.skips', 'none')"
        )
    if family:
        fit = sorted(name for name, cls in sockets.tables[family].items() if cls.SCANS)
        raise ValueError(
            f"{family} '{sockets.kind(family)}' is not the same program at every depth, which a scan needs; allowed with "
            f"over_depth='scan': {fit}; put('body.over_depth', 'loop') or swap the {family}"
        )


def check_widths(sockets: Sockets, by_layer: Sequence[int], causal: bool) -> None:
    """Let the position and every kind in the blocks check the widths of the layers that have it, without an input."""
    for own, layers in sockets.distinct_with_layers():
        widths = list(dict.fromkeys(by_layer[layer] for layer in layers) if layers else dict.fromkeys(by_layer))
        block, position = own.make('block', name=None, features=widths[0]), own.make('position', name=None)
        try:
            for made in (block, position):
                made.check(widths[0], causal)
            for width in widths:
                for family, size in (('mixer', block.inner(width)), ('channel', width), ('norm', width), ('residual', width)):
                    own.make(family, name=None).check(size, causal)
        except ValueError as error:
            raise ValueError(f'{own.where}{error}') from None


def check_skips(kind: str, skips: str, depth: int, sockets: Sockets) -> None:
    """Raise ValueError for unknown `skips`, and where layers are too few or have more than one stream to join."""
    if skips not in SKIPS:
        raise ValueError(f"body '{kind}': skips={skips!r}; allowed: {list(SKIPS)}; change skips")
    if skips == 'none':
        return
    if depth < 3:
        raise ValueError(
            f"body '{kind}': skips={skips!r} with depth={depth}; the first layer is joined to the last one over a middle; "
            'allowed: a depth from 3 on; raise depth'
        )
    for own in sockets.distinct():
        if own.cls('residual').STREAMS:
            fit = sorted(name for name, cls in own.tables['residual'].items() if not cls.STREAMS)
            raise ValueError(
                f"{own.where}residual '{own.kind('residual')}' keeps several streams; body.skips join one; allowed with them: "
                f"{fit}; swap the residual or put('body.skips', 'none')"
            )


def branches(sockets: Sockets, depth: int, first: int = 0) -> int:
    """The number of residual branches of this many layers from number `first` on."""
    return sum(sockets.of_layer(layer).cls('block').BRANCHES for layer in range(first, first + depth))


def typed(x: jax.Array, compute: str) -> jax.Array:
    """Numbers in the type of the computation; ids unchanged."""
    return x.astype(compute) if jnp.issubdtype(x.dtype, jnp.floating) else x
