"""Contracts: the rules that every block keeps, the lab's own and a user's.

`check` tries one entry of a table alone in its socket, on a tiny random input for each shape line of its docstring.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax.extend.core import Literal

from arch.block import BASES, SITES, adopted_tables
from arch.context import Context
from arch.declared import mistakes
from arch.fits import fits
from arch.initials import LecunNormal
from arch.make import fields
from arch.probe import Probe, probe
from arch.roles import names, role
from arch.shape_lines import shape_lines, sizes
from arch.sockets import TABLES

AUTOMATIC = re.compile(r'^[A-Z]\w*_\d+$')
"""What flax calls a submodule that nobody named, e.g. Dense_0."""
LANES = 2
SCANNED = ('mixer', 'norm', 'residual', 'channel', 'activation')
"""Families whose kinds stand inside blocks."""
TOLERANCE = 1e-5
NOTHING = 1e-6
"""A gradient below this share of the largest one is rounding."""


@dataclasses.dataclass(frozen=True)
class Contract:
    """One rule tried on one block: whether it holds, and why (where it fails, what to mend)."""

    rule: str
    holds: bool
    why: str


def _made(block: Probe, x: np.ndarray) -> jax.ShapeDtypeStruct:
    """The shape of the output for inputs like `x`, nothing computed."""
    return jax.eval_shape(lambda params, state, x: block.apply(params, state, x, key=jax.random.key(0))[0], *block.drawn(), x)


def _paths(tree: dict) -> list[tuple[str, ...]]:
    return [names(path) for path, _ in jax.tree_util.tree_leaves_with_path(tree)]


def _weights(shape: tuple[int, ...]) -> np.ndarray:
    """Random numbers that make one scalar of an output, so that no two errors cancel."""
    return np.random.default_rng(7).normal(size=shape).astype(np.float32)


def shape(block: Probe) -> str:
    """the output has the sizes of every shape line"""
    y, wanted = _made(block, block.x()), sizes(block.line.made, block.fields)
    alike = len(y.shape) == len(wanted) and all(size in (made, None) for made, size in zip(y.shape, wanted, strict=True))
    return '' if alike else f'{block.line} gave {list(y.shape)}, wanted {list(wanted)}; mend the line or the class'


def flags(block: Probe) -> str:
    """every flag of the class is known, has the right type and is true"""
    if block.family == 'norm' and _starts_branch(block) != block.cls.SCALES_BRANCH:
        follows = 'starts' if _starts_branch(block) else 'does not start'
        return (
            f"{block.line}: at site 'end' its scale {follows} as context.initial.end says; "
            f'say SCALES_BRANCH = {_starts_branch(block)}'
        )
    if block.family == 'residual':
        x, rule = block.x(), block.module.sockets.make('residual', name=None)
        streams = jax.eval_shape(rule.enter, x) != jax.eval_shape(lambda x: x, x)
        if streams != block.cls.STREAMS:
            gives = 'more than' if streams else 'no more than'
            return f'{block.line}: enter gives {gives} an array like x; say STREAMS = {streams}'
    return ''


def _starts_branch(norm: Probe) -> bool:
    """Whether the first parameters of a norm at the end of a branch go by how the model's branches end."""
    end = norm.module.clone(site='end')

    def first(branch_end: str) -> str:
        context = Context(initial=LecunNormal(branch_end), branches=2)
        return str(jax.make_jaxpr(lambda x: end.init(jax.random.key(1), x, context))(norm.x()))

    return first('zero') != first('same')


def dtype(block: Probe) -> str:
    """float32 gives float32 and bfloat16 gives bfloat16; the scores of a body are float32"""
    for kind in (jnp.float32,) if block.takes_ids else (jnp.float32, jnp.bfloat16):
        x = block.x() if block.takes_ids else block.x().astype(kind)
        y = _made(block, x)
        if y.dtype != (jnp.float32 if block.family == 'body' else kind):
            return f'{block.line} in {kind.__name__} gave {y.dtype}; end with .astype(x.dtype)'
    return ''


