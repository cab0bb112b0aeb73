"""Locations: where data lie, by what is given, by the environment, and in the user's cache."""

from pathlib import Path

import pytest

from ablations.locations import VARIABLE, data_folder, lab_cache, prepared_folder


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv('HOME', str(tmp_path))
    for name in (VARIABLE, 'XDG_CACHE_HOME'):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_data_lie_where_they_are_said_to_lie(home: Path, monkeypatch: pytest.MonkeyPatch):
    """The first that is said: the folder given, the environment's, the cache's; a tilde is the user's folder in each."""
    for said in ('', '~/cache', str(home / 'cache')):
        monkeypatch.setenv('XDG_CACHE_HOME', said)
        cache = home / ('cache' if said else '.cache') / 'archlab'
        assert lab_cache() == cache and data_folder() == cache / 'data' and prepared_folder() == cache / 'data' / 'prepared'
        for own in ('~/data', str(home / 'data')):
            monkeypatch.setenv(VARIABLE, own)
            assert data_folder() == home / 'data' and prepared_folder() == home / 'data' / 'prepared'
            for given in (Path('~/own'), '~/own', home / 'own'):
                assert data_folder(given) == home / 'own' and prepared_folder(given) == home / 'own' / 'prepared'
        monkeypatch.setenv(VARIABLE, '')
        assert data_folder() == cache / 'data'
    assert data_folder(Path('here')) == Path('here')
