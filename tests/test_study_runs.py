"""Study runs: which folders of runs are of studies of the lab, and which arm is named."""

from pathlib import Path

import pytest

from archlab.study_runs import StudyRuns, named_arm, studies_in


def lay(runs: Path, *names: str) -> None:
    for name in names:
        (runs / name).mkdir(parents=True)
        (runs / name / 'manifest.json').write_text('{}')


def test_studies_of_the_lab_are_listed_and_others_are_named(tmp_path: Path, capsys: pytest.CaptureFixture):
    lay(tmp_path, 'quickstart', 'mine', 'norms', 'shared_keys_small')
    (tmp_path / 'notes').mkdir()
    assert studies_in(tmp_path) == ['norms', 'quickstart', 'shared_keys_small']
    told = ''.join(capsys.readouterr().err.split())
    assert told == f'archlab:{tmp_path}/mineisofastudyofyourown;givethepathofitsfile'


@pytest.mark.parametrize('names', [(), ('mine',)])
def test_a_folder_without_any_is_refused(tmp_path: Path, names: tuple):
    lay(tmp_path, *names)
    with pytest.raises(ValueError, match=f'no runs of the built-in studies in {tmp_path}; name a study, or give --runs'):
        studies_in(tmp_path)


@pytest.mark.parametrize('what', ['quickstart', '/base', 'quickstart/', 'studies/mine.py', ''])
def test_an_arm_is_named_behind_its_study(what: str):
    assert named_arm('studies/mine.py/base') == ('studies/mine.py', 'base')
    with pytest.raises(ValueError, match=f"'{what}' names no arm; give STUDY/ARM, e.g. {what.rstrip('/')}/base"):
        named_arm(what)


@pytest.mark.parametrize('remember', [False, True])
def test_conclusions_are_remembered_in_the_folder_unless_nothing_may_be_written_there(
    monkeypatch, tmp_path: Path, remember: bool
):
    monkeypatch.setattr('results.conclusions.conclude', lambda look: f'concluded from {look}')
    monkeypatch.setattr('results.findings_cache.conclude_once', lambda look, *given: (look(), *given))
    one = StudyRuns('the study', tmp_path, {'looks': [3]}, ['trials=8'], remember)
    one.__dict__.update(look='the look', files={'a pack': [1, 2]})
    once = ('the look', 'the study', tmp_path, ['trials=8'], {'looks': [3]}, {'a pack': [1, 2]})
    assert one.conclusions == (once if remember else 'concluded from the look')
