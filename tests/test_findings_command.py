"""Commands about findings: which studies they are of, where a page may go, and when it is written."""

import types
from collections.abc import Callable
from pathlib import Path

import pytest
from refused import refuse

from archlab import findings


def lay(runs: Path, *names: str) -> None:
    for name in names:
        (runs / name).mkdir(parents=True)
        (runs / name / 'manifest.json').write_text('{}')


def test_rungs_with_runs_stand_in_place_of_their_flagship(tmp_path: Path):
    lay(tmp_path, 'shared_keys_medium', 'shared_keys_small', 'norms')
    names = ['quickstart', 'shared_keys', 'mine.py']
    assert findings._with_rungs(names, tmp_path) == ['quickstart', 'shared_keys_small', 'shared_keys_medium', 'mine.py']
    (tmp_path / 'residual_rules_depth_4').mkdir()
    with pytest.raises(ValueError, match=f"no runs of flagship 'residual_rules' in {tmp_path}; run one of "):
        findings._with_rungs(['residual_rules'], tmp_path)


@pytest.mark.parametrize(
    ('names', 'settings', 'studies'),
    [
        (['norms'], ['trials=8'], [('norms', ['trials=8'])]),
        (['norms', 'null'], None, [('norms', None), ('null', None)]),
        (['shared_keys'], [], [('shared_keys_small', None)]),
    ],
)
def test_settings_are_of_one_study(monkeypatch, tmp_path: Path, names: list, settings: list | None, studies: list):
    lay(tmp_path, 'shared_keys_small')
    monkeypatch.setattr(findings, 'open_study', lambda name, runs, own=None: (name, own) if runs == tmp_path else None)
    assert findings._all_of(names, tmp_path, settings) == studies
    assert findings._several(names) is (len(names) > 1 or names == ['shared_keys'])
    if names != ['norms']:
        with pytest.raises(ValueError, match='--set with several studies; it takes one; leave the others out'):
            findings._all_of(names, tmp_path, ['trials=8'])


def test_a_page_goes_where_a_page_may_stand(called: Callable, monkeypatch, tmp_path: Path):
    one = types.SimpleNamespace(look='look', findings=lambda: 'found', conclusions='concluded')
    monkeypatch.setattr(findings, 'open_study', lambda *given: one)
    monkeypatch.setattr('results.rendering.page', lambda *given: f'<p>{given}')
    monkeypatch.setattr('results.rendering.pages', lambda given: f'<b>{given}')
    refuse(
        called('report', 'norms', '--out', tmp_path), f'is a folder; give the name of a page, e.g. {tmp_path / "report.html"}'
    )
    (tmp_path / 'notes.txt').write_text('my notes')
    refuse(called('report', 'norms', '--out', tmp_path / 'notes.txt'), 'notes.txt')
    assert (tmp_path / 'notes.txt').read_text() == 'my notes'
    refuse(called('report', 'norms', '--out', tmp_path / 'notes.txt' / 'deep' / 'page.html'), 'notes.txt')
    for names, text in ((['norms'], "<p>('look', 'found')"), (['norms', 'null'], f'<b>{[("look", "concluded")] * 2}')):
        done = called('report', *names, '--out', tmp_path / 'page.html')
        assert (done.returncode, done.stdout) == (0, f'{tmp_path / "page.html"}\n')
        assert (tmp_path / 'page.html').read_text() == text
