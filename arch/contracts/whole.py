"""Whole models around one kind: in every body that it claims, with all options of other sockets."""

from collections.abc import Iterator, Mapping

import jax
import numpy as np

from ablations.user_file import STOPS, in_words, of_user
from arch.contracts.leaks import later_leak
from arch.contracts.programs import RATE, Programs, compiled, shared
from arch.depth import unscanned
from arch.fits import fits
from arch.generation import Generation
from arch.model import Model, build
from arch.model_sockets import Sockets
from arch.probe import PLAIN, Probe, started
from arch.shape_lines import SIZES

APART = 2e-3
"""The largest difference that rounding may make, as a share of the largest score."""
CUTS = 64
"""The largest number of cuts that are tried in one way."""
EXAMPLES = 2
LONG = 40
"""The number of tokens of a whole model: more than any default window, kernel or chunk of a kind."""
TOKENS = {
    'stem': {'kind': 'tokens', 'vocabulary': SIZES['V']},
    'head': {'kind': 'next_token', 'outputs': SIZES['V']},
}
ISOTROPIC = {'kind': 'isotropic', 'width': SIZES['C'], 'depth': 2}
BODIES = {
    'causal tokens': (('isotropic', 'causal', 'tokens'), {'body': {**ISOTROPIC, 'causal': True}, **TOKENS}),
    'tokens': (('isotropic', 'bidirectional', 'tokens'), {'body': ISOTROPIC, 'stem': TOKENS['stem']}),
    'maps': (('isotropic', 'bidirectional', 'maps'), {'body': ISOTROPIC}),
    'stages': (
        ('hierarchical', 'bidirectional', 'maps'),
        {
            'body': {'kind': 'hierarchical', 'widths': (SIZES['C'], 2 * SIZES['C']), 'depths': (1, 1)},
            'downsample': {'kind': 'separate_conv'},
        },
    ),
}
"""The bodies, each with the places that a kind must claim, and with the differences from the lab's plainest kinds."""
PLACED = ('position', 'block', 'mixer', 'norm', 'residual', 'channel', 'activation')
"""Families that have a place in every body."""
ENDS = {'stem': ('B', 'N'), 'head': ('B', 'N', 'C')}
"""The shapes of the inputs of stem and head in a causal body; a head that gives one answer for all tokens may see them all."""


def _around(block: Probe, places: tuple[str, ...]) -> dict:
    """Further differences around a kind: a mixer that meets its needs, and kinds that give it all its options."""
    family, cls = block.family, block.cls
    taken = cls.TAKES if family == 'mixer' else ()
    around = {}
    if cls.NEEDS or 'queries' in fits(cls) or family == 'position':
        # The first mixer of the table that takes what is needed; where nothing is, attention.
        around['mixer'] = {'kind': next(k for k, mixer in block.tables['mixer'].items() if set(cls.NEEDS) <= set(mixer.TAKES))}
    if family == 'norm' and 'queries' in fits(cls):
        around['qk_norm'] = {'kind': block.kind}
    if 'rotate' in taken:
        around['position'] = {'kind': 'rotary'}
    elif 'bias' in taken:
        around['position'] = {'kind': 'alibi'}
    if 'qk_norm' in taken:
        around['qk_norm'] = {'kind': 'rms_norm'}
    if 'values' in taken:
        around['residual'] = {'kind': 'value_residual'}
    elif 'first_values' in taken:
        around['residual'] = {'kind': 'first_values'}
    return around


def models(block: Probe, causal: bool) -> Iterator[tuple[str, Model, np.ndarray]]:
    """Every body that a kind claims, the causal one or the others: its name, the model and an input of it.

    Raises ValueError if one doesn't build.
    """
    for body, (places, differs) in BODIES.items():
        if ('causal' in places) != causal:
            continue
        of_tokens = ENDS.get(block.family) == block.line.given and block.line.made[1].startswith('N')
        claimed = block.family in PLACED or (causal and of_tokens)
        if not claimed or not set(places) <= set(fits(block.cls)):
            continue
        tokens = 'tokens' in places
        if block.family in PLACED and (block.line.given != (('B', 'N', 'C') if tokens else ('B', 'H', 'W', 'C'))):
            continue
        own = {'kind': block.kind}
        own |= {name: value for name, value in block.fields.items() if name in ('outputs', 'vocabulary')}
        config = {**PLAIN, **differs, **_around(block, places), block.family: own}
        sockets = Sockets(config, block.tables)
        if not unscanned(sockets):
            config['body'] = {**config['body'], 'over_depth': 'scan'}  # traced and compiled once for all blocks
        generator = np.random.default_rng(4)
        shape = (EXAMPLES, LONG) if tokens else (EXAMPLES, SIZES['H'], SIZES['H'], SIZES['I'])
        x = generator.integers(SIZES['V'], size=shape, dtype=np.int32) if tokens else generator.normal(size=shape)
        yield body, build(config, block.tables), x.astype(np.int32 if tokens else np.float32)


