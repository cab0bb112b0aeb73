"""Rules on a block's declarations, checked on its traced program: nothing is compiled."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Literal

from arch.block import SITES
from arch.context import Context
from arch.contracts.programs import Programs
from arch.initials import LecunNormal
from arch.probe import Probe
from arch.roles import names, product, role
from arch.shape_lines import sizes

AUTOMATIC = re.compile(r'^[A-Z]\w*_\d+$')
"""Flax's automatic name of a submodule, e.g. Dense_0."""


def _paths(tree: dict) -> list[tuple[str, ...]]:
    return [names(path) for path, _ in jax.tree_util.tree_leaves_with_path(tree)]


def shape(programs: Programs) -> str:
    """the output has the sizes of every shape line"""
    block = programs.block
    y, wanted = programs.output, sizes(block.line.made, block.fields)
    alike = len(y.shape) == len(wanted) and all(size in (made, None) for made, size in zip(y.shape, wanted, strict=True))
    return '' if alike else f'{block.line} gave {list(y.shape)}, wanted {list(wanted)}; mend the line or the class'


def flags(programs: Programs) -> str:
    """every flag of the class is known, has the right type and is true"""
    block = programs.block
    if block.family == 'norm' and _starts_branch(block) != block.module.starts_branch():
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
    """Whether the initial parameters of a norm at the end of a branch depend on the model's `branch_end`."""
    end = norm.module.clone(site='end')

    def first(branch_end: str) -> str:
        context = Context(initial=LecunNormal(branch_end), branches=2)
        return str(jax.make_jaxpr(lambda x: end.init(jax.random.key(1), x, context))(norm.x()))

    return first('zero') != first('same')


def dtype(programs: Programs) -> str:
    """float32 gives float32 and bfloat16 gives bfloat16; the scores of a body are float32"""
    block = programs.block
    for kind in (jnp.float32,) if block.takes_ids else (jnp.float32, jnp.bfloat16):
        x = block.x() if block.takes_ids else block.x().astype(kind)
        y = programs.output if x.dtype == block.x().dtype else programs.output_like(x)
        if y.dtype != (jnp.float32 if block.family == 'body' else kind):
            return f'{block.line} in {kind.__name__} gave {y.dtype}; end with .astype(x.dtype)'
    return ''


def explicit_names(programs: Programs) -> str:
    """every submodule with parameters or statistics has a name of its own"""
    params, state = programs.block.drawn()
    for path in _paths(params) + _paths(state):
        for name in path:
            if AUTOMATIC.match(name):
                return f"'{'/'.join(path)}': '{name}' is an automatic name; give the submodule name='...'"
    return ''


def parameter_roles(programs: Programs) -> str:
    """every parameter has a role, and every matrix says which of its axes go in and out"""
    block = programs.block
    for path, leaf in jax.tree_util.tree_leaves_with_path(block.drawn()[0]):
        role(names(path), block.kernels)
        product(names(path), leaf.shape, block.kernels)
    return ''


def traced_knobs(programs: Programs) -> str:
    """every knob of KNOBS works as a traced value, and changes something"""
    block = programs.block
    for name in block.knobs:
        tried = [block]
        if block.family == 'norm':  # it may read a knob at one of its sites only
            tried = [dataclasses.replace(block, module=block.module.clone(site=site)) for site in SITES]
        if not any(_reaches(place, name) for place in tried):
            return f"{block.line}: the knob '{name}' changes nothing; read it by context.knob('{name}', ...)"
    return ''


def _reaches(block: Probe, name: str) -> bool:
    """Whether the parameters, the output or a loss of the block's own depend on a traced knob."""

    def run(value: jax.Array) -> tuple:
        params, state = block.init(jax.random.key(1), block.x(), {name: value})
        y, told = block.applied(params, state, block.x(), key=jax.random.key(2), train=True, knobs={name: value})
        return params, y, told.get('aux', {})

    program = jax.make_jaxpr(run)(np.float32(0.25)).jaxpr
    reached = set(program.invars)
    for equation in program.eqns:
        if any(not isinstance(variable, Literal) and variable in reached for variable in equation.invars):
            reached.update(equation.outvars)
    return any(not isinstance(variable, Literal) and variable in reached for variable in program.outvars)


def repeatable(programs: Programs) -> str:
    """outside training a block needs no noise, and is the same program each time"""
    block = programs.block

    def run(x: jax.Array) -> tuple:
        params, state = block.init(jax.random.key(1), x)
        return params, block.apply(params, state, x)[0]

    # Numbers that Python or numpy draw while tracing stand in the program as constants.
    first, second = (jax.make_jaxpr(lambda x: run(x))(block.x()) for _ in range(2))
    same = str(first) == str(second) and all(map(np.array_equal, first.consts, second.consts))
    return '' if same else f'{block.line}: two traces differ; draw by jax.random in init, or by make_rng in training'


def statistics(programs: Programs) -> str:
    """running statistics keep their shapes and types, and change only while training"""
    block, modes = programs.block, {train: programs.traced(train, causal=False) for train in (True, False)}
    params, state = block.drawn()
    first, last = len(jax.tree.leaves(params)), len(jax.tree.leaves((params, state)))
    same = {train: jax.tree.structure(mode.out_info[1]) == jax.tree.structure(state) for train, mode in modes.items()}
    trained, other = modes[True].jaxpr, modes[False].jaxpr.jaxpr
    if not same[True] or trained.out_avals[1:] != trained.in_avals[first:last]:
        return f'{block.line}: statistics change shape or type in a training step; keep them float32'
    if not same[False] or other.outvars[1:] != other.invars[first:last]:
        return f'{block.line}: statistics change outside training; guard by context.train'
    return ''
