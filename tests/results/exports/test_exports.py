"""Exports: what a record becomes in a tracker, that nothing is doubled, and each tracker's own files where it is installed."""

import dataclasses
import json
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from simulated_study import read, small

from results.exports import TRACKERS, tracker_of
from results.exports.tracked_runs import COSTS, FACTS, NUMBERS, TrackedRun, TrackedStudy, run_of, runs_of, study_of
from results.exports.tracker import CHECK, Tracker, export
from results.store.reading import Reading


@pytest.fixture(scope='module')
def reading() -> Reading:
    return read(*small())[0]


@pytest.fixture(scope='module')
def study(reading: Reading) -> TrackedStudy:
    """What the study concludes, without figures, which take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('results.report.inline_figures.FIGURES', {})
        return study_of(reading)


@pytest.fixture(scope='module')
def runs(reading: Reading) -> list[TrackedRun]:
    all_runs = list(runs_of(reading))
    assert len(all_runs) == len(reading.records) and len({one.id for one in all_runs}) == len(all_runs)
    diverged = next(one for one in all_runs if one.tags['status'] == 'diverged')
    return [*all_runs[:2], diverged]


def test_a_record_becomes_a_run(reading: Reading):
    for key in list(reading.records)[:40]:
        record, made = reading.records.whole(key), run_of(reading.records.whole(key))
        assert (made.id, made.group) == (key, f'{record["arm"]}/{record["task"]}')
        assert {name: made.knobs[name] for name in record['knobs']} == record['knobs']
        assert (made.knobs['arm'], made.knobs['seed']) == (record['arm'], record['seed'])
        assert made.numbers.get('score') == record['score'] and made.numbers['cost/seconds'] == record['cost']['seconds']
        assert made.curves['loss'][0] == (0, record['curve']['loss'][0])
        assert (made.tags['status'], made.tags['device'], made.failed) == (record['status'], 'cpu', False)
        if record['status'] == 'diverged':
            assert made.curves['loss'] == [(0, 2.0)] and 'score' not in made.numbers and made.tags['reason']


def test_a_record_that_lacks_nearly_everything_becomes_one_too():
    made = run_of({'id': 'a', 'study': 's', 'arm': 'x', 'task': 't', 'status': 'failed', 'knobs': {}, 'curve': None})
    assert (made.name, made.numbers, made.curves, made.failed) == ('x/t/run/a', {}, {}, True)


def test_zeros_are_numbers_and_facts():
    nothing = {**dict.fromkeys(NUMBERS, 0), 'cost': dict.fromkeys(COSTS, 0), 'parts': {'one': 0.0}, **dict.fromkeys(FACTS, 0)}
    record = {**nothing, 'id': 'a', 'arm': 'x', 'task': 't', 'study': 's', 'status': 'ok', 'knobs': {'decay': 0.0}}
    made = run_of({**record, 'curve': {'step': [0, 1], 'loss': [0.0, None]}})
    names = {*NUMBERS, *(f'cost/{name}' for name in COSTS), 'parts/one'}
    assert made.numbers == dict.fromkeys(names, 0.0)
    assert made.knobs == {**dict.fromkeys(FACTS, 0), 'arm': 'x', 'task': 't', 'decay': 0.0}
    assert made.curves == {'loss': [(0, 0.0)]}


def test_names_and_notes_of_others_steer_no_terminal_and_render_as_text(reading: Reading):
    told = '\x1b]0;title\x07 <img src=x> ![a](http://b)'
    curve = {'step': [0, 1], told: [1.0, 2.0]}
    record = {'id': 'a', 'study': 's', 'arm': told, 'task': told, 'status': 'failed', 'reason': told, 'knobs': {told: told}}
    made = run_of({**record, 'curve': curve, 'parts': {told: 0.5}, 'environment': {'device': told}})
    assert '\x1b' not in json.dumps(dataclasses.asdict(made), ensure_ascii=False) and made.tags['reason'].endswith('(http://b)')
    asked = dataclasses.replace(reading, study=dataclasses.replace(reading.study, question=f'One?\n\nTwo {told}'))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('results.rendering.page', lambda *given: '')
        question = study_of(asked).question
    assert question == 'One?\n\nTwo \ufffd]0;title\ufffd &lt;img src=x> ![a]\\(http://b)'


def test_findings_become_numbers_and_tags(reading: Reading, study: TrackedStudy):
    findings = read(*small())[1]
    for one in findings:
        place = f'{one.arm}/{one.task}'
        assert study.tags[f'verdict/{place}'] == one.verdict and study.numbers[f'{place}/effect'] == one.effect
        assert study.numbers[f'{place}/effect_low'] == one.effect_interval[0]
    assert '<title>' in study.page and findings[0].arm in study.table and study.tags['complete'] == 'true'


def test_a_second_export_doubles_nothing_and_replaces_what_has_changed(runs: list[TrackedRun], study: TrackedStudy):
    class Remembering(Tracker):
        def __init__(self):
            self.runs, self.order, self.studies = {}, [], []

        def known(self) -> dict[str, str]:
            return {key: run.check for key, run in self.runs.items()}

        def write(self, run: TrackedRun) -> None:
            self.runs[run.id] = run
            self.order.append(run.id)

        def conclude(self, study: TrackedStudy) -> None:
            self.studies.append(study.name)

    tracker = Remembering()
    assert vars(export(tracker, runs, study)) == {'written': 3, 'known': 0}
    assert vars(export(tracker, runs, study)) == {'written': 0, 'known': 3}
    again = [runs[0], dataclasses.replace(runs[1], numbers={'score': 2.0}), runs[2]]
    assert vars(export(tracker, again, study)) == {'written': 1, 'known': 2}
    assert tracker.order == [*(one.id for one in runs), runs[1].id] and len(tracker.studies) == 3


@pytest.mark.parametrize(('kind', 'package'), [('tensorboard', 'tensorboard'), ('wandb', 'wandb'), ('mlflow', 'mlflow')])
def test_a_tracker_that_is_not_installed_is_one_line_with_the_fix(monkeypatch, tmp_path: Path, kind: str, package: str):
    for name in [name for name in sys.modules if name.partition('.')[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ValueError, match=rf"--to {kind} needs .*, which is not installed; pip install 'archlab\[{kind}\]'"):
        tracker_of(kind)(tmp_path, 'small')


def test_an_unknown_tracker_is_refused(called: Callable, tmp_path: Path):
    done = called('export-runs', 'quickstart', '--to', 'tensorbord', '--runs', tmp_path)
    assert done.returncode == 2 and "'tensorbord'; allowed: ['mlflow', 'tensorboard', 'wandb']" in done.stderr
    assert "Did you mean 'tensorboard'" in done.stderr


def in_tensorboard(folder: Path) -> dict[str, dict]:
    """Numbers and curves by run, as TensorBoard's own reader gives them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    told = {}
    for place in sorted(path.parent for path in folder.rglob(CHECK)):
        events = EventAccumulator(str(place))
        events.Reload()
        curves = {}
        for tag in events.Tags()['tensors']:
            if not tag.startswith(('about', '_hparams_')):
                curves[tag] = [(one.step, one.tensor_proto.float_val[0]) for one in events.Tensors(tag)]
        told[place.name] = curves
    return told


