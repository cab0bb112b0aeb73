"""Programs: compiled forms of one block, shared by the rules, so that a check compiles few programs."""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np

from arch.probe import Probe, started

QUICK = {'xla_cpu_use_fusion_emitters': False, 'xla_backend_optimization_level': 0}
RATE = 0.25
"""The value of every knob while a block is tried."""


def weights(shape: tuple[int, ...]) -> np.ndarray:
    """Random weights that reduce an output to one scalar without cancelling errors."""
    return np.random.default_rng(7).normal(size=shape).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class Programs:
    """The programs of one block; each is traced and compiled on first use."""

    block: Probe
    notes: dict = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def start(self) -> tuple[dict, dict]:
        return self.block.start()

    def output_like(self, x: np.ndarray) -> jax.ShapeDtypeStruct:
        """The shape of the output for inputs like `x`, nothing computed."""
        block, key = self.block, self.keys[0]
        return jax.eval_shape(lambda params, state, x: block.apply(params, state, x, key=key)[0], *block.drawn(), x)

    @property
    def output(self) -> jax.ShapeDtypeStruct:
        """The shape of the output for the block's own input."""
        y = self.traced(train=False, causal=False).out_info[0]
        return jax.ShapeDtypeStruct(y.shape, y.dtype)

    @functools.cached_property
    def causal_start(self) -> tuple[dict, dict]:
        """The same in a causal body, where a block may have other parameters."""
        drawn = jax.eval_shape(lambda x: self.block.init(jax.random.key(0), x, causal=True), self.block.x())
        return self.start if drawn == self.block.drawn() else started(*drawn)

    @functools.cached_property
    def knobs(self) -> dict[str, np.ndarray]:
        return dict.fromkeys(self.block.knobs, np.float32(RATE))

    @functools.cached_property
    def keys(self) -> list[jax.Array]:
        return list(jax.random.split(jax.random.key(3)))

    @functools.cached_property
    def slopes(self) -> Callable:
        """`(params, state, x, key, knobs) -> (output, state), (gradient by params, gradient by x)`, in training.

        The gradient is that of a weighted sum of the outputs and of its own losses; for token ids it is {}.
        """
        differentiable = (0,) if self.block.takes_ids else (0, 1)

        def value(params: dict, x: jax.Array, state: dict, key: jax.Array, knobs: dict) -> tuple:
            y, changed = self.block.applied(params, state, x, key=key, train=True, knobs=knobs)
            own = sum(map(jnp.sum, jax.tree.leaves(changed.get('aux', {}))), jnp.float32(0))
            return own + jnp.sum(y.astype(jnp.float32) * weights(y.shape)), (y, changed.get('state', state))

        start = (self.start[0], self.block.x(), self.start[1], self.keys[0], self.knobs)
        run = compiled(jax.jit(jax.grad(value, differentiable, has_aux=True)).trace(*start))

        def called(params: dict, state: dict, x: np.ndarray, key: jax.Array | None = None, knobs: dict | None = None) -> tuple:
            gradients, made = run(params, x, state, self.keys[0] if key is None else key, knobs or self.knobs)
            return made, (gradients if len(gradients) == 2 else (*gradients, {}))

        return called

    def traced(self, train: bool, causal: bool) -> jax.stages.Traced:
        """The traced program `(params, state, x, key) -> output, next state` of one mode; traced once."""

        def run(params: dict, state: dict, x: jax.Array, key: jax.Array) -> tuple:
            return self.block.apply(params, state, x, key=key, train=train, causal=causal, knobs=self.knobs)

        mode = 'traced', train, causal
        if mode not in self.notes:
            self.notes[mode] = jax.jit(run).trace(*self._start(causal), self.block.x(), self.keys[0])
        return self.notes[mode]

    def _start(self, causal: bool) -> tuple[dict, dict]:
        return self.causal_start if causal else self.start

    @functools.cached_property
    def _known(self) -> list:
        def trained(params: dict, state: dict, x: np.ndarray, key: jax.Array) -> tuple:
            return self.slopes(params, state, x, key)[0]

        return [(*_read(self.traced(train=True, causal=False)), trained)]

    def outputs(self, train: bool, causal: bool) -> tuple[object, Callable]:
        """A compiled program, as `(x, key) -> output` with the start parameters.

        Modes with the same traced program share one compiled program, as in most blocks.
        """
        traced, start = self.traced(train, causal), jax.device_put(self._start(causal))
        program = _same(traced, self._known)
        if program is None:
            program = compiled(traced)
            self._known.append((*_read(traced), program))

        def run(x: np.ndarray, key: jax.Array | None = None) -> jax.Array:
            return program(*start, x, self.keys[0] if key is None else key)[0]

        return program, run

    def modes(self, causal: bool, mixes: bool) -> Iterator[tuple[str, Callable]]:
        """`outputs` in training and in evaluation, by name; only one entry if both are the same program.

        `mixes`: the examples of a batch may mix in training, so training is left out.
        """
        seen = []
        for mode, train in (('training', True), ('outside training', False)):
            if train and mixes:
                continue
            program, run = self.outputs(train, causal)
            if program not in seen:
                seen.append(program)
                yield mode, run


def compiled(traced: jax.stages.Traced) -> Callable:
    """The compiled form of a traced program; on CPU with options that compile faster and run slower."""
    lowered = traced.lower()
    if jax.default_backend() == 'cpu':
        with contextlib.suppress(jax.errors.JaxRuntimeError):  # a version of XLA that has no such option
            return lowered.compile(compiler_options=QUICK)
    return lowered.compile()


def shared(traced: jax.stages.Traced, known: list) -> Callable | None:
    """The compiled form of a traced program, which is added to `known`; None if it is there already."""
    if _same(traced, known) is not None:
        return None
    program = compiled(traced)
    known.append((*_read(traced), program))
    return program


def _read(traced: jax.stages.Traced) -> tuple[str, list]:
    """A traced program as text, and its constants."""
    return str(traced.jaxpr.jaxpr), traced.jaxpr.consts


def _same(traced: jax.stages.Traced, known: list) -> Callable | None:
    text, constants = _read(traced)
    for other, others, program in known:
        if text == other and all(map(np.array_equal, constants, others)):
            return program
    return None
