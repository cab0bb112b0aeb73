"""Workers, when a pack is recorded: what they commit of it, and what they clear away."""

from pathlib import Path
from types import SimpleNamespace

import jax
import pytest
from test_worker import ask, command

from ablations.study import Study
from sweeps import worker as workers
from sweeps.protocol.pack import Pack
from sweeps.protocol.packing import pack
from sweeps.protocol.plan import schedule
from sweeps.training.faults import ModelFault
from sweeps.training.record import failed
from sweeps.training.trainer import Trainer

STUDY = Study(name='cleared', question='What stays?', arms={'base': ()}, tasks=('recall',), trials=4)


def test_a_pack_is_cleared_away_once_it_is_recorded_and_what_it_took_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    item = pack(STUDY, schedule(STUDY, {}, {}).trials, {'lanes': 2})[0]
    done, committed = [], []

    class Left:
        """What a pack leaves while it runs."""

        def __init__(self, *given: object, **more: object):
            self.given, self.more, self.notes = given, more, ['a checkpoint was damaged']
            done.append(self)

        def clear(self) -> None:
            done.append((self, len(committed)))

    def train(trainer: Trainer, pack: Pack, *given: object) -> list[dict]:
        done.append(given)
        return failed(pack, 'not trained here')

    monkeypatch.setattr(workers, 'Checkpoints', Left)
    monkeypatch.setattr(workers, 'Pauses', Left)
    monkeypatch.setattr(workers, 'commit', lambda *given: committed.append(given))
    monkeypatch.setattr(Trainer, 'train', train)
    asked = {**command(item, tmp_path, skip=[item.trials[0].id], name='mine'), 'checkpoints': {'seconds': 9.0, 'steps': None}}
    for weights in (False, True):
        done.clear(), committed.clear()
        assert ask({**asked, 'weights': weights}) == [{'pack': item.id, 'reason': ''}]
        checkpoints, pauses, trained, *cleared = done
        about = [workers.environment(), 'loop']
        assert (checkpoints.given, checkpoints.more) == ((tmp_path, item.id, [item.id, *about, weights]), asked['checkpoints'])
        assert pauses.given == (tmp_path, item.trials, about)
        assert trained == (10.0, checkpoints, tmp_path / 'weights' if weights else None, pauses)
        assert cleared == [(checkpoints, 1), (pauses, 1)], 'not before its records are there'
        ((folder, name, records),) = committed
        assert (folder, name, [one['id'] for one in records]) == (tmp_path, 'mine', [one.id for one in item.trials[1:]])
        took = records[0]['pack'].pop('compile_seconds')
        assert 0 <= took < 60 and took == round(took, 3)
        how = {'strategy': 'loop', 'lanes': len(item.trials), 'splits': 0}
        assert records[0]['pack'] == {'id': item.id, 'records': len(item.trials) - 1, 'lane': 1, **how}
    assert capsys.readouterr().err.splitlines().count('a checkpoint was damaged') == 2


@pytest.mark.parametrize(
    ('error', 'reason'),
    [
        (ModelFault('x' * 400), 'x' * 300),
        (jax.errors.JaxRuntimeError('INVALID_ARGUMENT: y'), 'JaxRuntimeError: INVALID_ARGUMENT: y'),
        (jax.errors.JaxRuntimeError('INTERNAL: ' + 'z' * 400), 'JaxRuntimeError: INTERNAL: ' + 'z' * 273),
    ],
)
def test_what_a_model_broke_by_is_recorded_of_each_run_and_where_stands_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, error: Exception, reason: str
):
    item, committed = pack(STUDY, schedule(STUDY, {}, {}).trials, {'lanes': 2})[0], []

    def train(*_: object) -> None:
        raise error

    monkeypatch.setattr(workers, 'commit', lambda *given: committed.append(given[-1]))
    monkeypatch.setattr(Trainer, 'train', train)
    assert ask(command(item, tmp_path)) == [{'pack': item.id, 'reason': reason}]
    assert [(one['status'], one['reason']) for one in committed[0]] == [('failed', reason)] * len(item.trials)
    said = capsys.readouterr().err
    assert said.count('Traceback') == 1 and 'in train\n' in said


def test_a_set_that_is_prepared_again_meanwhile_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It is looked at before a pack is trained and after it: what was read in between was of the same set."""
    item, looks = pack(STUDY, schedule(STUDY, {}, {}).trials, {'lanes': 2})[0], []
    monkeypatch.setattr(workers, 'digests_of', lambda data: looks.append(data) or {'mine': f'version {len(looks)}', 'new': '1'})
    monkeypatch.setattr(Trainer, 'train', lambda trainer, pack, *given: failed(pack, 'not trained here'))
    monkeypatch.setattr(workers, 'commit', lambda *given: pytest.fail('nothing of it counts'))
    asked = {**command(item, tmp_path), 'sets': {'mine': 'version 1'}}
    (answer,) = ask(asked)
    assert answer['invalid'].startswith(
        "the set 'mine' was prepared again while the study runs: its digest is version 2, and was"
    )
    assert looks == [item.program.data] * 2
    assert list(ask(asked)[0]) == ['invalid'] and len(looks) == 3, 'another one from the start is not trained on'


def test_how_a_pack_lay_on_several_devices_stands_in_its_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    item, committed = pack(STUDY, schedule(STUDY, {}, {}).trials, {'lanes': 2})[0], []
    layout = SimpleNamespace(devices=('one', 'two'), sizes={'lane': 1, 'data': 2, 'model': 1})

    def train(trainer: Trainer, pack: Pack, *given: object) -> list[dict]:
        trainer.populations[pack.program.signature] = SimpleNamespace(splits=3, layout=layout)
        return failed(pack, 'not trained here')

    monkeypatch.setattr(workers, 'commit', lambda *given: committed.append(given[-1]))
    monkeypatch.setattr(Trainer, 'train', train)
    assert ask(command(item, tmp_path)) == [{'pack': item.id, 'reason': ''}]
    about = committed[0][0]['pack']
    assert (about['splits'], about['devices'], about['layout']) == (3, 2, {'lane': 1, 'data': 2, 'model': 1})
