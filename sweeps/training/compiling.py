"""Compiling: the seconds that this process spends on tracing, lowering and compiling programs, as jax reports them."""

import time

import jax

EVENTS = (
    '/jax/core/compile/jaxpr_trace_duration',
    '/jax/core/compile/jaxpr_to_mlir_module_duration',
    '/jax/core/compile/backend_compile_duration',
)
"""A program that comes from the folder of compiled programs is in the last one too: it takes less."""


class Compiling:
    """Seconds of compiling since it was made; `register` it once. What is traced inside another trace counts once.

    >>> compiling = Compiling()
    >>> for ended, seconds in ((3.0, 1.0), (4.0, 3.0), (6.0, 1.0)):
    ...     compiling.add(ended, seconds)
    >>> compiling.seconds
    4.0
    """

    def __init__(self) -> None:
        self.spans: list[tuple[float, float]] = []

    def register(self) -> 'Compiling':
        """Hear what jax reports from now on."""

        def heard(event: str, seconds: float, **_: object) -> None:
            if event in EVENTS:
                self.add(time.monotonic(), seconds)

        jax.monitoring.register_event_duration_secs_listener(heard)
        return self

    def add(self, ended: float, seconds: float) -> None:
        """Note a span. Spans come in the order of their ends, so one that lies inside another comes before it."""
        began = ended - seconds
        while self.spans and self.spans[-1][0] >= began:
            self.spans.pop()
        self.spans.append((began, ended))

    @property
    def seconds(self) -> float:
        return sum(ended - began for began, ended in self.spans)

    def reset(self) -> None:
        """Count from now on."""
        self.spans.clear()
