"""Lane programs: the functions of a training run, compiled for one lane or for several, on one device or over a layout."""

import functools
from collections.abc import Callable

import jax

from sweeps.training.faults import of_model
from sweeps.training.layout import Layout
from sweeps.training.loop import Training

FUSIONS = {'xla_cpu_experimental_ynn_fusion_type': 'LIBRARY_FUSION_TYPE_DOT,LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT'}
"""Without fused reductions: with these some programs over lanes end the process (jaxlib 0.10.2, on CPU)."""


@functools.cache
def _options(lanes: bool) -> dict[str, str]:
    """How programs are compiled on this platform, over lanes or not."""
    if jax.default_backend() != 'cpu' or not lanes:
        return {}
    try:
        jax.jit(lambda x: x, compiler_options=FUSIONS).lower(0).compile()
    except (jax.errors.JaxRuntimeError, ValueError):  # a version of XLA that has no such option
        return {}
    return FUSIONS


def _once(lanes: bool) -> dict:
    # What runs once, before the first step: on CPU it is cheaper to compile it fast than to run it fast.
    own = {'xla_backend_optimization_level': 0} if jax.default_backend() == 'cpu' else {}
    return {**_options(lanes), **own}


class LanePrograms:
    """The functions of a training run, compiled for all lanes at once, one at a time, or one after the other.

    With a layout they are spread over its devices.
    """

    def __init__(self, training: Training, strategy: str, streamed: bool, layout: Layout | None = None):
        self.training, self.strategy, self.layout = training, strategy, layout
        source, lanes = 0 if streamed else None, strategy == 'vmap'
        once, often = _once(lanes) or None, _options(lanes) or None
        # The functions, and which of their arguments have an axis of lanes.
        self.draw = jax.jit(self._spread(self._lanes(training.draw, (0, None))), compiler_options=once)
        self.start = jax.jit(self._spread(self._lanes(training.start, (0, 0, 0, None))), compiler_options=once)
        steps = self._lanes(training.advance, (0, 0, source, None, None, None))
        self.advance = jax.jit(steps, donate_argnums=1, compiler_options=often)
        self.view = jax.jit(self._lanes(training.view, (0, 0)), compiler_options=once)
        self.evaluate = jax.jit(self._lanes(training.evaluate, (0, 0, 0, None)), compiler_options=often)

    def begin(self, lanes: dict, x: jax.Array) -> dict:
        """The carry of lanes before their first step."""
        return self.start(lanes, *self.draw(self.training.drawn_of(lanes), x), x)

    def placed(self, lanes: dict) -> dict:
        """Stacked lanes where their devices are."""
        return lanes if self.layout is None else self.layout.lanes(lanes)

    def bytes_needed(self, lanes: dict, pool: dict) -> int:
        """The memory of a device that the compiled program takes while it trains these stacked lanes."""
        with of_model():
            drawn = self.draw.eval_shape(self.training.drawn_of(lanes), pool['x'][:1])
            drawn = (*drawn, pool['x'][:1])
            carry = self.start.eval_shape(lanes, *drawn)
            if self.layout is not None:
                carry = jax.tree.map(_placed, carry, self.start.lower(lanes, *drawn).compile().output_shardings)
            return bytes_needed(self.advance.lower(lanes, carry, pool, 0, 0, 1).compile())

    def _spread(self, function: Callable) -> Callable:
        """A function over lanes whose results lie on the devices of their lanes, also those that are the same in all."""
        if self.layout is None:
            return function
        return lambda *given: self.layout.by_lane(function(*given))

    def _lanes(self, function: Callable, axes: tuple) -> Callable:
        if self.strategy == 'loop':
            return function
        if self.strategy == 'vmap':
            return jax.vmap(function, in_axes=axes, spmd_axis_name='lane' if self.layout else None)

        def mapped(*given: object) -> object:
            own = [value for value, axis in zip(given, axes, strict=True) if axis == 0]

            def one(lane: list) -> object:
                lane = iter(lane)
                return function(*(next(lane) if axis == 0 else value for value, axis in zip(given, axes, strict=True)))

            return jax.lax.map(one, own)

        return mapped


def _placed(leaf: jax.ShapeDtypeStruct, sharding: jax.sharding.Sharding) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)


def bytes_needed(program: jax.stages.Compiled) -> int:
    """The memory that a compiled program takes while it runs: its inputs, its outputs, and the arrays between."""
    memory = program.memory_analysis()
    given = memory.argument_size_in_bytes + memory.output_size_in_bytes - memory.alias_size_in_bytes
    return given + memory.temp_size_in_bytes
