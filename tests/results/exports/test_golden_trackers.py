"""What each tracker hands to its program, held as texts: stand-ins of the programs write down their calls."""

import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import golden_texts
import pytest

from results.exports import TRACKERS, tracker_of
from results.exports.tracked_runs import TrackedRun, TrackedStudy
from results.exports.tracker import CHECK, export

PREFIXES = ('WANDB', 'MLFLOW')
MODULES = {
    'tensorboard': (
        *('tensorboard', 'tensorboard.compat', 'tensorboard.compat.proto', 'tensorboard.compat.proto.event_pb2'),
        *('tensorboard.plugins', 'tensorboard.plugins.hparams', 'tensorboard.plugins.scalar', 'tensorboard.plugins.text'),
        *('tensorboard.summary', 'tensorboard.summary.writer', 'tensorboard.summary.writer.event_file_writer'),
    ),
    'mlflow': ('mlflow', 'mlflow.entities', 'mlflow.tracking', 'sqlalchemy', 'alembic'),
    'wandb': ('wandb',),
}
RUNS = [
    TrackedRun(
        **{'id': 'one', 'name': 'base/digits/tune/one', 'group': 'base/digits', 'failed': False},
        knobs={'arm': 'base', 'lr': 0.5, 'looks': (1, 2), 'on': True},
        curves={'loss': [(0, 2.0), (7, 1.5)], 'score': [(7, 0.25)]},
        numbers={'score': 0.25, 'cost/seconds': 3.0},
        tags={'status': 'ok', 'odd tag: é': 'two\nlines'},
    ),
    TrackedRun(
        **{'id': 'two', 'name': 'an arm/digits/tune/two', 'group': 'an arm/digits', 'failed': True},
        **{'knobs': {'arm': 'an arm'}, 'curves': {}, 'numbers': {}, 'tags': {'status': 'failed'}},
    ),
]
STUDY = TrackedStudy(
    **{'name': 'asked', 'question': 'Is it?', 'table': '| a table |', 'page': '<p>a page</p>'},
    **{'numbers': {'effect/base': 0.5}, 'tags': {'verdict/base': 'better', 'commit': 'none'}},
)


def written(call: object, folder: Path) -> str:
    text = re.sub(r"<(?:Magic)?\w*Mock name='(?:mock.)?([^']*)' id='\d+'>", r'\1', repr(call)).replace(str(folder), 'FOLDER')
    text = re.sub(r'/\S*/tmp\w+/', 'TEMPORARY/', re.sub(r'wall_time=[\d.]+', 'wall_time=NOW', text))
    return re.sub(r'\.aside-[0-9a-f]+', '', text)


@pytest.mark.parametrize('kind', TRACKERS)
def test_a_tracker_hands_on_what_it_did(kind, monkeypatch, tmp_path):
    heard = mock.MagicMock()
    for name in MODULES[kind]:
        monkeypatch.setitem(
            sys.modules, name, heard.__getattr__(name.replace('.', '_')) if '.' in name else getattr(heard, name)
        )
    monkeypatch.setattr(os, 'environ', {name: value for name, value in os.environ.items() if not name.startswith(PREFIXES)})
    pages = [
        [SimpleNamespace(data=SimpleNamespace(tags={'archlab.trial': 'two', CHECK: 'old'}), info=SimpleNamespace(run_id='r2'))],
        [],
    ]

    class Page(list):
        token = ''

    if kind == 'mlflow':
        client = heard.mlflow_tracking.MlflowClient.return_value
        client.get_experiment_by_name.return_value = None
        client.create_experiment.return_value = 'e1'
        first, second = Page(pages[0]), Page(pages[1])
        first.token = 'next'
        client.search_runs.side_effect = [first, second]
        client.create_run.return_value.info.run_id = 'made'
    if kind == 'wandb':
        begun = heard.wandb.init.return_value.__enter__.return_value
        begun.dir = str(tmp_path / 'begun')
        (tmp_path / 'begun').mkdir()
        old = tmp_path / 'out' / 'wandb' / 'offline-run-2026-two' / 'files'
        old.mkdir(parents=True)
        (old / CHECK).write_text('old')
    tracker = tracker_of(kind)(tmp_path / 'out', 'asked')
    told = export(tracker, RUNS, STUDY)
    assert vars(told) == {'written': 2, 'known': 0}
    lines = [written(call, tmp_path) for call in heard.mock_calls]
    lines += sorted(f'{name} is {value}' for name, value in os.environ.items() if name.startswith(PREFIXES))
    for path in sorted(tmp_path.rglob('*')):
        if path.is_file():
            lines.append(f'{path.relative_to(tmp_path)}: {path.read_text()!r}')
    golden_texts.hold(f'tracker_{kind}', '\n'.join(lines))
    if kind != 'mlflow':
        assert set(tracker.known()) >= ({'one', 'two'} if kind == 'tensorboard' else set())
