"""Study runs: which folders of runs are of studies of the lab, and which arm is named."""

import types
from pathlib import Path

import pytest

from ablations.settings import override
from ablations.study_files import load_study
from ablations.task_files import DEFINITION_OF
from archlab.study_runs import StudyRuns, has_begun, named_arm, open_study, ran_study, studies_in
from results.looks import ENTRY
from results.store import selection_cache, text_cache
from results.store.reading import Reading
from sweeps import manifest, presence


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


def runs_with(tmp_path: Path, settings: list, given: list | None = None, **how: object) -> StudyRuns:
    folder = tmp_path / 'quickstart'
    folder.mkdir(exist_ok=True)
    manifest.save(folder, {**manifest.EMPTY, 'study': 'quickstart', 'settings': settings})
    return open_study('quickstart', tmp_path, given, **how)


def test_settings_are_those_of_the_last_run_unless_given(tmp_path: Path):
    for given, told, trials in ((None, ['trials=4', 'seeds=3'], 4), (['trials=5'], ['trials=5'], 5)):
        one = runs_with(tmp_path, ['trials=4', 'seeds=3'], given)
        assert (one.settings, one.study.trials, one.folder) == (told, trials, tmp_path / 'quickstart')
        assert one.remember and not runs_with(tmp_path, [], remember=False).remember
    assert runs_with(tmp_path, ['trials=4'], must_exist=False).settings == []
    at_hand = override(load_study('quickstart'), ['trials=6'])
    one = open_study(at_hand, tmp_path, ['trials=6'])
    assert one.study is at_hand and one.settings == ['trials=6'] and one.manifest['settings'] == ['trials=4']
    with pytest.raises(ValueError, match=r"runs that file; .* give it yourself: --set 'trials=4' --set 'blocks=my.py'$"):
        runs_with(tmp_path, ['trials=4', 'blocks=my.py'])


def test_a_study_without_runs_is_refused_where_it_must_have_some(tmp_path: Path):
    said = f"no runs of study 'quickstart' in {tmp_path}; run it first: archlab run quickstart --runs {tmp_path}$"
    with pytest.raises(ValueError, match=said):
        open_study('quickstart', tmp_path)
    assert open_study('quickstart', tmp_path, must_exist=False).manifest == manifest.EMPTY


@pytest.mark.parametrize(('at_work', 'told', 'begun'), [(1, 0, True), (1, 1, False), (0, 0, False), (0, 1, False)])
def test_a_run_has_begun_where_somebody_is_at_work_and_has_told_nothing(monkeypatch, tmp_path: Path, at_work, told, begun):
    there = [types.SimpleNamespace(is_there=lambda now, here=here: bool(here and now)) for here in (0, at_work)]
    monkeypatch.setattr(presence, 'everybody', lambda folder, kind: there if (folder, kind) == (tmp_path, presence.RUN) else ())
    if told:
        manifest.save(tmp_path, manifest.EMPTY)
    assert has_begun(tmp_path) is begun


def test_what_ran_defines_a_study_while_it_is_opened_alone(monkeypatch, tmp_path: Path):
    before = DEFINITION_OF.get(None)
    (tmp_path / 'published').mkdir()
    (tmp_path / 'published' / 'bundle.json').write_text('{}')

    def load(name: str) -> str:
        if name == 'broken':
            raise ValueError(name)
        return DEFINITION_OF.get()(name)

    monkeypatch.setattr('ablations.study_files.load_study', load)
    monkeypatch.setattr('results.bundle.read', lambda folder: {'definition': f'published in {folder.name}'})
    monkeypatch.setattr('results.store.defined.load', lambda folder: f'ran in {folder.name}')
    assert [ran_study(name, tmp_path) for name in ('published', 'mine')] == ['published in published', 'ran in mine']
    with pytest.raises(ValueError, match='broken'):
        ran_study('broken', tmp_path)
    assert DEFINITION_OF.get(None) is before


@pytest.mark.parametrize('remember', [False, True])
@pytest.mark.parametrize('slow', [0.0, 1e9])
def test_slow_selections_are_remembered(monkeypatch, tmp_path: Path, remember: bool, slow: float):
    told = []
    for name in ('load', 'save'):
        monkeypatch.setattr(selection_cache, name, lambda folder, name=name: told.append((name, folder)))
    monkeypatch.setattr(text_cache, 'SLOW', slow)
    monkeypatch.setattr('sweeps.protocol.plan.schedule', lambda *given: given)
    one = StudyRuns('the study', tmp_path, {'looks': []}, [], remember)
    assert one._schedule({'a': {}}) == ('the study', {'a': {}}, {'looks': []})
    assert told == [('load', tmp_path)] * remember + [('save', tmp_path)] * (remember and slow == 0)


@pytest.mark.parametrize(
    ('look', 'taken', 'design', 'noted'),
    [(0, [], False, None), (3, [3], True, None), (3, [3], False, [3]), (3, [2], True, [2, 3]), (3, [4, 2], True, [2, 3, 4])],
)
@pytest.mark.parametrize('writes', [True, False])
def test_a_look_that_is_taken_is_noted_once(monkeypatch, tmp_path: Path, look, taken, design, noted, writes):
    own = {'looks': taken, **({ENTRY: 'as declared'} if design else {})}
    told = []

    def update(folder: Path, known: dict, **more: object) -> None:
        told.append((folder, known, more))
        if not writes:
            raise ValueError('it cannot be written')

    monkeypatch.setattr(manifest, 'update', update)
    monkeypatch.setattr('results.looks.looks_of', lambda *given: types.SimpleNamespace(to_dict=lambda: 'as declared'))
    one = StudyRuns('the study', tmp_path, own)
    one.__dict__['reading'] = Reading('the study', types.SimpleNamespace(look=look), {}, own)
    read = {} if noted is None else {'looks': noted, ENTRY: 'as declared'}
    assert one.look.manifest == {**own, **read} and told == ([] if noted is None else [(tmp_path, own, read)])
    assert (one.look is one.reading) is (noted is None)
