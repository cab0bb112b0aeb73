"""Fixtures for readers: the folder of real data, and packed files made on the spot."""

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest

PACKERS = {'': bytes, '.gz': gzip.compress, '.xz': lzma.compress, '.bz2': bz2.compress}


@pytest.fixture
def shared() -> Callable[[str], Path]:
    """A path below $ARCHLAB_SHARED_DATA; the test is skipped where it is not there."""

    def find(place: str) -> Path:
        folder = os.environ.get('ARCHLAB_SHARED_DATA')
        if not folder:
            pytest.skip('ARCHLAB_SHARED_DATA is not set: no real files to read')
        path = Path(folder) / place
        if not path.exists():
            pytest.skip(f'no {place} in the shared data')
        return path

    return find


@pytest.fixture
def packed(tmp_path: Path) -> Callable[[str, bytes], Path]:
    """Write content to a file packed as its suffix says."""

    def write(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        suffix = path.suffix if path.suffix in PACKERS else ''
        path.write_bytes(PACKERS[suffix](content))
        return path

    return write
