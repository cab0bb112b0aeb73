"""Roles of the parameters of a user's own whole model, which has names of its own.

`ROLES` of the class gives patterns of paths and what they are for: a role of `arch.roles.ROLES`, or for a matrix of more than
two axes a word of `arch.roles.AXES` for each of them.

>>> class Mine:
...     ROLES = {'*/pos_embedding': 'embedding', 'attend/query/kernel': ('in', 'out', 'out')}
>>> role_of(Mine, ('encoder', 'pos_embedding'), (1, 16, 8)), role_of(Mine, ('Dense_0', 'kernel'), (8, 8))
('embedding', 'matrix')

Without a pattern a parameter goes by its name, where that says enough: `bias`, `scale` and everything with one axis or none is
a vector, `embedding` an embedding, a `kernel` of two axes a matrix, one of a module called conv a filter, and one of a module
called head or classifier the head.
"""

import fnmatch
import re
from collections.abc import Mapping

import jax

from arch.roles import AXES, ROLES, Product, names

HEAD = re.compile(r'(^|_)(head|classifier|logits)(_|$)')
CONV = re.compile(r'(^|_)(conv|depthwise)', re.IGNORECASE)
VECTORS = ('bias', 'scale', 'shift', 'gain')


def _said(cls: type, path: tuple[str, ...]) -> object:
    """What the class says of a parameter, or None."""
    said: Mapping = getattr(cls, 'ROLES', {})
    return next((role for pattern, role in said.items() if fnmatch.fnmatchcase('/'.join(path), pattern)), None)


def role_of(cls: type, path: tuple[str, ...], shape: tuple[int, ...]) -> str:
    """The role of one parameter. Raises ValueError where neither `ROLES` nor its name says it, or `ROLES` says no role."""
    said, module, leaf = _said(cls, path), path[-2] if len(path) > 1 else '', path[-1]
    if isinstance(said, (tuple, list)):
        if len(said) != len(shape) or not set(said) <= set(AXES):
            raise ValueError(
                f"parameter '{'/'.join(path)}' of shape {list(shape)}: ROLES says {tuple(said)}; allowed: for each axis a word "
                f'of {list(AXES)}'
            )
        return 'conv' if 'tap' in said else 'matrix'
    if said is not None:
        if said not in ROLES:
            raise ValueError(
                f"parameter '{'/'.join(path)}': ROLES says {said!r}; allowed: {list(ROLES)}, or words for its axes"
            )
        return said
    if len(shape) < 2 or leaf in VECTORS:
        return 'vector'
    if leaf == 'embedding':
        return 'embedding'
    if leaf == 'kernel' and HEAD.search(module):
        return 'head'
    if leaf == 'kernel' and CONV.search(module):
        return 'conv'
    if leaf == 'kernel' and len(shape) == 2:
        return 'matrix'
    raise ValueError(
        f"parameter '{'/'.join(path)}' of shape {list(shape)}: its name does not say what it is for; say it in the class: "
        f"ROLES = {{'{'/'.join(path)}': ...}} with one of {list(ROLES)}, or for a matrix ('in', 'out', 'out') and the like"
    )


def roles_of(cls: type, params: dict) -> dict:
    """The role of every parameter. Raises ValueError as `role_of` does, and where none is the head.

    Optimizers of whole matrices leave the head out, so it has to be known.
    """
    made = jax.tree_util.tree_map_with_path(lambda path, leaf: role_of(cls, names(path), leaf.shape), params)
    if 'head' not in jax.tree.leaves(made):
        raise ValueError(
            "no parameter is the head, the last product; call its module head, or say it: ROLES = {'Dense_3/kernel': 'head'} "
            "(a tied embedding is {'Embed_0/embedding': 'head'})"
        )
    return made


def products_of(cls: type, params: dict) -> dict:
    """The input and output axes of every matrix; what is no matrix has those of two axes. Raises ValueError as `role_of`."""

    def own(path: tuple, leaf: object) -> Product:
        said, role = _said(cls, names(path)), role_of(cls, names(path), leaf.shape)
        if role != 'matrix' or not isinstance(said, (tuple, list)):
            if role == 'matrix' and leaf.ndim != 2:
                raise ValueError(
                    f"parameter '{'/'.join(names(path))}' is a matrix of {leaf.ndim} axes, {list(leaf.shape)}; say in ROLES "
                    f'what each is, by words of {list(AXES)}'
                )
            return Product()
        places = {word: tuple(at - leaf.ndim for at, one in enumerate(said) if one == word) for word in ('in', 'out')}
        return Product(places['in'], places['out'])

    return jax.tree_util.tree_map_with_path(own, params)
