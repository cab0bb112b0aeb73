"""Selection cache: what comes from it is what would be fitted, to the last bit, and damage is not used."""

import json
from pathlib import Path

import numpy as np
import pytest
from finished_study import write

from archlab import StudyRuns, main, open_study
from results import edges, remembered, selection
from results.store import selection_cache, text_cache
from results.surface import fits


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(text_cache, 'SLOW', 0.0)
    monkeypatch.setattr(remembered, 'KNOWN', {})
    return write(tmp_path)


def forget() -> None:
    """Forget what this process has fitted."""
    remembered.KNOWN.clear()


def runs(file: Path, remember: bool = True) -> StudyRuns:
    forget()
    return open_study(str(file), file.parent / 'runs', remember=remember)


def stored(file: Path) -> list[Path]:
    return sorted((file.parent / 'runs' / 'finished' / '.cache').glob('selections-*.json'))


def count_fits(monkeypatch: pytest.MonkeyPatch) -> list:
    made = []

    def counted(asked: list) -> object:
        made.extend(asked)
        return fits(asked)

    for reader in (edges, selection):
        monkeypatch.setattr(reader, 'fits', counted)
    return made


def test_nothing_is_fitted_twice_and_nothing_changes(file: Path, monkeypatch: pytest.MonkeyPatch):
    made = count_fits(monkeypatch)
    first = runs(file).reading.schedule
    fits = len(made)
    assert fits > 0 and len(stored(file)) == 1
    content, changed = stored(file)[0].read_bytes(), stored(file)[0].stat().st_mtime_ns
    again = runs(file).reading.schedule
    assert len(made) == fits
    assert again == first and repr(again.selections) == repr(first.selections)
    assert (stored(file)[0].read_bytes(), stored(file)[0].stat().st_mtime_ns) == (content, changed), 'written once'


def test_what_is_not_to_be_remembered_is_fitted(file: Path, monkeypatch: pytest.MonkeyPatch):
    runs(file).reading.schedule  # noqa: B018
    made = count_fits(monkeypatch)
    runs(file, remember=False).reading.schedule  # noqa: B018
    assert made
    stored(file)[0].unlink()
    runs(file, remember=False).reading.schedule  # noqa: B018
    assert not stored(file)


@pytest.mark.parametrize('spoil', [b'', b'{}', b'\xff\xfe', None], ids=['empty', 'no check', 'no text', 'one digit'])
def test_a_damaged_file_is_not_used_and_is_replaced(file: Path, monkeypatch: pytest.MonkeyPatch, spoil: bytes | None):
    first = runs(file).reading.schedule
    (path,) = stored(file)
    sound = path.read_bytes()
    other = b'7' if sound[-10:-9] != b'7' else b'8'
    path.write_bytes(sound[:-10] + other + sound[-9:] if spoil is None else spoil)
    made = count_fits(monkeypatch)
    assert repr(runs(file).reading.schedule.selections) == repr(first.selections)
    assert made
    assert path.read_bytes() == sound


def test_other_trials_are_fitted(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(remembered, 'KNOWN', {})
    units, scores = np.random.default_rng(0).random((8, 2)), np.arange(8.0)
    asked = [
        (units, scores, [True, True]),
        (units, scores, [True, False]),
        (units, scores + np.arange(8.0) ** 2, [True, True]),
        (units[:, ::-1], scores, [True, True]),
        (units[:7], scores[:7], [True, True]),
    ]
    selected = selection._remembered([*asked, asked[1]])
    assert selected.pop() == selected[1]
    assert len(remembered.KNOWN) == len(set(selected)) == 5
    assert [selection._remembered([one])[0] for one in asked] == selected
    point, score, error, how = selection.surface(units, scores, np.array([True, True]))
    assert selected[0] == (tuple(point), score, error, how)


def test_only_the_latest_points_are_known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(remembered, 'KNOWN', {})
    monkeypatch.setattr(remembered, 'MOST_KNOWN', 3)
    for number in range(5):
        selection._remembered([(np.full((1, 1), 0.1 * number), np.ones(1), [True])])
    assert [point for point, *_ in remembered.KNOWN.values()] == [[0.2], [pytest.approx(0.3)], [0.4]]
    asked = [(np.full((1, 1), 0.1 * number), np.ones(1), [True]) for number in range(5)]
    assert [point for (point,), *_ in selection._remembered(asked)] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])
    assert len(remembered.KNOWN) == 3


def test_points_of_other_sources_are_not_used_and_the_oldest_go(file: Path, monkeypatch: pytest.MonkeyPatch):
    for number in range(selection_cache.MOST + 2):
        monkeypatch.setattr(selection_cache, 'PACKAGES', ('numpy',) * (number + 1))
        monkeypatch.setattr(selection_cache, 'content_hash', lambda _, number=number: f'version {number}')
        made = count_fits(monkeypatch)
        runs(file).reading.schedule  # noqa: B018
        assert made
    assert len(stored(file)) == selection_cache.MOST


def test_a_command_without_a_place_to_keep_works(file: Path, capsys: pytest.CaptureFixture):
    (file.parent / 'runs' / 'finished' / '.cache').write_text('a file in the way')
    forget()
    assert main(['plan', str(file), '--runs', str(file.parent / 'runs'), '--json']) == 0
    assert json.loads(capsys.readouterr().out)['trials'] == 0
