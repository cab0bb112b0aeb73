"""`archlab publish` and `archlab reproduce`: a whole bundle from simulated runs, and one that is trained twice for real."""

import contextlib
import gzip
import io
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from finished_study import write
from launcher_here import LauncherHere

import archlab as door
from results import reproduction
from results.figures import FIGURES
from results.store.reading import Reading
from results.store.recorded import Records
from results.store.records import from_line, to_line
from sweeps.launch import LAUNCHERS
from sweeps.launch.local import LocalLauncher


@contextlib.contextmanager
def only_effects() -> Iterator[None]:
    """Every kind of figure takes the same way; one is drawn fast."""
    whole = dict(FIGURES)
    for kind in set(whole) - {'effect'}:
        del FIGURES[kind]
    try:
        yield
    finally:
        FIGURES.clear()
        FIGURES.update(whole)


@pytest.fixture
def few_figures() -> Iterator[None]:
    with only_effects():
        yield


@pytest.fixture(scope='module')
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study file, its runs and its bundle."""
    folder = tmp_path_factory.mktemp('finished')
    file = write(folder)
    with only_effects():
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            assert door.main(['publish', str(file), '--runs', str(folder / 'runs'), '--out', str(folder / 'published')]) == 0
    assert said.getvalue().strip() == str(folder / 'published' / 'finished')
    return folder


@pytest.fixture
def published(few_figures: None, finished: Path, tmp_path: Path) -> Path:
    """A bundle that a test may change."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    return tmp_path / 'published' / 'finished'


def reproduce(path: Path, *more: str) -> int:
    return door.main(['reproduce', str(path), '--study', str(path.parents[1] / 'finished.py'), *more])


def test_a_bundle_renders_to_the_same_bytes_again(published: Path, capsys: pytest.CaptureFixture):
    names = sorted(str(path.relative_to(published)) for path in published.rglob('*') if path.is_file())
    figures = [f'figures/finished-effect.{suffix}' for suffix in ('pdf', 'png', 'svg')]
    tables = [f'table.{suffix}' for suffix in ('csv', 'json', 'md', 'tex')]
    rendered = sorted([*figures, *tables, 'report.html'])
    assert names == sorted([*rendered, 'bundle.json', 'manifest.json', 'records/records.jsonl.gz'])
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in published.rglob('*') if path.is_file()}
    assert reproduce(published) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [*(f'same  {name}' for name in rendered), '8 of 8 files are the same, byte by byte']
    after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in published.rglob('*') if path.is_file()}
    assert after == before, 'nothing is written beside a bundle'


