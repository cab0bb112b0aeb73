"""Cost: the costs of a model before it runs, counted from its traced program, by role and by part.

Multiply-adds are those of matrix products, convolutions and Fourier transforms, as papers count them ("GFLOPs" there are
multiply-adds). Depthwise
convolutions count as such, however they are lowered. The blocks of a stage are alike, so `cost_of` traces a deep model with few
blocks and counts all.
"""

import collections
import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from arch.depth import unscanned
from arch.model import Model, build
from arch.model_sockets import Sockets
from arch.monolith import is_monolith
from arch.ops.lowering import lowering
from arch.roles import ROLES, names
from arch.sockets import TABLES

VIEWS = ('reshape', 'squeeze', 'expand_dims', 'broadcast_in_dim', 'transpose', 'copy')


def _macs_of(equation) -> int:
    if equation.primitive.name == 'ragged_dot_general':
        # Every row meets one group's kernel alone, wherever the groups lie: in the product and in both of its gradients.
        rows, kernels = (variable.aval for variable in equation.invars[:2])
        numbers = equation.params['ragged_dot_dimension_numbers']
        (_, contract), (_, batch) = numbers.dot_dimension_numbers
        met = {*contract, *batch, *numbers.rhs_group_dimensions}
        return rows.size * math.prod(size for axis, size in enumerate(kernels.shape) if axis not in met)
    if equation.primitive.name == 'triangular_solve':
        # A row of a triangle of n rows meets half of them.
        return equation.invars[1].aval.size * equation.invars[0].aval.shape[-1] // 2
    if equation.primitive.name == 'fft':
        # 5/2 n log2 n multiply-adds for a transform of n complex numbers, half as many where one side is real.
        sizes = equation.params['fft_lengths']
        numbers = max(variable.aval.size for variable in (*equation.invars, *equation.outvars))
        real = not all(jnp.iscomplexobj(variable.aval) for variable in (*equation.invars, *equation.outvars))
        return round((1.25 if real else 2.5) * numbers * math.log2(math.prod(sizes)))
    if equation.primitive.name not in ('dot_general', 'conv_general_dilated'):
        return 0
    out = math.prod(equation.outvars[0].aval.shape)
    if equation.primitive.name == 'dot_general':
        (contract, _), _ = equation.params['dimension_numbers']
        return out * math.prod(equation.invars[0].aval.shape[axis] for axis in contract)
    kernel = equation.invars[1].aval.shape
    numbers = equation.params['dimension_numbers'].rhs_spec
    # The gradient of a strided convolution is one over its own input with zeros set between, which cost nothing.
    return round(out * math.prod(kernel[axis] for axis in numbers[1:]) / math.prod(equation.params['lhs_dilation']))


def _inner(equation):
    """The programs inside an equation, each with the number of times that it runs."""
    times = equation.params.get('length', 1) if equation.primitive.name == 'scan' else 1
    for value in equation.params.values():
        for item in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(item, ClosedJaxpr):
                yield item.jaxpr, times
            elif isinstance(item, Jaxpr):
                yield item, times