def explicit_names(block: Probe) -> str:
    """every submodule with parameters or statistics has a name of its own"""
    params, state = block.drawn()
    for path in _paths(params) + _paths(state):
        for name in path:
            if AUTOMATIC.match(name):
                return f"'{'/'.join(path)}': '{name}' is an automatic name; give the submodule name='...'"
    return ''


def parameter_roles(block: Probe) -> str:
    """every parameter has a role"""
    for path in _paths(block.drawn()[0]):
        role(path)
    return ''


def gradient(block: Probe) -> str:
    """every parameter receives a finite gradient that is not zero"""

    @jax.jit
    @jax.grad
    def slopes(params: dict, state: dict, x: jax.Array) -> jax.Array:
        y = block.apply(params, state, x)[0]
        return jnp.sum(y * _weights(y.shape))

    leaves = jax.tree_util.tree_leaves_with_path(slopes(*block.start(), block.x()))
    slopes_by_name = {'/'.join(names(path)): np.abs(leaf).max() for path, leaf in leaves}
    broken = [name for name, slope in slopes_by_name.items() if not np.isfinite(slope)]
    if broken:
        return f'{block.line}: the gradient of {broken} is not finite; guard the division or the root'
    dead = [name for name, slope in slopes_by_name.items() if slope <= NOTHING * max(slopes_by_name.values())]
    return f'{block.line}: {dead} receive no gradient; use them or leave them out' if dead else ''


def lanes(block: Probe) -> str:
    """vmap over lanes gives what a loop gives"""
    params, state = block.start()
    scales = np.linspace(1.0, 0.5, LANES, dtype=np.float32)
    inputs = (
        jax.tree.map(lambda leaf: np.stack([leaf * scale for scale in scales]), params),
        jax.tree.map(lambda leaf: np.stack([leaf] * LANES), state),
        np.stack([block.x(lane) for lane in range(LANES)]),
        dict.fromkeys(block.knobs, scales / 4),
    )

    def one(params: dict, state: dict, x: jax.Array, knobs: dict) -> tuple:
        return block.apply(params, state, x, key=jax.random.key(3), train=True, knobs=knobs)

    together, alone = jax.jit(jax.vmap(one))(*inputs), jax.jit(one)
    for lane in range(LANES):
        expected = alone(*jax.tree.map(lambda leaf, lane=lane: leaf[lane], inputs))
        for left, right in zip(jax.tree.leaves(together), jax.tree.leaves(expected), strict=True):
            if not np.allclose(left[lane], right, rtol=TOLERANCE, atol=TOLERANCE):
                return f'{block.line}: lane {lane} differs by {np.abs(left[lane] - right).max():.1e} from a run of its own'
    return ''


def scan(block: Probe) -> str:
    """a scan over depth, where the number of the layer is traced, gives what a loop gives"""
    if block.family not in SCANNED or not block.cls.SCANS:
        return ''
    params, state = block.start()
    stack = jax.tree.map(lambda leaf: np.stack([leaf, leaf / 2]), (params, state))
    x = block.x()

    def one(params: dict, state: dict, layer: object) -> jax.Array:
        return block.apply(params, state, x, key=jax.random.key(3), train=True, layer=layer)[0]

    def scanned(stack: tuple) -> jax.Array:
        return jax.lax.scan(lambda _, at: (None, one(*at)), None, (*stack, jnp.arange(2)))[1]

    together = jax.jit(scanned)(stack)

    def looped(stack: tuple) -> jax.Array:
        return jnp.stack([one(*jax.tree.map(lambda leaf, at=at: leaf[at], stack), at) for at in range(2)])

    alone = jax.jit(looped)(stack)
    far = np.abs(np.asarray(together) - np.asarray(alone)).max()
    return '' if np.allclose(together, alone, rtol=TOLERANCE, atol=TOLERANCE) else f'{block.line}: differs by {far:.1e}'