def test_the_commands_write_what_the_bundle_holds(published: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    study, runs = str(tmp_path / 'finished.py'), ['--runs', str(tmp_path / 'runs')]
    for form, name in (('md', 'table.md'), ('latex', 'table.tex'), ('csv', 'table.csv'), ('json', 'table.json')):
        assert door.main(['table', study, *runs, '--format', form]) == 0
        assert capsys.readouterr().out == (published / name).read_text()
    assert door.main(['report', study, *runs, '--out', str(tmp_path / 'page.html')]) == 0
    assert (tmp_path / 'page.html').read_bytes() == (published / 'report.html').read_bytes()
    assert door.main(['figure', study, *runs, '--out', str(tmp_path / 'figures')]) == 0
    for path in sorted((published / 'figures').iterdir()):
        assert (tmp_path / 'figures' / path.name).read_bytes() == path.read_bytes()


def test_a_file_that_differs_is_named_with_the_likely_reason(published: Path, capsys: pytest.CaptureFixture):
    about = json.loads((published / 'bundle.json').read_text())
    about['versions']['numpy'] = '1.0'
    (published / 'bundle.json').write_text(json.dumps(about))
    (published / 'table.md').write_text('forged\n')
    assert reproduce(published) == 1
    said = capsys.readouterr().out
    assert 'differs  table.md: it was changed after it was published\n' in said and 'same  report.html\n' in said
    assert 'likely: numpy ' in said and said.endswith('7 of 8 files are the same, byte by byte\n')
    assert reproduce(published, '--json') == 1
    facts = json.loads(capsys.readouterr().out)
    assert facts['same'] is False and [one['file'] for one in facts['files'] if not one['same']] == ['table.md']
    assert len(facts['reasons']) == 1


def test_a_record_that_was_altered_changes_what_is_rendered(published: Path, capsys: pytest.CaptureFixture):
    assert len(alter(published, 0.3)) == 1
    assert reproduce(published) == 1
    said = capsys.readouterr().out
    assert 'differs  table.json\n' in said and 'likely: the records are not those that were published' in said


def alter(published: Path, by: float, most: int = 1) -> list[str]:
    """Add to the scores of confirmed runs without a mixer, with checks that are right; their ids."""
    path, altered = published / 'records' / 'records.jsonl.gz', []
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    for place, line in enumerate(lines):
        record = from_line(line)
        if (record['arm'], record['phase'], record['status']) == ('no_mixer', 'confirm', 'ok') and len(altered) < most:
            lines[place] = to_line({**record, 'score': record['score'] + by})
            altered.append(record['id'])
    path.write_bytes(gzip.compress('\n'.join([*lines, '']).encode()))
    return altered


REFUSED = [
    (['{path}'], "is of study 'finished', which is not one of the lab; give its file: --study finished.py"),
    (['{path}', '--study', 'quickstart'], "is of study 'finished', and --study quickstart is 'quickstart'"),
    (['{path}/records'], 'is no published bundle'),
    (['{path}', '--tolerance', '0.1'], 'are for --rerun'),
    (['{path}', '--rerun', '--tolerance', '-1'], '--tolerance -1.0; allowed: 0 or more'),
    (['{path}', '--rerun', '--study', '{file}', '--runs', '{path}/..'], 'is where the published records are'),
]


@pytest.mark.parametrize(('call', 'message'), REFUSED, ids=range(len(REFUSED)))
def test_bad_calls_are_refused(published: Path, capsys: pytest.CaptureFixture, call: list[str], message: str):
    filled = [part.format(path=published, file=published.parents[1] / 'finished.py') for part in call]
    assert door.main(['reproduce', *filled]) == 2
    said = capsys.readouterr().err
    assert message in said and len(said.strip().splitlines()) == 1


def test_neither_command_loads_jax(published: Path, tmp_path: Path):
    common = ['--study', str(tmp_path / 'finished.py')]
    program = (
        'import sys, archlab\n'
        'from results.figures import FIGURES\n'
        "[FIGURES.pop(kind) for kind in list(FIGURES) if kind != 'effect']\n"
        f'codes = [archlab.main(["reproduce", {str(published)!r}, *{common!r}]),\n'
        f'         archlab.main(["publish", {str(tmp_path / "finished.py")!r}, "--runs", {str(tmp_path / "runs")!r},'
        f' "--out", {str(tmp_path / "other")!r}])]\n'
        "print(codes, sorted({name.partition('.')[0] for name in sys.modules} & {'jax', 'flax', 'optax', 'arch'}))\n"
    )
    done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines()[-1] == '[0, 0] []', done.stderr


# Trained again.

STUDY = (
    '"""Does it train to the same twice?"""\n'
    'from ablations.spaces import log\n'
    'from ablations.study import Study, swap, task\n'
    'from ablations.tasks.bases import decoder\n'
    'from ablations.tasks.decoders import ATTENTION\n'
    "base = decoder(12, 6, 8, 1, ATTENTION, 1.0) | {'norm': {'kind': 'identity'}}\n"
    "recall = task('recall', base=base, steps=60, batch=16, evaluations=2)\n"
    "space = {'lr': log(3e-2, 0.3), 'weight_decay': log(1e-4, 1e-2)}\n"
    "study = Study(name='twice', question=__doc__, arms={'base': (), 'no_mixer': swap('mixer', 'identity')},\n"
    "              tasks=(recall,), tune={'sgd': space}, trials=2, extension=0, replicates=2, seeds=1)\n"
)


@pytest.mark.parametrize('launcher', [LauncherHere, pytest.param(LocalLauncher, marks=pytest.mark.slow)])
def test_a_study_trains_to_the_same_again_and_an_altered_record_is_found(launcher, few_figures, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(LAUNCHERS, 'local', launcher)
    Path('twice.py').write_text(STUDY)
    assert door.main(['run', 'twice.py', '--workers', '1']) == 0
    assert door.main(['publish', 'twice.py', '--out', 'published', '--force']) == 0
    capsys.readouterr()
    call = ['reproduce', 'published/twice', '--study', 'twice.py', '--rerun', '--runs', 'again', '--workers', '1']
    assert door.main(call) == 0
    first, second = capsys.readouterr().out.splitlines()[:2]
    assert first.startswith('same  no_mixer on recall: published ') and ', 0 standard errors apart; ' in first
    count = len(_ids(Path('again/twice')))
    assert count > 8, 'it was trained again'
    assert second == f'{count} trials were trained by both: {count} gave the same bits, 0 did not'

    # That folder holds the whole study now: nothing is trained any more, only compared.
    (altered,) = alter(Path('published/twice'), 1e-3)
    assert door.main(call) == 1
    said = capsys.readouterr().out
    assert f'{count - 1} gave the same bits, 1 did not' in said and f'differs  trial {altered} of arm ' in said
    assert door.main([*call, '--tolerance', '0.01', '--json']) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts['same'] and (facts['trials']['near'], facts['trials']['far']) == (1, [])

    assert len(alter(Path('published/twice'), 100.0, most=2)) == 2
    assert door.main([*call, '--tolerance', '1000']) == 1
    said = capsys.readouterr().out
    assert said.startswith('differs  no_mixer on recall: published +') and '2 within the tolerance' in said


def _ids(folder: Path) -> set[str]:
    return {from_line(line)['id'] for path in folder.glob('records/*.jsonl') for line in path.read_text().splitlines()}


# Findings and trials of both, side by side.


def read(values: dict[str, list[float]], changes: dict[str, dict] | None = None, lost: str = '') -> Reading:
    """A study of one task whose arms confirmed these scores, one a replicate; `changes` to records by trial id."""
    records, asked, planned = {}, {}, []
    for arm, scores in values.items():
        for replicate, score in enumerate(scores):
            trial = SimpleNamespace(id=f'{arm}-{replicate}', arm=arm, task='digits', phase='confirm')
            asked['confirm', arm, 'digits', replicate] = [trial]
            planned.append(trial)
            records[trial.id] = {'id': trial.id, 'status': 'ok', 'score': score, 'curve': {'score': [0.1, score]}}
    records = [{**record, **(changes or {}).get(key, {})} for key, record in records.items() if key != lost]
    count = len(values['base'])
    study = SimpleNamespace(
        task=lambda name: SimpleNamespace(name='digits', sign=1, chance=0.1), count=lambda arm, look: look, looks=(count,)
    )
    return Reading(
        study, SimpleNamespace(asked=asked, look=count, trials=planned, reached=lambda *_: count), Records.of(records)
    )


def finding_of(values: dict[str, list[float]], verdict: str = 'undecided') -> list:
    """The one finding of such a study."""
    effect = (sum(values['arm']) - sum(values['base'])) / len(values['base'])
    return [SimpleNamespace(arm='arm', base='base', task='digits', unit='points', effect=effect, verdict=verdict)]


def pair_of(published: dict, now: dict, verdict: str = 'undecided') -> reproduction.Pair:
    (pair,) = reproduction.pairs(read(published), read(now), finding_of(published), finding_of(now, verdict))
    return pair


BASE = [0.5, 0.6, 0.7]
ERROR = math.sqrt(4 * 0.01 / 3)
DISTANCES = [
    # Scores of the arm now; published were 0.7, 0.8, 0.9. Deviations are 0.1, so that each effect's error is
    # sqrt(0.01 / 3 + 0.01 / 3) and that of their difference ERROR.
    ([0.7, 0.8, 0.9], 0.0, True),
    ([0.9, 1.0, 1.1], 0.2 / ERROR, True),
    ([0.4, 0.5, 0.6], 0.3 / ERROR, True),
    ([1.1, 1.2, 1.3], 0.4 / ERROR, False),
]


@pytest.mark.parametrize(('scores', 'distance', 'holds'), DISTANCES, ids=range(len(DISTANCES)))
def test_findings_are_compared_in_units_of_their_noise(scores: list[float], distance: float, holds: bool):
    pair = pair_of({'base': BASE, 'arm': [0.7, 0.8, 0.9]}, {'base': BASE, 'arm': scores})
    assert pair.distance == pytest.approx(distance, abs=1e-9)
    assert pair.holds is holds
    assert pair.sentence().startswith('same  arm on digits' if holds else 'differs  arm on digits')


def test_a_verdict_that_changed_is_named():
    same = {'base': BASE, 'arm': BASE}
    assert pair_of(same, same, 'better').sentence().endswith('; undecided, now better')


def test_without_noise_any_difference_is_one():
    same, other = {'base': [0.5, 0.5], 'arm': [0.6, 0.6]}, {'base': [0.5, 0.5], 'arm': [0.7, 0.7]}
    assert pair_of(same, same).holds
    pair = pair_of(same, other)
    assert not pair.holds and pair.to_dict()['distance'] is None


def test_noise_that_is_not_known_judges_nothing():
    pair = pair_of({'base': [0.5], 'arm': [0.6]}, {'base': [0.5], 'arm': [0.9]})
    assert pair.holds and pair.distance is None and 'noise not known' in pair.sentence()


@pytest.mark.parametrize('lost', ['published', 'now'])
def test_an_effect_that_only_one_has_is_a_difference(lost: str):
    same = {'base': BASE, 'arm': BASE}
    made = {'published': finding_of(same), 'now': finding_of(same), lost: []}
    (pair,) = reproduction.pairs(read(same), read(same), made['published'], made['now'])
    assert not pair.holds and 'none' in pair.sentence()
    assert {'published': pair.published_verdict, 'now': pair.verdict}[lost].startswith('not ')


def test_trials_are_judged_where_the_machine_gives_the_same_bits():
    old = read({'base': BASE, 'arm': BASE})
    one, all_ = read({'base': BASE, 'arm': [0.5, 0.6, 0.71]}), read({'base': [0.51, 0.61, 0.71], 'arm': [0.5, 0.6, 0.71]})
    told = reproduction.trials(old, one)
    assert (told.shared, told.same, len(told.far), told.judged, told.agree) == (6, 5, 1, True, False)
    assert told.far[0].startswith("trial arm-2 of arm 'arm' on 'digits' (confirm): ok 0.7 and ok 0.71")
    told = reproduction.trials(old, all_)
    assert (told.same, len(told.far), told.judged, told.agree) == (2, 4, False, True)
    assert 'drift apart' in told.sentences()[1]
    told = reproduction.trials(old, all_, 0.011)
    assert (told.same, told.near, told.far, told.judged, told.agree) == (2, 4, (), True, True)


def test_a_run_that_ended_otherwise_is_beyond_every_tolerance():
    values = {'base': BASE, 'arm': BASE}
    changes = {'arm-0': {'status': 'diverged', 'score': None}, 'arm-1': {'curve': {'score': [0.2, 0.6]}}}
    old, now = read(values), read(values, changes)
    told = reproduction.trials(old, now, 1e9)
    assert (told.same, told.near, len(told.far)) == (4, 1, 1)


def test_trials_that_are_missing_or_failed_are_counted():
    values = {'base': BASE, 'arm': BASE}
    old, now = read(values), read(values, {'arm-0': {'status': 'failed', 'score': None}}, lost='base-0')
    assert reproduction.trials(old, now).missing == 2 and not reproduction.trials(old, now).agree
    assert reproduction.trials(old, now).sentences()[-1].startswith('missing  2 planned trials')


def test_where_it_was_trained_is_compared():
    old, now = read({'base': BASE, 'arm': BASE}), read({'base': BASE, 'arm': BASE})
    for reading, version in ((old, '1'), (now, '2')):
        for record in reading.records.values():
            record['environment'] = {'platform': 'cpu', 'versions': {'jax': version}}
    assert reproduction.environment_differences(old, now) == ['versions.jax: published 1, now 2']
