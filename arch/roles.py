"""Roles: what a parameter is for, read from its names; optimizers and weight decay go by role.

matrix      a product on the channels            embedding   a table or the stem's patches
conv        filters over positions               head        the last product
vector      biases, scales, shifts, gains

A matrix is `[in, out]`. For a kernel of more axes its class names each of them, in the words of `AXES`: `KERNELS =
{'attend/query': ('in', 'out', 'out')}` for the queries [C, K, D] of a submodule 'attend'. Otherwise an optimizer of whole
matrices would take the wrong ones, so a kernel without a declaration is refused.
"""

import dataclasses
import re
from collections.abc import Mapping

import jax

from arch.model_sockets import Sockets

ROLES = ('matrix', 'conv', 'embedding', 'head', 'vector')
LEAVES = ('kernel', 'bias', 'scale', 'shift', 'embedding', 'gain')
CONV_MODULES = ('depthwise', 'conv')
AXES = ('each', 'in', 'out', 'tap')
"""What an axis of a kernel is: stacked, one product for each; summed over; an output; a filter's tap, which makes it `conv`."""
BLOCK = re.compile(r'^blocks?_\d+(_\d+)?$')
SCANNED = re.compile(r'^blocks_\d+(_\d+)?$')
"""The modules whose parameters have a first axis more, for the blocks of a stage (arch/depth.py)."""

LEAVE = re.compile(r'^leave_\d+$')
"""What a residual rule has behind the last block of a stage or tower."""
AHEAD = re.compile(r'^ahead_\d+$')
"""The layers within a head that tells several tokens."""

Words = Mapping[tuple[str, tuple[str, ...]], tuple[str, ...]]
"""(socket, path below the block that fills it) -> the words for the axes of that kernel."""


@dataclasses.dataclass(frozen=True)
class Kernels:
    """The declared axes of kernels: those of all modules, and by block where layers differ."""

    words: Words = dataclasses.field(default_factory=dict)
    by_block: Mapping[str, Words] = dataclasses.field(default_factory=dict)

    def at(self, path: tuple[str, ...]) -> Words:
        """The declarations that hold for the parameter at `path`."""
        return self.by_block.get(path[0], self.words) if path else self.words


NOTHING_SAID = Kernels()


@dataclasses.dataclass(frozen=True)
class Product:
    """The input axes and the output axes of a kernel, counted from the last, -1; other axes are stacked."""

    inputs: tuple[int, ...] = (-2,)
    outputs: tuple[int, ...] = (-1,)


def declared(sockets: Sockets) -> Kernels:
    """The kernels with declared axes, of every kind that fills a socket."""
    by_block = {f'block_{layer.home}': sockets.of_layer(number) for number, layer in enumerate(sockets.layers)}
    if sockets.layers:
        scanned = sockets.make('body', name=None).blocks()
        by_block |= {name: sockets.of_layer(numbers[0]) for name, numbers in scanned.items()}
    return Kernels(_said(sockets), {name: _said(own) for name, own in by_block.items()})


def _said(sockets: Sockets) -> Words:
    return {
        (family, tuple(filter(None, path.split('/')))): tuple(words)
        for own in (*sockets.within(), sockets)
        for family in own.tables
        for path, words in own.cls(family).KERNELS.items()
    }


def _fills(module: str, family: str) -> bool:
    """Whether a block of that name fills a socket of that family: 'norm_mixer' is a norm, and so is 'query_norm'."""
    if family in ('norm', 'qk_norm'):
        return module.partition('_')[0] == 'norm' or module.endswith('_norm')
    return module == family or module.startswith(f'{family}_') or (family == 'residual' and LEAVE.match(module) is not None)


def _words(path: tuple[str, ...], kernels: Kernels) -> tuple[str, ...] | None:
    """The axes of the parameter at `path`, if its class declares them."""
    modules = path[:-1]
    for (family, below), words in kernels.at(path).items():
        cut = len(modules) - len(below)
        if cut >= 0 and modules[cut:] == below and (cut == 0 or _fills(modules[cut - 1], family)):
            return words
    return None


def _below(modules: tuple[str, ...]) -> tuple[str, ...]:
    """Module names from the kind on that fills a socket: without the block and the name of the socket."""
    return modules[2:] if modules and BLOCK.match(modules[0]) else modules


def role(path: tuple[str, ...], kernels: Kernels = NOTHING_SAID) -> str:
    """The role of the parameter at `path` (module names, then the parameter's own).

    Raises ValueError for a parameter whose name is not one of `LEAVES`.
    """
    *modules, leaf = path
    if leaf not in LEAVES:
        raise ValueError(f"parameter '{'/'.join(path)}': '{leaf}' is no parameter name; allowed: {list(LEAVES)}; rename it")
    if leaf == 'embedding':
        return 'embedding'
    if leaf != 'kernel':
        return 'vector'
    if modules and modules[0] == 'head' and not AHEAD.match(''.join(modules[1:2])):
        return 'head'
    if modules and modules[0] == 'stem':
        return 'embedding'
    if (modules and modules[-1] in CONV_MODULES) or 'tap' in (_words(path, kernels) or ()):
        return 'conv'
    return 'matrix'


def product(path: tuple[str, ...], shape: tuple[int, ...], kernels: Kernels = NOTHING_SAID) -> Product | None:
    """The product of the matrix at `path`; None for another role.

    Raises ValueError for a kernel of other than two axes if its class does not name them, or names another number.
    """
    if role(path, kernels) != 'matrix':
        return None
    stacked = bool(path) and SCANNED.match(path[0]) is not None
    axes, words = len(shape) - stacked, _words(path, kernels)
    if words is None and axes == 2:
        return Product()
    if words is None or len(words) != axes:
        said = 'does not say what they are' if words is None else f'says {words}'
        raise ValueError(
            f"parameter '{'/'.join(path)}' is a matrix of {axes} axes, {list(shape[stacked:])}, and its class {said}; allowed: "
            f'[in, out], or for each axis a word of {list(AXES)}; say e.g. KERNELS = '
            f"{{'{'/'.join(_below(path[:-1]))}': ('in', 'out', 'out')}} in the class, by the path from its block on; a filter "
            f"over positions has a 'tap', or a module named {' or '.join(map(repr, CONV_MODULES))}"
        )
    places = {word: tuple(at - axes for at, own in enumerate(words) if own == word) for word in ('in', 'out')}
    return Product(places['in'], places['out'])


def names(path: tuple) -> tuple[str, ...]:
    """The names along a key path of `jax.tree_util`."""
    return tuple(str(part.key) for part in path)


def roles(params: dict, kernels: Kernels = NOTHING_SAID) -> dict:
    """The role of every parameter, as a tree of the same shape. Raises ValueError as `role` and `product` do."""

    def own(path: tuple, leaf: object) -> str:
        if hasattr(leaf, 'shape'):
            product(names(path), leaf.shape, kernels)
        return role(names(path), kernels)

    return jax.tree_util.tree_map_with_path(own, params)


def products(params: dict, kernels: Kernels = NOTHING_SAID) -> dict:
    """The `Product` of every matrix, as a tree of the shape of `params`; a kernel that is no matrix has that of two axes."""
    return jax.tree_util.tree_map_with_path(lambda path, leaf: product(names(path), leaf.shape, kernels) or Product(), params)