def causal(block: Probe) -> str:
    """in a causal body token n sees tokens up to n, and some of them"""
    if not block.line.given == block.line.made == ('B', 'N', 'C') or 'causal' not in fits(block.cls):
        return ''
    x = block.x()

    @jax.jit
    def sees(params: dict, state: dict, x: jax.Array) -> jax.Array:
        y, pull = jax.vjp(lambda x: block.apply(params, state, x, causal=True)[0], x)
        outputs = np.eye(y.shape[1], dtype=np.float32)[:, None, :, None] * _weights(y.shape)[None]
        return jnp.abs(jax.vmap(lambda output: pull(output)[0])(outputs)).max((1, 3))

    seen = np.asarray(sees(*block.start(), x))
    seen = seen / max(seen.max(), np.finfo(np.float32).tiny)
    later = np.argwhere(np.triu(seen, 1) > NOTHING)
    if len(later):
        return f'{block.line}: token {later[0][0]} sees token {later[0][1]}; mask what comes later where context.causal'
    return '' if seen[-1].max() > NOTHING else f'{block.line}: the last token sees nothing; let it see itself'


def equivariant(block: Probe) -> str:
    """tokens in another order give the same outputs in that order: norms, channel blocks, activations, and who claims it"""
    if not block.cls.EQUIVARIANT or not block.line.given == block.line.made == ('B', 'N', 'C'):
        return ''
    x, (params, state) = block.x(), block.start()
    order = np.random.default_rng(3).permutation(x.shape[1])
    run = jax.jit(lambda x: block.apply(params, state, x, key=jax.random.key(5), train=True)[0])
    far = np.abs(np.asarray(run(x[:, order])) - np.asarray(run(x))[:, order]).max()
    return f'{block.line}: another order changes the outputs by {far:.1e}; say EQUIVARIANT = False' if far > TOLERANCE else ''


def batch(block: Probe) -> str:
    """no example sees another, or the class says MIXES_BATCH = True"""
    if block.cls.MIXES_BATCH:
        return ''
    x = block.x()

    def run(params: dict, state: dict, x: jax.Array) -> jax.Array:
        return block.apply(params, state, x, key=jax.random.key(5), train=True)[0][0]

    @jax.jit
    def slopes(params: dict, state: dict, x: jax.Array) -> jax.Array:
        y, pull = jax.vjp(lambda x: run(params, state, x), x)
        return jnp.abs(pull(_weights(y.shape))[0]).max(tuple(range(1, x.ndim)))

    if block.takes_ids:
        alone = jax.jit(run)
        leaks = not np.array_equal(alone(*block.start(), x), alone(*block.start(), np.stack([x[0], x[0]])))
    else:
        own, other = np.asarray(slopes(*block.start(), x))
        leaks = other > NOTHING * own
    return f'{block.line}: examples of a batch see each other; say MIXES_BATCH = True if they should' if leaks else ''


def traced_knobs(block: Probe) -> str:
    """every knob of KNOBS works as a traced value, and changes something"""
    for name in block.knobs:
        tried = [block]
        if block.family == 'norm':  # it may read a knob at one of its sites only
            tried = [dataclasses.replace(block, module=block.module.clone(site=site)) for site in SITES]
        if not any(_reaches(place, name) for place in tried):
            return f"{block.line}: the knob '{name}' changes nothing; read it by context.knob('{name}', ...)"
    return ''


def _reaches(block: Probe, name: str) -> bool:
    """Whether a traced knob has a part in the parameters or the output."""

    def run(value: jax.Array) -> tuple:
        params, state = block.init(jax.random.key(1), block.x(), {name: value})
        return params, block.apply(params, state, block.x(), key=jax.random.key(2), train=True, knobs={name: value})[0]

    program = jax.make_jaxpr(run)(np.float32(0.25)).jaxpr
    reached = set(program.invars)
    for equation in program.eqns:
        if any(not isinstance(variable, Literal) and variable in reached for variable in equation.invars):
            reached.update(equation.outvars)
    return any(not isinstance(variable, Literal) and variable in reached for variable in program.outvars)


