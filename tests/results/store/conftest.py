"""Fixtures of the store: a folder of records, read in both ways, and one that is read by way of the cache."""

from pathlib import Path

import pytest
from cached_packs import write

from results.store import records
from results.store.records import prepare


@pytest.fixture(params=['small', 'large'])
def runs(tmp_path, request, monkeypatch):
    """A folder that is read directly, and one that is read by way of the cache: both promise the same."""
    if request.param == 'large':
        monkeypatch.setattr(records, 'LARGE', 0)
    prepare(tmp_path)
    return tmp_path


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder of three packs that is read by way of the cache."""
    monkeypatch.setattr(records, 'LARGE', 0)
    prepare(tmp_path)
    write(tmp_path, 'b', 'a', 'c')
    return tmp_path
