"""Digests: one short name for a piece of plain data, the same in every process and on every machine."""

import hashlib
import json

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(',', ':'), allow_nan=False)


def canonical(value: object) -> str:
    """Sorted, compact JSON of plain data; raises TypeError on anything that is not plain data.

    >>> canonical({'steps': 140, 'batch': 32})
    '{"batch":32,"steps":140}'
    """
    return _ENCODER.encode(value)


def digest(value: object) -> str:
    """The first 16 hex digits of the sha256 of `canonical(value)`.

    >>> digest({'steps': 140, 'batch': 32}) == digest({'batch': 32, 'steps': 140})
    True
    """
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]