def in_mlflow(folder: Path) -> dict[str, dict]:
    from mlflow.tracking import MlflowClient

    client, told = MlflowClient(f'sqlite:///{folder / "mlflow.db"}'), {}
    for one in client.search_runs([client.get_experiment_by_name('small_one_swap').experiment_id]):
        key = one.data.tags['archlab.trial']
        if key == 'findings':
            assert {file.path for file in client.list_artifacts(one.info.run_id)} == {'report.html', 'findings.md'}
            continue
        assert key not in told, 'doubled'
        names = one.data.metrics
        told[key] = {name: [(m.step, m.value) for m in client.get_metric_history(one.info.run_id, name)] for name in names}
        assert one.data.params['arm'] and one.info.status == 'FINISHED'
    return told


def messages(content: bytes) -> Iterator[bytes]:
    """The messages of a .wandb file: a log of LevelDB's form, blocks of 32 KiB with pieces of messages."""
    place, whole = 7, b''
    while place + 7 <= len(content):
        if (left := 32768 - place % 32768) < 7:
            place += left
            continue
        _, size, kind = struct.unpack('<IHB', content[place : place + 7])
        whole += content[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (1, 4):
            yield whole
            whole = b''


def in_wandb(folder: Path) -> dict[str, dict]:
    from wandb.proto.wandb_internal_pb2 import Record

    told = {}
    for path in sorted(folder.glob('wandb/offline-run-*/run-*.wandb')):
        curves = {}
        for message in messages(path.read_bytes()):
            record = Record()
            record.ParseFromString(message)
            items = {item.key or '/'.join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
            for name, value in items.items():
                curves.setdefault(name, []).append((items.get('_step'), value))
            summary = {item.key or '/'.join(item.nested_key): json.loads(item.value_json) for item in record.summary.update}
            curves |= {name: [(0, value)] for name, value in summary.items() if name.startswith('end/')}
        key = path.stem.removeprefix('run-')
        if not key.startswith('findings'):
            assert key not in told, 'doubled'
            told[key] = curves
    return told


READERS = {'tensorboard': in_tensorboard, 'mlflow': in_mlflow, 'wandb': in_wandb}


@pytest.mark.filterwarnings('ignore::DeprecationWarning')
@pytest.mark.parametrize('kind', TRACKERS)
def test_a_tracker_keeps_each_run_once(kind: str, runs: list[TrackedRun], study: TrackedStudy, tmp_path: Path):
    """As its own reader finds them; `pip install 'archlab[KIND]'` lets this run."""
    pytest.importorskip(kind, reason=f'the extra {kind} is not installed')
    folder = tmp_path / 'out'
    assert vars(export(tracker_of(kind)(folder, study.name), runs, study)) == {'written': 3, 'known': 0}
    changed = dataclasses.replace(runs[1], curves={'loss': [(0, 2.0), (7, 1.5)]})
    assert vars(export(tracker_of(kind)(folder, study.name), [runs[0], changed, runs[2]], study)) == {'written': 1, 'known': 2}
    told = READERS[kind](folder)
    assert set(told) == {one.id for one in runs}
    for run in (runs[0], changed):
        steps = [step for step, _ in told[run.id]['loss']]
        values = [value for _, value in told[run.id]['loss']]
        assert steps == [step for step, _ in run.curves['loss']]
        assert values == pytest.approx([value for _, value in run.curves['loss']], rel=1e-6)
        assert told[run.id]['end/score'][-1][1] == pytest.approx(run.numbers['score'], rel=1e-6)
    assert 'end/score' not in told[runs[2].id], 'it diverged'


FULL = {
    **{'id': 'ab', 'study': 's', 'arm': 'x', 'task': 't', 'phase': 'tune', 'status': 'ok', 'reason': '', 'knobs': {'lr': 0.1}},
    **{'optimizer': 'sgd', 'score': 0.5, 'score_se': None, 'final_loss': 1.25, 'replicate': 0, 'seed': 7},
    'curve': {'step': [0, 4, 8], 'score': [None, 0.2, 0.5], 'loss': [2.0, 1.5], 'empty': [None, None, None]},
    'cost': {'seconds': 1.5, 'flops': None, 'other': 3},
    'parts': {'one': 0.25, 'two': None},
    'environment': {'commit': 'c0', 'device': None, 'python': '3'},
    'pack': {'id': 'p9'},
    'model': {'norm': {'kind': 'rms_norm'}, 'mixer': {'kernel': 3}, 'head': None, 'body': {'kind': 'plain'}, 'width': 8},
}


def test_each_entry_of_a_record_has_its_place():
    made = run_of(FULL)
    assert (made.id, made.name, made.group, made.failed) == ('ab', 'x/t/tune/ab', 'x/t', False)
    assert made.knobs == {
        **{'arm': 'x', 'task': 't', 'replicate': 0, 'phase': 'tune', 'optimizer': 'sgd', 'seed': 7},
        **{'model.norm': 'rms_norm', 'lr': 0.1},
    }
    assert made.numbers == {'score': 0.5, 'final_loss': 1.25, 'cost/seconds': 1.5, 'parts/one': 0.25}
    assert made.curves == {'score': [(4, 0.2), (8, 0.5)], 'loss': [(0, 2.0), (4, 1.5)]}
    assert made.tags == {'study': 's', 'status': 'ok', 'commit': 'c0', 'pack': 'p9'}


def test_a_run_that_changed_in_anything_has_another_digest():
    made = run_of(FULL)
    assert made.check == run_of(dict(reversed(FULL.items()))).check and len(made.check) == 16
    others = [{**FULL, 'score': 0.51}, {**FULL, 'status': 'failed'}, {**FULL, 'knobs': {'lr': 0.2}}, {**FULL, 'pack': None}]
    others += [{**FULL, 'curve': {'step': [0], 'score': [0.5]}}]
    assert len({made.check, *(run_of(other).check for other in others)}) == 6


def test_what_is_concluded_is_told_as_numbers_and_tags(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr('results.rendering.page', lambda *given: 'the page')
    early, findings = read(*small(share=0.4))
    made = study_of(early)
    assert made.tags['complete'] == 'false' and made.page == 'the page' and made.table.startswith('**Unfinished')
    first = findings[0]
    place = f'{first.arm}/{first.task}'
    assert made.tags[f'verdict/{place}'] == 'undecided' and f'{place}/p_adjusted' not in made.numbers
    assert f'{place}/effect_low' not in made.numbers and made.numbers[f'{place}/margin'] == first.margin
    late, findings = read(*small())
    whole = study_of(late)
    one = next(finding for finding in findings if finding.arm == first.arm and finding.task == first.task)
    assert whole.tags['complete'] == 'true' and whole.tags[f'verdict/{place}'] == one.verdict
    assert (whole.numbers[f'{place}/effect_low'], whole.numbers[f'{place}/effect_high']) == pytest.approx(one.effect_interval)
    assert whole.numbers[f'{place}/effect'] == pytest.approx(one.effect) and whole.name == late.study.name


def test_a_run_of_no_phase_is_a_run_and_what_a_record_lacks_is_left_out():
    bare = {'id': '0f', 'arm': 'base', 'task': 'digits', 'study': 'one', 'status': 'failed', 'knobs': {}}
    for more in (
        {},
        {'phase': None, 'reason': None, 'pack': None, 'environment': None, 'parts': None, 'model': None, 'cost': None},
    ):
        made = run_of({**bare, **more})
        assert made.name == 'base/digits/run/0f' and made.group == 'base/digits' and made.failed
        assert made.tags == {'study': 'one', 'status': 'failed'} and made.knobs == {'arm': 'base', 'task': 'digits'}
        assert made.numbers == {} == made.curves
    told = {'reason': 'no memory', 'pack': {'id': 'p'}, 'environment': {'commit': 'c', 'device': None, 'source': 's'}}
    assert run_of({**bare, **told}).tags == {
        **{'study': 'one', 'status': 'failed', 'reason': 'no memory', 'commit': 'c', 'source': 's', 'pack': 'p'}
    }
