"""Findings cache: what comes from it is what would be worked out, and nothing else ever does."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from finished_study import write

from archlab import StudyRuns, main, open_study
from results import findings_cache
from results.average_scores import AverageScore
from results.conclusions import Conclusions
from results.finding import Finding
from results.store import text_cache as stored
from results.store.records import listing
from results.tables import table
from results.tables.effects import EffectLine
from results.tables.study_facts import Missing, StudyFacts


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(stored, 'SLOW', 0.0)
    return write(tmp_path)


def runs(file: Path, settings: list[str] | None = None, remember: bool = True) -> StudyRuns:
    return open_study(str(file), file.parent / 'runs', settings, remember=remember)


def cache_files(file: Path) -> list[Path]:
    return sorted((file.parent / 'runs' / 'finished' / '.cache').glob('findings-*.json'))


def forbid_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    def plan(*_: object) -> None:
        raise AssertionError('the plan was made')

    monkeypatch.setattr('sweeps.protocol.plan.schedule', plan)


def test_what_is_kept_is_the_same_to_the_last_bit_and_needs_no_plan(file: Path, monkeypatch: pytest.MonkeyPatch):
    fresh = runs(file)
    findings, about = fresh.findings(), fresh.conclusions.facts
    assert len(cache_files(file)) == 1
    forbid_plan(monkeypatch)
    again = runs(file)
    assert again.findings() == findings and again.conclusions.facts == about
    assert [type(one) for one in again.findings()] == [Finding] * 2
    assert repr(again.findings()) == repr(findings).replace('np.True_', 'True').replace('np.False_', 'False')
    for form in ('md', 'json', 'csv', 'latex'):
        assert table(again.findings(), form, facts=again.conclusions.facts) == table(findings, form, facts=about)
    assert 'reading' not in again.__dict__, 'no record was read'


def test_the_command_prints_the_same(file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    call = ['table', str(file), '--runs', str(file.parent / 'runs'), '--format', 'md']
    assert main(call) == 0
    first = capsys.readouterr().out
    forbid_plan(monkeypatch)
    assert main(call) == 0
    assert capsys.readouterr().out == first
    assert first.startswith('|') or '| arm' in first


def test_what_was_quick_to_find_is_not_kept(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stored, 'SLOW', 1e9)
    runs(file).findings()
    assert not (file.parent / 'runs' / 'finished' / '.cache').exists()


def test_who_wants_no_memory_gets_none(file: Path):
    runs(file, remember=False).findings()
    assert cache_files(file) == []
    runs(file).findings()
    study_runs = runs(file, remember=False)
    study_runs.findings()
    assert 'reading' in study_runs.__dict__, 'it was worked out'


@pytest.mark.parametrize('change', ['touch', 'remove', 'add', 'manifest', 'settings', 'study', 'source', 'python'])
def test_any_change_is_seen(file: Path, monkeypatch: pytest.MonkeyPatch, change: str):
    runs(file).findings()
    folder, settings = file.parent / 'runs' / 'finished', None
    victim = folder / 'records' / next(iter(listing(folder)))
    if change == 'touch':
        os.utime(victim, ns=(1, 1))
    elif change == 'remove':
        victim.unlink()
    elif change == 'add':
        (folder / 'records' / 'more.jsonl').write_bytes(victim.read_bytes())
    elif change == 'manifest':
        about = json.loads((folder / 'manifest.json').read_text())
        (folder / 'manifest.json').write_text(json.dumps({**about, 'looks': [1, 2, 3]}))
    elif change == 'settings':
        settings = ['alpha=0.1']
    elif change == 'study':
        file.write_text(file.read_text().replace('its mixer', 'a mixer'))
    elif change == 'source':
        monkeypatch.setattr(findings_cache, 'content_hash', lambda: 'another')
    else:
        monkeypatch.setattr(findings_cache.sys, 'version', 'another')
    study_runs = runs(file, settings)
    study_runs.findings()
    assert 'reading' in study_runs.__dict__, 'it was worked out again'


@pytest.mark.parametrize('damage', ['empty', 'cut', 'digit', 'foreign', 'folder'])
def test_damage_is_never_an_error_and_never_used(file: Path, damage: str):
    expected = runs(file).findings()
    (path,) = cache_files(file)
    content = path.read_text()
    if damage == 'folder':
        path.unlink()
        path.mkdir()
    else:
        foreign = content.replace('"Finding"', '"Path"')
        damaged = {'empty': '', 'cut': content[:-40], 'digit': content.replace('0.0', '0.9', 1), 'foreign': foreign}
        path.write_text(damaged[damage])
    study_runs = runs(file)
    assert study_runs.findings() == expected
    assert 'reading' in study_runs.__dict__


def test_another_kind_of_thing_is_not_made(tmp_path: Path):
    """Also where its check is right: only what the lab itself keeps there is ever made of it."""
    import hashlib

    (tmp_path / '.cache').mkdir()
    for body in ('[[{"Path": {}}], null]', '[[], null, 3]', '{"Finding": {"no": 1}}', '[{"Finding": {}, "Context": {}}, null]'):
        (tmp_path / '.cache' / 'findings-x.json').write_text(f'{hashlib.sha256(body.encode()).hexdigest()}\n{body}')
        assert findings_cache.load(tmp_path, 'x') is None


def test_a_folder_that_cannot_be_written_keeps_nothing(file: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise PermissionError(13, 'read only')

    monkeypatch.setattr(os, 'replace', refuse)
    study_runs = runs(file)
    assert len(study_runs.findings()) == 2
    assert list((file.parent / 'runs' / 'finished' / '.cache').iterdir()) == []


def test_damaged_records_are_named_every_time(file: Path, capsys: pytest.CaptureFixture):
    folder = file.parent / 'runs' / 'finished'
    victim = folder / 'records' / next(iter(listing(folder)))
    victim.write_text('nothing\n')
    for _ in range(2):
        runs(file).findings()
        assert f'{victim.name} is damaged' in ' '.join(capsys.readouterr().err.split())
    assert cache_files(file) == []


def test_only_the_newest_stay(file: Path):
    for number in range(findings_cache.MOST + 3):
        runs(file, [f'alpha=0.0{number + 1}']).findings()
    assert len(cache_files(file)) == findings_cache.MOST


def test_every_fact_of_a_study_is_kept(tmp_path: Path):
    average = AverageScore('arm', 'digits', 0.5, (0.4, 0.6), np.float64(0.45), 0.05, None)
    effect = EffectLine('digits', 'digits', 'accuracy', 'share', 'higher', name='a: b', marks=('censored: arm',))
    facts = StudyFacts(averages=(average,), effects=(effect,), missing=(Missing('arm', 'digits', 1, 2),), looks=(3, 5))
    made = Conclusions([Finding('s', 'arm', 'base', 'digits', 'digits', 'accuracy', 'share', 'higher', 0.01)], facts)
    (tmp_path / '.cache').mkdir()
    findings_cache.save(tmp_path, 'x', made)
    assert findings_cache.load(tmp_path, 'x') == made
    assert findings_cache.load(tmp_path, 'y') is None


@pytest.mark.parametrize(
    ('seconds', 'skipped', 'saved'), [(0.999, (), False), (1.0, (), True), (9.0, (), True), (9.0, ('a file',), False)]
)
def test_findings_that_took_a_second_are_kept_unless_files_were_skipped(tmp_path, monkeypatch, seconds, skipped, saved):
    times, made = iter([100.0, 100.0 + seconds]), Conclusions([], StudyFacts())
    reading, stored_ones = SimpleNamespace(skipped=skipped, manifest={'looks': [3]}), []
    monkeypatch.setattr(findings_cache.time, 'monotonic', lambda: next(times))
    monkeypatch.setattr(findings_cache, 'conclude', lambda given: made if given is reading else None)
    monkeypatch.setattr(findings_cache, 'save', lambda *given: stored_ones.append(given))
    study, files = SimpleNamespace(digest='d'), {'a.jsonl': [1, 2]}
    assert findings_cache.conclude_once(lambda: reading, study, tmp_path, ['x=1'], {}, files) is made
    assert stored_ones == [(tmp_path, findings_cache.key('d', ['x=1'], {'looks': [3]}, files), made)] * saved