def repeatable(block: Probe) -> str:
    """outside training a block needs no noise, and is the same program each time"""

    def run(x: jax.Array) -> tuple:
        params, state = block.init(jax.random.key(1), x)
        return params, block.apply(params, state, x)[0]

    # Numbers that Python or numpy draw while tracing stand in the program as constants.
    first, second = (jax.make_jaxpr(lambda x: run(x))(block.x()) for _ in range(2))
    same = str(first) == str(second) and all(map(np.array_equal, first.consts, second.consts))
    return '' if same else f'{block.line}: two traces differ; draw by jax.random in init, or by make_rng in training'


def statistics(block: Probe) -> str:
    """running statistics keep their shapes and types, and change only while training"""
    params, state = block.drawn()

    def after(params: dict, state: dict, x: jax.Array, train: bool) -> dict:
        return block.apply(params, state, x, key=jax.random.key(0), train=train)[1]

    def trained(params: dict, state: dict, x: jax.Array) -> dict:
        return after(params, state, x, True)

    if jax.eval_shape(trained, params, state, block.x()) != state:
        return f'{block.line}: statistics change shape or type in a training step; keep them float32'
    program = jax.make_jaxpr(lambda state: after(block.start()[0], state, block.x(), False))(state).jaxpr
    if program.outvars != program.invars:
        return f'{block.line}: statistics change outside training; guard by context.train'
    return ''


RULES = {
    'shape': shape,
    'flags': flags,
    'dtype': dtype,
    'names': explicit_names,
    'roles': parameter_roles,
    'gradient': gradient,
    'lanes': lanes,
    'scan': scan,
    'causal': causal,
    'equivariant': equivariant,
    'batch': batch,
    'knobs': traced_knobs,
    'repeatable': repeatable,
    'statistics': statistics,
}
"""Rule -> its check: '' where it holds, else what to mend. The docstring says the rule."""


def _tried(name: str, rule: Callable[[], str], says: str) -> Contract:
    try:
        why = rule()
    except Exception as error:  # a user's class may raise anything: that is a finding, not the end of the check
        why = f'{type(error).__name__}: {error}'
    return Contract(name, not why, why or says)


def _definition(cls: type) -> str:
    if not (isinstance(cls, type) and issubclass(cls, nn.Module)):
        return f'{cls!r} is no class of flax.linen.Module; make it one'
    blank = dataclasses.MISSING
    bare = [name for name, field in fields(cls).items() if field.default is blank and field.default_factory is blank]
    if bare:
        return f'the fields {bare} have no default; give each one'
    return '' if shape_lines(cls) else 'the docstring has no shape line; add e.g. `[B, N, C] -> [B, N, C]`'


def check(family: str, kind: str, tables: Mapping[str, Mapping[str, type]] = TABLES) -> list[Contract]:
    """Try every rule on one entry of a table; where a rule fails on a shape line, its `why` names the line.

    An entry that can't be made, has a flag that nobody knows or has the wrong shape fails `definition`, `flags` or `shape`
    and is tried no further. Raises ValueError for an entry that is not in the tables.
    """
    if family not in tables or kind not in tables[family]:
        allowed = sorted(tables.get(family, tables))
        raise ValueError(f"check: no {family} '{kind}'; allowed: {allowed}; name an entry of a table")
    tables, probes = adopted_tables(tables), []
    cls = tables[family][kind]
    first = _tried('definition', lambda: _definition(cls), 'a module whose fields have defaults, with a shape line')
    if not first.holds:
        return [first]
    declared = Contract('flags', False, '; '.join(mistakes(cls, BASES[family])))
    if declared.why:
        return [first, declared]

    def shapes() -> str:
        probes.extend(probe(family, kind, tables, line) for line in shape_lines(cls))
        return next(filter(None, map(shape, probes)), '')

    contracts = [first, _tried('shape', shapes, shape.__doc__)]
    if not contracts[-1].holds:
        return contracts
    for name, rule in RULES.items():
        if name != 'shape':
            contracts.append(_tried(name, lambda rule=rule: next(filter(None, map(rule, probes)), ''), rule.__doc__))
    return contracts