def _path(equation, outer: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The path of modules below the body around an equation: (block_0, mixer, query); `outer` where it names none."""
    stack = [part for part in str(equation.source_info.name_stack).split('/') if part and '(' not in part]
    # What is computed again stands under a name of its own, and its function behind the module's: block_0.run.
    stack = [part.partition('.')[0] for part in stack if part != 'rematted_computation']
    inner = stack[1:] if stack and stack[0][:1].isupper() else stack
    return outer or tuple(inner)


def _count(program, outer: tuple[str, ...] = ()) -> collections.Counter:
    """Multiply-adds of a program by their path of modules."""
    total = collections.Counter()
    for equation in program.eqns:
        path = _path(equation, outer)
        total[path] += _macs_of(equation)
        for inner, times in _inner(equation):
            for name, macs in _count(inner, path).items():
                total[name] += times * macs
    return total


def _placed(counts: collections.Counter, parts: set[str]) -> collections.Counter:
    """Counts by paths that begin with the owner of the parameters: a shortcut that a block calls is not part of the block."""
    total = collections.Counter()
    for path, count in counts.items():
        while len(path) > 1 and path[1] in parts and path[0] in parts and path[0] != 'head':
            path = path[1:]
        total[path] += count
    return total


def _by_part(counts: collections.Counter, parts: Mapping[str, tuple[str, ...]], order: Mapping[str, int]) -> dict[str, int]:
    """Sums by the first module (stem, block_0, head ...), for all the parts that it represents, in their order."""
    total = collections.Counter()
    for path, count in counts.items():
        first = path[0] if path else 'loss'
        for part in parts.get(first, (first,)):
            total[part] += count
    return {part: total[part] for part in sorted(total, key=lambda part: order.get(part, len(order))) if total[part]}


def _by_role(counts: collections.Counter, kernels: dict[tuple[str, ...], str], parts: Mapping) -> dict[str, int]:
    """Sums by the role of a product's kernel; products without a kernel (attention) are `activation`."""
    total = collections.Counter()
    for path, count in counts.items():
        beside = [role for modules, role in kernels.items() if path and modules[-1] == path[-1] and _within(modules, path)]
        total[beside[0] if beside else 'activation'] += count * _times(path, parts)
    return {name: count for name, count in total.items() if count}


def _times(path: tuple[str, ...], parts: Mapping[str, tuple[str, ...]]) -> int:
    """The number of parts of the whole model that the part of this path represents; 1 for what no part does.

    >>> _times(('block_1', 'mixer'), {'block_1': ('block_1', 'block_2')}), _times(('stem',), {}), _times((), {})
    (2, 1, 1)
    """
    return len(parts.get(path[0], path[:1])) if path else 1


def _within(modules: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Whether the path contains the modules in this order; a residual rule in the path of its block may stand between."""
    rest = iter(path)
    return all(name in rest for name in modules)


def _origin(variable, made: dict):
    """The variable with the same numbers, behind views that only change the shape."""
    while not isinstance(variable, Literal) and variable in made and made[variable].primitive.name in VIEWS:
        source = made[variable].invars[0]
        if source.aval.size != variable.aval.size:
            break
        variable = source
    return variable


def _saved(program, first: int) -> collections.Counter:
    """Bytes that the backward pass reads, by path: the outputs from number `first` on that are not inputs, each once.

    The same numbers in another shape are the same bytes.
    """
    made = {variable: equation for equation in program.eqns for variable in equation.outvars}
    seen, total = set(program.invars) | set(program.constvars), collections.Counter()
    for variable in program.outvars[first:]:
        variable = _origin(variable, made)
        if isinstance(variable, Literal) or variable in seen:
            continue
        seen.add(variable)
        path = _path(made[variable]) if variable in made else ()
        total[path] += variable.aval.size * variable.aval.dtype.itemsize
    return total


def _largest(program, first: int) -> int:
    """Bytes of the largest array of those."""
    made = {variable for equation in program.eqns for variable in equation.outvars}
    saved = [variable.aval for variable in program.outvars[first:] if not isinstance(variable, Literal) and variable in made]
    return max((one.size * one.dtype.itemsize for one in saved), default=0)


ALIKE = 3
"""The number of traced blocks of a stage: the first, the last, and one for all between."""


def folded(config: dict, tables: Mapping[str, Mapping[str, type]] = TABLES) -> tuple[dict, dict[str, tuple[str, ...]]]:
    """A config with at most `ALIKE` blocks in a row, as a loop; and the blocks of the whole model that each represents.

    A config with different blocks, as of a stack or of a stream that grows with depth, keeps them all. So does a body without
    known stages.
    """
    sockets = Sockets(config, tables)
    body = sockets.make('body', name=None)
    depths, rows, short, parts, first = body.stages(), body.blocks(), [], {}, 0
    if sockets.layers:
        return {**config, 'body': {**config['body'], 'over_depth': 'loop'}}, {}
    if not depths or unscanned(sockets):
        return config, {}
    for stage, depth in enumerate(depths):
        # A block before the row, which begins the stage by itself, is unlike the others.
        begin = depth - len(rows.get(f'blocks_{stage}', ()))
        few, at, blocks = min(depth, begin + ALIKE), sum(short), [f'block_{first + number}' for number in range(depth)]
        alike = [blocks[few - 2 : -1], blocks[-1:]] if few < depth else []
        groups = [[block] for block in blocks[: few - len(alike)]] + alike
        parts.update({f'block_{at + number}': tuple(group) for number, group in enumerate(groups)})
        first += depth
        short.append(few)
    few = {**body.with_stages(short), 'over_depth': 'loop'}
    return {**config, 'body': {**config['body'], **few}}, parts


def cost(model: Model, x: jax.ShapeDtypeStruct) -> dict:
    """Counts for a batch like `x`: nothing is computed.

    params; macs (multiply-adds of one example, forward); flops (one training step of the batch: 2 x the multiply-adds of
    forward and backward); activation_bytes (saved for the backward pass of the batch, before the compiler saves some of them);
    largest_bytes (of these the largest array). Each but that one also has `_by_part` (stem, block_0, ..., head, in the order of
    the program; `loss` for what is in no module), and params, macs and flops have `_by_role`.
    """
    return _counted(model, x, {})


def cost_of(config: dict, x: jax.ShapeDtypeStruct, tables: Mapping[str, Mapping[str, type]] = TABLES) -> dict:
    """The `cost` of a config's model, in a time that does not grow with depth.

    A scanned body is counted block by block too, as if it were a loop. Of a user's own whole model only the totals
    are known, and its parameters by role. Raises ValueError where the config does not build.
    """
    build(config, tables)
    short, parts = folded(config, tables)
    counts = _counted(build(short, tables), x, parts)
    return _in_all(counts) if is_monolith(config, tables) else counts


TRAINED = ('flops', 'activation_bytes')
"""The counts that are of training, the others of a model as it is scored."""


def trained_on(counts: dict, shorter: dict) -> dict:
    """The counts of a model that is scored on one shape of examples and trained on another, from the `cost_of` both."""
    return {**counts, **{name: value for name, value in shorter.items() if name.startswith(TRAINED)}}


def _in_all(counts: dict) -> dict:
    """The counts of a user's own whole model: its modules are not known, and neither are the parameters of its products."""
    return {name: value for name, value in counts.items() if name == 'params_by_role' or '_by_' not in name}


def parameters(config: dict, x: jax.ShapeDtypeStruct, tables: Mapping[str, Mapping[str, type]] = TABLES) -> int:
    """The `params` of `cost_of` alone."""
    short, parts = folded(config, tables)
    model, key = build(short, tables), jax.random.key(0)
    drawn = jax.eval_shape(lambda: model.init(key, jnp.zeros((1, *x.shape[1:]), x.dtype), {})[0])
    return sum(leaf.size * _times(names(path), parts) for path, leaf in jax.tree_util.tree_leaves_with_path(drawn))


def multiply_adds(config: dict, x: jax.ShapeDtypeStruct, tables: Mapping[str, Mapping[str, type]] = TABLES) -> int:
    """The `macs` of `cost_of` alone, from the forward pass alone: in a fraction of its time."""
    short, parts = folded(config, tables)
    model, key, one = build(short, tables), jax.random.key(0), jax.ShapeDtypeStruct((1, *x.shape[1:]), x.dtype)

    def forward(params, state, x):
        return model.apply(params, state, x, knobs={}, key=key, train=False)[0]

    with lowering('reference'):
        drawn = jax.eval_shape(lambda: model.init(key, jnp.zeros(one.shape, one.dtype), {}))
        counts = _count(jax.make_jaxpr(forward)(*drawn, one).jaxpr)
    return sum(count * _times(path, parts) for path, count in counts.items())


def _counted(model: Model, x: jax.ShapeDtypeStruct, parts: Mapping[str, tuple[str, ...]]) -> dict:
    """The counts of a model in which one part may represent several."""
    key = jax.random.key(0)
    params, state = jax.eval_shape(lambda: model.init(key, jnp.zeros(x.shape, x.dtype), {}))

    def forward(params, x):
        return model.apply(params, state_zeros, x, knobs={}, key=key, train=True)[0]

    def loss(params, x):
        y = forward(params, x).astype(jnp.float32)
        return (jax.nn.logsumexp(y, -1) - y[..., 0]).mean()

    def step(params, x):
        value, backward = jax.vjp(lambda params: loss(params, x), params)
        return backward(jnp.ones_like(value)), jax.tree.leaves(backward)

    state_zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), state)
    one = jax.ShapeDtypeStruct((1, *x.shape[1:]), x.dtype)
    with lowering('reference'):
        macs = _count(jax.make_jaxpr(forward)(params, one).jaxpr)
        whole = jax.make_jaxpr(step)(params, x).jaxpr
    flops = collections.Counter({path: 2 * count for path, count in _count(whole).items()})
    saved = _saved(whole, len(jax.tree.leaves(params)))
    largest = _largest(whole, len(jax.tree.leaves(params)))
    macs, flops, saved = (_placed(counts, set(params)) for counts in (macs, flops, saved))
    sizes, by_role, kernels = collections.Counter(), collections.Counter(dict.fromkeys(ROLES, 0)), {}
    own_roles = jax.tree.leaves(model.roles(params))
    for (path, leaf), role in zip(jax.tree_util.tree_leaves_with_path(params), own_roles, strict=True):
        *modules, own = names(path)
        sizes[names(path)] += leaf.size
        by_role[role] += leaf.size * _times(names(path), parts)
        if own == 'kernel':
            kernels[tuple(modules)] = role
    order = {part: None for path in macs if path for part in parts.get(path[0], path[:1])}
    order = {part: number for number, part in enumerate(order)}
    counts_by = {'params_by_part': _by_part(sizes, parts, order), 'params_by_role': dict(by_role)}
    for name, counts in (('macs', macs), ('flops', flops)):
        counts_by[f'{name}_by_part'] = _by_part(counts, parts, order)
        counts_by[f'{name}_by_role'] = _by_role(counts, kernels, parts)
    counts_by['activation_bytes_by_part'] = _by_part(saved, parts, order)
    totals = {name: sum(counts_by[f'{name}_by_part'].values()) for name in ('params', 'macs', 'flops', 'activation_bytes')}
    return {**totals, 'largest_bytes': largest, **counts_by}
