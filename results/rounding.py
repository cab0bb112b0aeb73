"""Rounding: results as plain data with six significant digits, so that pages are the same on every machine."""

import dataclasses
import math

import numpy as np


def plain(value: object) -> object:
    """Plain data from dataclasses, dicts, sequences, arrays and numbers; numbers that are not finite become None.

    >>> plain({'score': np.float64(0.123456789), 'interval': (0.1, math.inf)})
    {'score': 0.123457, 'interval': [0.1, None]}
    """
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return float(f'{value:.6g}') if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