def bodies(programs: Programs) -> str:
    """a model builds in every body that the class claims, with all that other sockets may hand it"""
    try:
        with of_user():
            for _, model, x in models(programs.block, causal=False):
                jax.eval_shape(lambda x, model=model: model.init(jax.random.key(0), x, {}), x)
    except STOPS as error:  # a user's class may raise anything
        why = f'{in_words(error)}; mend it, or leave the place out of FITS'
        return f'{programs.block.line}: a body that it claims does not build: {why}'
    return ''


def whole(programs: Programs) -> str:
    """in a whole causal model of many tokens none sees later ones, training or not"""
    block = programs.block
    for _, model, x in models(block, causal=True):
        drawn = started(*jax.eval_shape(lambda x, model=model: model.init(jax.random.key(0), x, {}), x))
        knobs = dict.fromkeys(block.knobs, np.float32(RATE))
        modes = (False,) if block.cls.MIXES_BATCH else (True, False)
        leak = model_leak(model, *drawn, x, SIZES['V'], knobs, modes)
        return f'{block.line}: in a causal model, {leak}; mask what comes later where context.causal' if leak else ''
    return ''


def generates(programs: Programs) -> str:
    """token by token a whole causal model gives what it gives at once, if the class says that it generates"""
    block = programs.block
    for _, model, x in models(block, causal=True) if block.cls.GENERATES else ():
        drawn = started(*jax.eval_shape(lambda x, model=model: model.init(jax.random.key(0), x, {}), x))
        why = difference(model, *drawn, x, dict.fromkeys(block.knobs, np.float32(RATE)))
        return f'{block.line}: {why}; keep what is needed of earlier tokens in context.past' if why else ''
    return ''


def difference(model: Model, params: dict, state: dict, x: np.ndarray, knobs: Mapping[str, object]) -> str:
    """How far the scores of a causal model for tokens [B, N] one after the other are from those for all at once, or ''."""
    steps = Generation(model, x.shape[1])

    def both(params: dict, state: dict, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        one = steps.scores(params, state, x, knobs)
        return one, model.apply(params, state, x, knobs=knobs, key=jax.random.key(3), train=False)[0]

    one, other = compiled(jax.jit(both).trace(params, state, x))(params, state, x)
    off = np.abs(np.asarray(one - other)).max((0, 2)) / np.abs(np.asarray(other)).max()
    if (off < APART).all():
        return ''
    return f'token by token the scores of token {int(np.argmin(off < APART))} differ by {off.max():.2g} of the largest'


def model_leak(
    model: Model,
    params: dict,
    state: dict,
    x: np.ndarray,
    ids: int | None,
    knobs: Mapping[str, object],
    modes: tuple[bool, ...] = (True, False),
) -> str:
    """A description of what a token of a causal model sees of later ones, or ''. `modes`: training (True) or not.

    `x` [B, N] ids below `ids`, or [B, N, I] numbers. A few cuts are tried in every way, every cut in one.
    """
    length = x.shape[1]
    some = sorted({1, min(2, length - 1), length // 5, length // 2, length - 1} - {0})
    programs: list = []
    key = jax.random.key(3)
    params, state = jax.device_put((params, state))
    for train in modes:

        def apply(params: dict, state: dict, x: jax.Array, key: jax.Array, knobs: dict, train: bool = train) -> jax.Array:
            return model.apply(params, state, x, knobs=knobs, key=key, train=train)[0]

        program = shared(jax.jit(apply).trace(params, state, x, key, knobs), programs)
        if program is None:
            continue

        def run(x: np.ndarray, program=program) -> np.ndarray:
            return program(params, state, x, key, knobs)

        leak = later_leak(run, x, some, ids) or later_leak(
            run, x, list(range(1, length, max(1, length // CUTS))), ids, thorough=False
        )
        if leak:
            return f'{leak}, {"training" if train else "outside training"}'
    return ''
