"""Digests: one short name for a piece of plain data, the same in every process and on every machine."""

import hashlib
import json

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(',', ':'), allow_nan=False)


def canonical(value: object) -> str:
    """Sorted, compact JSON of plain data; raises TypeError on anything that is not plain data."""
    return _ENCODER.encode(value)


def digest(value: object) -> str:
    """First 16 hex digits of the sha256 of `canonical(value)`."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]
