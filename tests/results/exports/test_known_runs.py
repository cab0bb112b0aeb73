"""Which runs a tracker has already: each with the check of its last whole export, and '' where that was cut off."""

import logging
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest

from results.exports import mlflow_store
from results.exports.mlflow_store import MlflowTracker
from results.exports.tensorboard_files import TensorBoardTracker
from results.exports.tracked_runs import TrackedRun, TrackedStudy
from results.exports.tracker import CHECK
from results.exports.wandb_files import WandbTracker

EVENTS = (
    *('tensorboard', 'tensorboard.compat', 'tensorboard.compat.proto', 'tensorboard.compat.proto.event_pb2'),
    *('tensorboard.plugins', 'tensorboard.plugins.hparams', 'tensorboard.plugins.scalar', 'tensorboard.plugins.text'),
    *('tensorboard.summary', 'tensorboard.summary.writer', 'tensorboard.summary.writer.event_file_writer'),
)
STORE = ('mlflow', 'mlflow.entities', 'mlflow.tracking', 'sqlalchemy', 'alembic')


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> mock.MagicMock:
    """Stand-ins of the programs, whether they are installed or not."""
    heard = mock.MagicMock()
    for name in (*EVENTS, *STORE, 'wandb'):
        monkeypatch.setitem(sys.modules, name, getattr(heard, name.replace('.', '_')))
    for name in ('mlflow', 'alembic'):
        monkeypatch.setattr(logging.getLogger(name), 'level', logging.INFO)
    for name in ('WANDB_MODE', 'WANDB_ERROR_REPORTING', 'WANDB_SILENT', 'MLFLOW_DISABLE_TELEMETRY'):
        monkeypatch.setenv(name, 'true')
    return heard


def test_offline_runs_are_known_by_the_last_of_their_folders(absent: mock.MagicMock, tmp_path: Path):
    tracker = WandbTracker(tmp_path, 'asked')
    assert tracker.known() == {}
    for name, check in (
        ('2-one', 'old'),
        ('5-one', 'new'),
        ('3-one', 'old'),
        ('4-one', 'old'),
        ('1-one', 'old'),
        ('1-two-more', 'whole'),
        ('1-cut', None),
    ):
        files = tmp_path / 'wandb' / f'offline-run-2026_{name}' / 'files'
        files.mkdir(parents=True)
        if check is not None:
            (files / CHECK).write_text(check)
    assert tracker.known() == {'one': 'new', 'two-more': 'whole', 'cut': ''}


def test_event_files_are_known_by_the_folder_of_a_run(absent: mock.MagicMock, tmp_path: Path):
    tracker = TensorBoardTracker(tmp_path, 'asked')
    assert tracker.known() == {}
    for place, check in (('base/digits/tune/one', 'first'), ('base/digits/confirm/two', 'second'), ('base/cut', None)):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / ('events' if check is None else CHECK)).write_text(check or '')
    assert tracker.known() == {'one': 'first', 'two': 'second'}


def run_in_store(key: str | None, run: str, check: str | None = None) -> SimpleNamespace:
    tags = {} if key is None else {'archlab.trial': key}
    return SimpleNamespace(
        data=SimpleNamespace(tags=tags | ({CHECK: check} if check else {})), info=SimpleNamespace(run_id=run)
    )


class Page(list):
    token = None


def test_a_store_is_read_page_by_page_and_what_it_has_twice_is_written_anew(absent: mock.MagicMock, tmp_path: Path):
    client = absent.mlflow_tracking.MlflowClient.return_value
    client.get_experiment_by_name.return_value = SimpleNamespace(experiment_id='e7')
    pages = Page([run_in_store('one', 'r1', 'first'), run_in_store('twice', 'r2', 'a')]), Page([run_in_store('cut', 'r3')])
    pages[0].token, last = 'next', Page([run_in_store('twice', 'r4', 'a'), run_in_store(None, 'r5')])
    pages[1].token = 'more'
    client.search_runs.side_effect = [*pages, last]
    tracker = MlflowTracker(tmp_path, 'asked')
    assert {logging.getLogger(name).level for name in ('mlflow', 'alembic')} == {logging.WARNING}
    assert tracker.experiment == 'e7' and not client.create_experiment.called
    assert [call.kwargs['page_token'] for call in client.search_runs.mock_calls] == [None, 'next', 'more']
    assert tracker.known() == {'one': 'first', 'cut': '', '': ''}
    tracker.write(TrackedRun('twice', 'base/twice', 'base', {}, {}, {}, {}, False))
    assert [call.args for call in client.delete_run.mock_calls] == [('r2',), ('r4',)]
    assert 'twice' not in tracker.known() and (tmp_path / 'artifacts').exists() is False


