"""Study runs: which folders of runs are of studies of the lab, and which arm is named."""

from pathlib import Path

import pytest

from archlab.study_runs import named_arm, studies_in


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
