"""Cost: what a model costs before it runs, counted from its traced program, by role and by part.

Multiply-adds are those of matrix products and convolutions, as papers count them ("GFLOPs" there are multiply-adds).
Depthwise convolutions count as such, however they are lowered.
"""

import collections
import math

import jax
import jax.numpy as jnp

from arch.model import Model
from arch.ops.depthwise import lowering
from arch.roles import ROLES, names, role

VIEWS = ('reshape', 'squeeze', 'expand_dims', 'broadcast_in_dim', 'transpose', 'copy')


def _macs_of(equation) -> int:
    out = math.prod(equation.outvars[0].aval.shape)
    if equation.primitive.name == 'dot_general':
        (contract, _), _ = equation.params['dimension_numbers']
        return out * math.prod(equation.invars[0].aval.shape[axis] for axis in contract)
    if equation.primitive.name == 'conv_general_dilated':
        kernel = equation.invars[1].aval.shape
        numbers = equation.params['dimension_numbers'].rhs_spec
        return out * math.prod(kernel[axis] for axis in numbers[1:])
    return 0


def _inner(equation):
    """The programs inside an equation, with how often each runs."""
    times = equation.params.get('length', 1) if equation.primitive.name == 'scan' else 1
    for value in equation.params.values():
        for item in value if isinstance(value, (tuple, list)) else (value,):
            if hasattr(item, 'jaxpr'):
                yield item.jaxpr, times
            elif hasattr(item, 'eqns'):
                yield item, times


def _path(equation, outer: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The modules below the body that an equation stands in: (block_0, mixer, query); `outer` where it names none."""
    stack = [part for part in str(equation.source_info.name_stack).split('/') if part and '(' not in part]
    inner = stack[1:] if stack and stack[0][:1].isupper() else stack
    return outer or tuple(inner)


def _count(program, outer: tuple[str, ...] = ()) -> collections.Counter:
    """Multiply-adds of a program by the path of modules that they stand in."""
    total = collections.Counter()
    for equation in program.eqns:
        path = _path(equation, outer)
        total[path] += _macs_of(equation)
        for inner, times in _inner(equation):
            for name, macs in _count(inner, path).items():
                total[name] += times * macs
    return total


def _by_part(counts: collections.Counter) -> dict[str, int]:
    """Sums by the first module: stem, block_0, head ..."""
    total = collections.Counter()
    for path, count in counts.items():
        total[path[0] if path else 'loss'] += count
    return {part: count for part, count in total.items() if count}


def _by_role(counts: collections.Counter, kernels: dict[tuple[str, ...], str]) -> dict[str, int]:
    """Sums by the role of the kernel that a product stands beside; products without one (attention) are `activation`."""
    total = collections.Counter()
    for path, count in counts.items():
        beside = [role for modules, role in kernels.items() if path and modules[-1] == path[-1] and _within(modules, path)]
        total[beside[0] if beside else 'activation'] += count
    return {name: count for name, count in total.items() if count}


def _within(modules: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Whether the modules stand in the path in this order: a block that is called by a residual rule has it in its path."""
    rest = iter(path)
    return all(name in rest for name in modules)


def _origin(variable, made: dict):
    """The variable whose numbers these are: views only change the shape."""
    while not hasattr(variable, 'val') and variable in made and made[variable].primitive.name in VIEWS:
        source = made[variable].invars[0]
        if source.aval.size != variable.aval.size:
            break
        variable = source
    return variable


def _saved(program) -> collections.Counter:
    """Bytes that the backward pass reads, by path: outputs of the forward half that are not its own inputs, each once.

    The same numbers in another shape are the same bytes.
    """
    made = {variable: equation for equation in program.eqns for variable in equation.outvars}
    seen, total = set(program.invars) | set(program.constvars), collections.Counter()
    for variable in program.outvars:
        variable = _origin(variable, made)
        if hasattr(variable, 'val') or variable in seen:
            continue
        seen.add(variable)
        path = _path(made[variable]) if variable in made else ()
        total[path] += variable.aval.size * variable.aval.dtype.itemsize
    return total


def cost(model: Model, x: jax.ShapeDtypeStruct) -> dict:
    """Counts for a batch like `x`: nothing is computed.

    params; macs (multiply-adds of one example, forward); flops (one training step of the batch: 2 x the multiply-adds of
    forward and backward); activation_bytes (saved for the backward pass of the batch). Each also `_by_part` (stem, block_0,
    ..., head; what belongs to no module is `loss`), all but the last also `_by_role`.
    """
    key = jax.random.key(0)
    params, state = jax.eval_shape(lambda: model.init(key, jnp.zeros(x.shape, x.dtype), {}))

    def forward(params, x):
        return model.apply(params, state_zeros, x, knobs={}, key=key, train=True)[0]

    def loss(params, x):
        y = forward(params, x).astype(jnp.float32)
        return (jax.nn.logsumexp(y, -1) - y[..., 0]).mean()

    state_zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), state)
    one = jax.ShapeDtypeStruct((1, *x.shape[1:]), x.dtype)
    with lowering('reference'):
        macs = _count(jax.make_jaxpr(forward)(params, one).jaxpr)
        step = _count(jax.make_jaxpr(jax.grad(loss))(params, x).jaxpr)
    backward = jax.make_jaxpr(lambda params, x: jax.tree.leaves(jax.vjp(lambda p: loss(p, x), params)[1]))(params, x)
    saved = _saved(backward.jaxpr)
    by_role, by_part, kernels = collections.Counter(dict.fromkeys(ROLES, 0)), collections.Counter(), {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        *modules, own = names(path)
        by_role[role(names(path))] += leaf.size
        by_part[names(path)[0]] += leaf.size
        if own == 'kernel':
            kernels[tuple(modules)] = role(names(path))
    flops = collections.Counter({path: 2 * count for path, count in step.items()})
    return {
        'params': sum(by_role.values()),
        'macs': sum(macs.values()),
        'flops': sum(flops.values()),
        'activation_bytes': sum(saved.values()),
        'params_by_role': dict(by_role),
        'params_by_part': dict(by_part),
        'macs_by_role': _by_role(macs, kernels),
        'macs_by_part': _by_part(macs),
        'flops_by_role': _by_role(flops, kernels),
        'flops_by_part': _by_part(flops),
        'activation_bytes_by_part': _by_part(saved),
    }
