"""Ops: operations of `arch/ops` in all their forms, forward and backward, and the lab's choice of form."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from arch.ops.depthwise import FORMS, expected_ns, form_of
from arch.ops.gelu import gelu
from arch.ops.layer_norm import layer_norm
from arch.ops.product import product
from arch.ops.rms_norm import rms_norm
from arch.ops.softmax import softmax
from benchmarks.machine import machine
from benchmarks.timing import in_turns

EPS = 1e-6
AGREE = 1e-4
"""How far the numbers of two forms may be apart, as a share of the largest."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One operation on inputs of these shapes, the first one a batch: its forms by name, and the form that the lab takes.

    `expected_ms`: the expectation of a cost model for each form, if it chooses by one.
    """

    operation: str
    size: str
    shapes: tuple[tuple[int, ...], ...]
    forms: Mapping[str, Callable]
    taken: str
    expected_ms: Mapping[str, float] = dataclasses.field(default_factory=dict)


def _by_library(x: jax.Array) -> jax.Array:
    return jax.nn.gelu(x, approximate=False)


def _plain_layer_norm(x: jax.Array, scale: jax.Array, bias: jax.Array) -> jax.Array:
    centred = x - x.mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt(jnp.square(centred).mean(-1, keepdims=True) + EPS) * scale + bias


def _plain_rms_norm(x: jax.Array, scale: jax.Array) -> jax.Array:
    return x * jax.lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + EPS) * scale


def _text(shape: Sequence[int]) -> str:
    return ' x '.join(map(str, shape))


def _product(*shape: int, features: int) -> Case:
    forms = {'two axes': product, 'as it lies': jnp.matmul}
    return Case('product', f'{_text(shape)} to {features}', (shape, (shape[-1], features)), forms, 'two axes')


def _gelu(*shape: int) -> Case:
    return Case('gelu', _text(shape), (shape,), {'own': gelu, 'library': _by_library}, 'own')


def _layer_norm(*shape: int) -> Case:
    forms = {'own': lambda x, scale, bias: layer_norm(x, scale, bias, EPS), 'derived': _plain_layer_norm}
    return Case('layer_norm', _text(shape), (shape, shape[-1:], shape[-1:]), forms, 'own')


def _rms_norm(*shape: int) -> Case:
    forms = {'own': lambda x, scale: rms_norm(x, scale, EPS), 'derived': _plain_rms_norm}
    return Case('rms_norm', _text(shape), (shape, shape[-1:]), forms, 'own')


def _softmax(*shape: int) -> Case:
    return Case('softmax', _text(shape), (shape,), {'own': softmax, 'library': jax.nn.softmax}, 'own')


def _depthwise(*shape: int, taps: int) -> Case:
    spatial, examples = shape[1:-1], shape[0] * shape[-1]
    sizes = (taps,) * len(spatial)
    expected = {name: ns * examples / 1e6 for name, ns in expected_ns(spatial, sizes).items()}
    forms = {name: lambda x, kernel, form=FORMS[name]: form(x, kernel, False, 1) for name in expected}
    taken = form_of(spatial, sizes)
    if taken not in forms:
        forms[taken] = lambda x, kernel: FORMS[taken](x, kernel, False, 1)
    size = f'{_text(shape)}, {_text(sizes)} taps'
    return Case('depthwise', size, (shape, (*sizes, shape[-1])), forms, taken, expected)


def cases() -> list[Case]:
    """Operations at the sizes of tiny and of middle-sized models: images of 8 and 32 pixels, tokens of 32 and 128."""
    return [
        _product(64, 4, 4, 16, features=64),
        _product(64, 8, 8, 96, features=384),
        _product(16, 128, 512, features=128),
        _product(64, 16, 16, 64, features=256),
        _gelu(64, 4, 4, 64),
        _gelu(64, 8, 8, 384),
        _layer_norm(64, 4, 4, 16),
        _layer_norm(64, 8, 8, 96),
        _rms_norm(16, 128, 128),
        _softmax(64, 4, 64, 64),
        _softmax(16, 4, 128, 128),
        _depthwise(64, 2, 2, 32, taps=3),
        _depthwise(64, 4, 4, 16, taps=3),
        _depthwise(64, 4, 4, 64, taps=7),
        _depthwise(64, 8, 8, 64, taps=3),
        _depthwise(64, 8, 8, 128, taps=7),
        _depthwise(64, 12, 12, 32, taps=7),
        _depthwise(16, 16, 16, 64, taps=7),
        _depthwise(16, 32, 32, taps=5),
        _depthwise(16, 128, 64, taps=5),
    ]


def _slopes(form: Callable) -> Callable:
    """Output and gradients by every input, for a given slope of the output."""

    def run(slope: jax.Array, *inputs: jax.Array) -> tuple:
        made, backward = jax.vjp(form, *inputs)
        return made, backward(slope)

    return run


def apart(one: object, other: object) -> float:
    """The greatest difference of two trees of arrays, as a share of the largest number of each array.

    >>> apart([np.array([1.0, 4.0])], [np.array([1.0, 3.0])])
    0.25
    """
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return max(float(np.abs(np.subtract(left, right)).max() / max(np.abs(left).max(), 1e-30)) for left, right in pairs)


def measure(case: Case, rounds: int) -> dict:
    """The times of every form of a case, as plain data. Raises ValueError where two forms give other numbers."""
    generator = np.random.default_rng(0)
    inputs = [jnp.asarray(generator.normal(size=shape), jnp.float32) for shape in case.shapes]
    with jax.numpy_rank_promotion('allow'):
        made = jax.eval_shape(case.forms[case.taken], *inputs)
        slope = jnp.asarray(generator.normal(size=made.shape), jnp.float32)
        timings = in_turns({name: _slopes(form) for name, form in case.forms.items()}, (slope, *inputs), rounds)
    for name, timing in timings.items():
        distance = apart(timings[case.taken].made, timing.made)
        if distance > AGREE:
            raise ValueError(
                f"{case.operation} of {case.size}: form '{name}' gives numbers that are {distance:.1e} from those of "
                f"'{case.taken}'; allowed: {AGREE:g}; mend the form"
            )
    return {
        'operation': case.operation,
        'size': case.size,
        'taken': case.taken,
        'fastest': min(timings, key=lambda name: timings[name].cpu_ms.median),
        'forms': {name: timing.plain() for name, timing in timings.items()},
        'expected_ms': {name: round(ms, 4) for name, ms in case.expected_ms.items()},
    }


def bench(rounds: int, only: str | None = None) -> dict:
    """All cases, or those of one operation, with the machine that they were measured on."""
    chosen = [case for case in cases() if only in (None, case.operation)]
    if not chosen:
        names = list(dict.fromkeys(case.operation for case in cases()))
        raise ValueError(f"--only '{only}'; allowed: {names}; leave it out for all")
    return {'machine': machine(rounds), 'rounds': rounds, 'cases': [measure(case, rounds) for case in chosen]}


def lines(results: Mapping) -> list[str]:
    """The results as text: a line for each form, the one that is taken marked by `*`."""
    told = results['machine']
    made = [
        f'{told["processor"]}, {told["cores"]} cores, load {told["load"]}, products {told["peak_gflops"]:.0f} GFLOP/s',
        f'forward and backward, CPU ms: median (least to greatest of {results["rounds"]}); * is what the lab takes',
    ]
    for case in results['cases']:
        made.append(f'{case["operation"]}  {case["size"]}')
        for name, timing in case['forms'].items():
            ms, expected = timing['cpu_ms'], case['expected_ms'].get(name)
            mark = '*' if name == case['taken'] else ' '
            text = f'  {mark} {name:11} {ms["median"]:8.3f} ({ms["least"]:.3f} to {ms["greatest"]:.3f})'
            text += f'  compiled in {timing["compile_s"]:.1f} s'
            made.append(text + (f', expected {expected:.3f}' if expected is not None else ''))
    return made
