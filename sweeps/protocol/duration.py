"""Duration: how long a run takes, estimated from its FLOPs before anything is measured. No jax."""

FLOPS_PER_SECOND = 1e10
SECONDS_PER_STEP = 1e-3


def estimated_seconds(steps: int, flops: float | None) -> float:
    """Seconds of a run of so many steps, each of so many FLOPs (or not known), on one core.

    >>> estimated_seconds(1000, 1e7), estimated_seconds(1000, None)
    (2.0, 1.0)
    """
    return steps * ((flops or 0.0) / FLOPS_PER_SECOND + SECONDS_PER_STEP)
