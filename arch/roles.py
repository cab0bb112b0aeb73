"""Roles: what a parameter is for, read from its names alone; optimizers and weight decay go by role.

matrix      a product on the channels            embedding   a table or the stem's patches
conv        filters over positions               head        the last product
vector      biases, scales, shifts, gains
"""

import jax

ROLES = ('matrix', 'conv', 'embedding', 'head', 'vector')
LEAVES = ('kernel', 'bias', 'scale', 'shift', 'embedding', 'gain')
CONV_MODULES = ('depthwise', 'conv')


def role(path: tuple[str, ...]) -> str:
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
    if modules and modules[0] == 'head':
        return 'head'
    if modules and modules[0] == 'stem':
        return 'embedding'
    if modules and modules[-1] in CONV_MODULES:
        return 'conv'
    return 'matrix'


def names(path: tuple) -> tuple[str, ...]:
    """The names along a key path of `jax.tree_util`."""
    return tuple(str(part.key) for part in path)


def roles(params: dict) -> dict:
    """The role of every parameter, as a tree of the same shape."""
    return jax.tree_util.tree_map_with_path(lambda path, _: role(names(path)), params)