def test_numbers_go_to_a_store_in_portions_and_values_only_once(
    absent: mock.MagicMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mlflow_store, 'MOST', 2)
    client = absent.mlflow_tracking.MlflowClient.return_value
    client.search_runs.return_value = Page()
    client.create_run.return_value.info.run_id = 'made'
    for name in ('Metric', 'Param', 'RunTag'):
        getattr(absent.mlflow_entities, name).side_effect = lambda *about: about
    tracker = MlflowTracker(tmp_path, 'asked')
    curves = {'loss': [(0, 2.0), (7, 1.5)], 'a(b)': [(7, 0.25)]}
    tags = {'status': 'failed', 'long': 'x' * 6000}
    tracker.write(
        TrackedRun('one', 'base/one', 'base', {'arm': 'base', 'long': 'y' * 7000}, tags, {'score': 0.25}, curves, True)
    )
    *portions, told = client.log_batch.mock_calls
    assert [len(call.args[1]) for call in portions] == [2, 2]
    points = [point for call in portions for point in call.args[1]]
    assert points == [('end/score', 0.25, 0, 0), ('loss', 2.0, 0, 0), ('loss', 1.5, 0, 7), ('a_b_', 0.25, 0, 7)]
    assert portions[0].args[2] == [('arm', 'base'), ('long', 'y' * 6000)] and portions[1].args[2] == ()
    given_tags = dict(told.kwargs['tags'])
    assert given_tags['status'] == 'failed' and len(given_tags['long']) == 5000 and given_tags[CHECK]
    client.set_terminated.assert_called_with('made', 'FAILED')
    client.log_batch.reset_mock()
    tracker.write(TrackedRun('two', 'base/two', 'base', {'arm': 'base'}, {}, {}, {}, False))
    first, _ = client.log_batch.mock_calls
    assert first.args == ('made', [], [('arm', 'base')]), 'a run without numbers has its values too'
    client.set_terminated.assert_called_with('made', 'FINISHED')


def test_numbers_of_a_step_are_logged_together_and_steps_rise(absent: mock.MagicMock, tmp_path: Path):
    begun = absent.wandb.init.return_value.__enter__.return_value
    begun.dir = str(tmp_path)
    curves = {'loss': [(9, 1.0), (30, 0.5)], 'score': [(100, 0.9), (0, 0.1), (30, 0.7)]}
    tracker = WandbTracker(tmp_path / 'out', 'asked')
    tracker.write(TrackedRun('one', 'base/one', 'base', {}, {'status': 'ok'}, {'score': 0.9}, curves, False))
    logged = [(call.kwargs['step'], call.args[0]) for call in begun.log.mock_calls]
    assert logged == [(0, {'score': 0.1}), (9, {'loss': 1.0}), (30, {'loss': 0.5, 'score': 0.7}), (100, {'score': 0.9})]
    begun.summary.update.assert_called_once_with({'end/score': 0.9, 'status': 'ok'})


def test_of_a_long_note_a_store_has_the_beginning(absent: mock.MagicMock, tmp_path: Path):
    client = absent.mlflow_tracking.MlflowClient.return_value
    client.search_runs.return_value = Page()
    absent.mlflow_entities.RunTag.side_effect = lambda *about: about
    study = TrackedStudy('asked', 'Is it?', {}, {'verdict/base': 'better'}, '0123456789' * 500, 'a page')
    MlflowTracker(tmp_path, 'asked').conclude(study)
    given_tags = dict(client.log_batch.mock_calls[-1].kwargs['tags'])
    assert given_tags == {'verdict/base': 'better', 'mlflow.note.content': ('Is it?\n\n' + study.table)[:4000]}
    assert client.create_run.mock_calls[0].kwargs == {'tags': {'archlab.trial': 'findings'}, 'run_name': 'findings'}
    assert [Path(call.args[1]).name for call in client.log_artifact.mock_calls] == ['report.html', 'findings.md']


def test_events_end_at_the_last_point_of_any_curve(absent: mock.MagicMock, tmp_path: Path):
    told = []
    absent.tensorboard_compat_proto_event_pb2.Event.side_effect = lambda wall_time, step, summary: told.append(step)
    tracker = TensorBoardTracker(tmp_path, 'asked')
    for curves, steps in (({}, [0, 0, 0]), ({'a': [(0, 1.0), (3, 1.0)], 'b': [(9, 1.0), (5, 1.0)]}, [0, 0, 3, 9, 5, 5, 0])):
        told.clear()
        tracker.write(TrackedRun('one', 'base/one', 'base', {}, {'status': 'ok'}, {'score': 0.9}, curves, False))
        assert told == steps
