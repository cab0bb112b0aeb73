"""Rules on a block's numbers: gradients, lanes, depth, and extreme inputs."""

import jax
import jax.numpy as jnp
import numpy as np

from ablations.user_file import STOPS, in_words, of_user
from arch.contracts.programs import Programs, compiled
from arch.roles import names

LANES, LAYERS = 2, 2
SCANNED = ('mixer', 'norm', 'residual', 'channel', 'activation')
"""Families with kinds inside blocks."""
INSIDE = ('position', 'block', *SCANNED)
"""Families with kinds that take any number of positions, even one."""
TOLERANCE = 1e-5
"""Of a number itself, and of the largest one beside it where that is above 1: what float32 sums lose goes by the latter."""
NOTHING = 1e-6
"""A gradient below this share of the largest one is rounding."""


def gradient(programs: Programs) -> str:
    """every parameter receives a finite gradient that is not zero"""
    block = programs.block
    _, (slopes, _) = programs.slopes(*programs.start, block.x())
    leaves = jax.tree_util.tree_leaves_with_path(slopes)
    largest = {'/'.join(names(path)): np.abs(leaf).max() for path, leaf in leaves}
    broken = [name for name, slope in largest.items() if not np.isfinite(slope)]
    if broken:
        return f'{block.line}: the gradient of {broken} is not finite; guard the division or the root'
    dead = [name for name, slope in largest.items() if slope <= NOTHING * max(largest.values())]
    return f'{block.line}: {dead} receive no gradient; use them or leave them out' if dead else ''


def edges(programs: Programs) -> str:
    """inputs of zeros or of one number, and a single position of a single example, give finite outputs and gradients"""
    block = programs.block
    for said, x in (('zeros', np.zeros_like(block.x())), ('ones', np.ones_like(block.x()))):
        (y, _), slopes = programs.slopes(*programs.start, x)
        for part, leaves in (('outputs', y), ('gradients', slopes)):
            if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(leaves)):
                return f'{block.line}: an input of {said} gives {part} that are not finite; guard the division or the root'
    if block.family not in INSIDE or block.line.given != block.line.made:
        return ''

    def run(x: jax.Array) -> jax.Array:
        # One example of one position has parameters of its own where a kernel has the size of the input.
        params, state = jax.eval_shape(lambda x: block.init(jax.random.key(0), x), x)
        halves = jax.tree.map(lambda leaf: jnp.full(leaf.shape, 0.5, leaf.dtype), (params, state))
        return block.apply(*halves, x, key=programs.keys[0], train=True, knobs=programs.knobs)[0]

    one = block.x()[(slice(1),) * (block.x().ndim - 1)]
    finite = np.isfinite(np.asarray(compiled(jax.jit(run).trace(one))(one))).all()
    return '' if finite else f'{block.line}: one position of one example gives an output that is not finite; guard the division'


def _lanes(programs: Programs) -> tuple:
    """Parameters, statistics, inputs, knobs and layer numbers, each with an axis of layers and one of lanes."""
    block, scales = programs.block, np.linspace(1.0, 0.5, LAYERS * LANES, dtype=np.float32).reshape(LAYERS, LANES)
    params, state = programs.start

    def each(leaf: np.ndarray, scales: np.ndarray) -> np.ndarray:
        return np.stack([np.stack([leaf * scale for scale in row]) for row in scales]).astype(leaf.dtype)

    x = np.stack([np.stack([block.x(layer * LANES + lane) for lane in range(LANES)]) for layer in range(LAYERS)])
    return (
        jax.tree.map(lambda leaf: each(leaf, scales), params),
        jax.tree.map(lambda leaf: each(leaf, np.ones_like(scales)), state),
        x,
        dict.fromkeys(block.knobs, scales / 4),
        np.ones((LAYERS, LANES), np.int32),
    )


def _differs(programs: Programs, scanned: bool, mapped: bool) -> str:
    """How a program over lanes, layers or both differs from separate runs, or ''."""
    block = programs.block

    def one(params: dict, state: dict, x: jax.Array, knobs: dict, layer: object) -> tuple:
        return block.apply(params, state, x, key=programs.keys[0], train=True, knobs=knobs, layer=layer)

    def lanes(*given: object) -> tuple:
        if scanned:
            return jax.vmap(one)(*given) if mapped else one(*_at(given, 0))
        return jax.vmap(lambda *given: one(*given, 1))(*given[:-1])

    def layers(given: tuple) -> tuple:
        if scanned:
            return jax.lax.scan(lambda _, layer: (None, lanes(*layer)), None, given)[1]
        return jax.tree.map(lambda leaf: leaf[None], lanes(*_at(given, 0)))

    given = _lanes(programs)
    together = compiled(jax.jit(layers).trace(given))(given)
    for layer in range(LAYERS if scanned else 1):
        for lane in range(LANES if mapped else 1):
            own = _at(_at(given, layer), lane)
            expected, _ = programs.slopes(*own[:3], knobs=own[3])
            result = _at(_at(together, layer), lane) if mapped else _at(together, layer)
            for left, right in zip(jax.tree.leaves(result), jax.tree.leaves(expected), strict=True):
                if not np.allclose(left, right, rtol=TOLERANCE, atol=TOLERANCE * max(1.0, np.abs(right).max(initial=0.0))):
                    far = np.abs(np.asarray(left, np.float64) - np.asarray(right, np.float64)).max()
                    return f'{block.line}: lane {lane} of layer {layer} differs by {far:.1e} from a run of its own'
    return ''


def _at(tree: tuple, place: int) -> tuple:
    return jax.tree.map(lambda leaf: leaf[place], tree)


def _scans(programs: Programs) -> bool:
    return programs.block.family in SCANNED and programs.block.cls.SCANS


def lanes(programs: Programs) -> str:
    """vmap over lanes gives what a loop gives"""
    # Lanes inside a scan are tried first, with one program for both rules; which of the two is broken is asked only then.
    if _scans(programs) and not _together(programs):
        return ''
    return _differs(programs, scanned=False, mapped=True)


def scan(programs: Programs) -> str:
    """a scan over depth, where the number of the layer is traced, gives what a loop gives"""
    if not _scans(programs) or not _together(programs):
        return ''
    return _differs(programs, scanned=True, mapped=False)


def _together(programs: Programs) -> str:
    """How lanes inside a scan differ from separate runs, or why there can't be such a program, or ''; computed once."""
    if 'together' not in programs.notes:
        try:
            with of_user():
                programs.notes['together'] = _differs(programs, scanned=True, mapped=True)
        except STOPS as error:  # each rule alone will say what a user's class raised
            programs.notes['together'] = in_words(error)
    return programs.notes['together']
