"""Fixtures for ablations: a folder for files of a user's own."""

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in; prepared sets are looked for in its folder `data`."""
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path / 'data'))
    monkeypatch.chdir(tmp_path)
    return tmp_path
