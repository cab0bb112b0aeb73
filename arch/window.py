"""Windows: sizes of filters and pools. They need a middle unless they are causal."""

from arch.make import positive


def check_window(block: str, field: str, size: int, causal: bool) -> None:
    """Raise ValueError where the size of a window is not above 0, or is even outside a causal body (it has no middle)."""
    positive(block, **{field: size})
    if size % 2 == 0 and not causal:
        raise ValueError(f'{block}: {field}={size} is even and has no middle; allowed: odd sizes; use {size - 1} or {size + 1}')
