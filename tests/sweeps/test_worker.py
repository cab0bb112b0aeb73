"""Workers: what they answer, what they commit, and what becomes of a pack that breaks."""

import dataclasses
import io
import json
import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from ablations.spaces import log
from ablations.study import Study
from ablations.study_files import load_study
from results.store.recorded import read_folder
from results.store.records import prepare
from sweeps import worker as workers
from sweeps.launch import order_files
from sweeps.presence import everybody
from sweeps.protocol.pack import Pack
from sweeps.protocol.packing import pack
from sweeps.protocol.plan import schedule
from sweeps.tasks.probes.recall import Recall
from sweeps.training import trainer as trainers
from sweeps.training.device import device_memory, peak_memory
from sweeps.training.environment import source_hash
from sweeps.training.faults import of_model
from sweeps.training.population import Population
from sweeps.training.preflight import task_of
from sweeps.training.record import failed
from sweeps.training.trainer import Trainer
from sweeps.worker import serve

SGD = {'sgd': {'lr': log(1e-2, 1.0), 'weight_decay': log(1e-4, 1e-2)}}


@pytest.fixture(scope='module')
def study(tiny_file: Path):
    return load_study(str(tiny_file))


@pytest.fixture(scope='module')
def item(study) -> Pack:
    """The first pack of the study."""
    return pack(study, schedule(study, {}, {}).trials, {'lanes': 2})[0]


@pytest.fixture(scope='module')
def plain(item: Pack) -> list[dict]:
    """What a worker records of that pack."""
    return Trainer('loop', None).train(item)


def ask(*commands: dict) -> list[dict]:
    answers = io.StringIO()
    serve([json.dumps(command) for command in commands], answers)
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def command(item, folder: Path, skip=(), name: str = '') -> dict:
    how = {'strategy': 'loop', 'blocks': None, 'flops': 10.0, 'folder': str(folder), 'skip': list(skip)}
    return {'pack': item.to_dict(), 'name': name or item.id, **how}


def appraisal(study, **changes) -> dict:
    programs = [dataclasses.asdict(study.program(a, t.name, 'sgd')) for t in study.tasks for a in study.arms]
    for program in programs:
        program.update(changes)
    metrics = {task.name: [task.metric, task.direction] for task in study.tasks}
    reach = {'sgd': {'lr': [0.1, 1.0], 'weight_decay': [0.0, 1.0]}, 'adagrad': {'lr': [0.1, 1.0]}}
    knobs = {arm: {name: dict(own) for name, own in reach.items()} for arm in study.arms}
    return {'preflight': programs, 'metrics': metrics, 'knobs': knobs, 'blocks': None}


def test_a_pack_becomes_records_once(study, item: Pack, tmp_path: Path):
    prepare(tmp_path)
    first, second = item.trials
    answers = ask(command(item, tmp_path, skip=[second.id]), command(item, tmp_path))
    assert answers == [{'pack': item.id, 'reason': ''}] * 2
    records, skipped = read_folder(tmp_path, study.name)
    assert not skipped and set(records) == {first.id}
    record = records.whole(first.id)
    assert record['status'] in ('ok', 'diverged') and record['held'] == 'tuning'
    assert record['curve']['step'] == [0, 4, 8] and len(record['curve']['score']) == 3
    assert record['cost']['examples'] == 8 * 16 and record['cost']['flops'] == 80.0
    assert record['pack']['compile_seconds'] > 0
    for key in ('commit', 'source', 'versions', 'device'):
        assert key in record['environment']


def test_a_worker_says_what_it_trains(item: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    prepare(tmp_path)

    def look(*_: object) -> list[dict]:
        (one,) = everybody(tmp_path)
        told = {
            'pack': item.id,
            'arm': item.program.arm,
            'task': item.program.task,
            'held': item.held,
            'lanes': len(item.trials),
        }
        assert (one.name, one.about) == ('first', {**told, 'device': jax.devices()[0].device_kind})
        return failed(item, 'looked at')

    monkeypatch.setattr(Trainer, 'train', look)
    assert ask(command(item, tmp_path, name='first')) == [{'pack': item.id, 'reason': ''}]
    assert everybody(tmp_path) == []


def test_the_same_pack_twice_gives_the_same_numbers(item: Pack, plain: list[dict]):
    assert [r['curve'] for r in plain] == [r['curve'] for r in Trainer('loop', None).train(item)]


def test_replicates_side_by_side_are_each_scored_on_their_own_split(study):
    """On an accelerator a pack has the trials of all replicates, which have other training and tuning-validation examples."""
    trials = [trial for trial in schedule(study, {}, {}).trials if trial.arm == 'base']
    (together,) = pack(study, [trial for trial in trials if trial.task == trials[0].task], {'strategy': 'vmap'})
    assert {trial.replicate for trial in together.trials} == {0, 1}
    records = {record['id']: record for record in Trainer('vmap', None).train(together)}
    assert len({record['checksum'] for record in records.values()}) == 2
    alone = Trainer('loop', None)
    for item in pack(study, together.trials, {}):
        for record in alone.train(item):
            other = records[record['id']]
            assert other['checksum'] == record['checksum'] and other['replicate'] == record['replicate']
            for name in ('loss', 'train_loss'):
                np.testing.assert_allclose(other['curve'][name][:2], record['curve'][name][:2], rtol=1e-5)


def test_two_arms_of_one_model_share_what_is_compiled(study):
    trainer, base = Trainer('loop', None), study.program('base', 'recall', 'sgd')
    again, other = dataclasses.replace(base, arm='again'), study.program('no_mixer', 'recall', 'sgd')
    assert trainer.population(base) is trainer.population(again) is not trainer.population(other)


def test_data_that_do_not_fit_the_device_are_streamed_to_the_same_end(
    item: Pack, plain: list[dict], monkeypatch: pytest.MonkeyPatch
):
    assert not Trainer('loop', None).population(item.program).streamed
    monkeypatch.setattr(trainers, 'device_memory', lambda: 1000)
    worker = Trainer('loop', None)
    streamed = worker.train(item)
    assert worker.population(item.program).streamed
    for one, other in zip(plain, streamed, strict=True):
        for name in ('loss', 'train_loss'):
            np.testing.assert_allclose(one['curve'][name], other['curve'][name], rtol=1e-5)


def test_inputs_and_targets_must_fit_the_device_together(item: Pack, monkeypatch: pytest.MonkeyPatch):
    pool = task_of(item.program.data).pool()
    for more, streamed in ((0, False), (-1, True)):
        monkeypatch.setattr(trainers, 'device_memory', lambda more=more: pool.x.nbytes + pool.y.nbytes + more)
        assert Trainer('loop', None)._source(item.program.data)[1] is streamed


def test_a_label_without_an_output_is_refused_before_training(item: Pack):
    trainer = Trainer('loop', None)
    known = trainer._arrays(item.program.data, 'pool')
    key = next(iter(trainer.arrays))
    outputs = item.program.model['head']['outputs']
    trainer.arrays[key] = dataclasses.replace(known, y=np.full_like(known.y, outputs))
    with pytest.raises(ValueError, match=rf"the pool has label {outputs} and 'head.outputs' is {outputs}; put\("):
        trainer.train(item)


@pytest.mark.parametrize('told', [None, {}, {'bytes_in_use': 7}, {'bytes_in_use': 7, 'peak_bytes_in_use': 9}])
def test_the_peak_of_memory_is_the_devices_where_it_reports_one(monkeypatch: pytest.MonkeyPatch, told: dict | None):
    monkeypatch.setattr(jax, 'local_devices', lambda: [SimpleNamespace(memory_stats=lambda: told)])
    peak = peak_memory()
    assert peak == 9 if told and 'peak_bytes_in_use' in told else peak > 2**20


def test_scores_are_in_the_unit_of_what_they_are_scored_on(item: Pack, plain: list[dict], monkeypatch: pytest.MonkeyPatch):
    """Loss stays in nats; score, its error and its curve are scaled, on the tuning split and on the test split."""
    own = Recall.pool
    monkeypatch.setattr(Recall, 'pool', lambda self: dataclasses.replace(own(self), scale=2.0))
    for one, twice in zip(plain, Trainer('loop', None).train(item), strict=True):
        assert twice['curve']['loss'] == one['curve']['loss']
        assert twice['score'] == pytest.approx(2 * one['score']) and twice['score_se'] == pytest.approx(2 * one['score_se'])
        assert twice['curve']['score'] == pytest.approx([2 * score for score in one['curve']['score']])


def test_a_pack_that_breaks_is_recorded_as_failed(study, item: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    prepare(tmp_path)

    def broken(*_: object) -> None:
        with of_model():
            raise FloatingPointError('the device is on fire')

    monkeypatch.setattr(Population, 'run', broken)
    assert ask(command(item, tmp_path))[0]['reason'] == 'FloatingPointError: the device is on fire'
    records, _ = read_folder(tmp_path, study.name)
    assert {record['status'] for record in records.values()} == {'failed'}
    monkeypatch.undo()
    assert ask(command(item, tmp_path, name=f'{item.id}-2'))[0]['reason'] == ''
    records, _ = read_folder(tmp_path, study.name)
    assert 'failed' not in {record['status'] for record in records.values()}


SURROUNDINGS = {
    'a disk': (OSError(28, 'No space left on device', '/disk'), 'invalid', '/disk: No space left on device; mend it'),
    'data': (ValueError('pool/x.npy is damaged'), 'invalid', 'pool/x.npy is damaged'),
    'memory': (MemoryError('5 GB'), 'invalid', "memory is not enough for a lane of arm 'base' on 'recall' (MemoryError: 5 GB)"),
    'memory of a device': (
        jax.errors.JaxRuntimeError('INTERNAL: Error dispatching computation: Out of memory allocating 150994944 bytes.'),
        'invalid',
        "memory is not enough for a lane of arm 'base' on 'recall' (JaxRuntimeError: INTERNAL: Error",
    ),
    'the lab itself': (KeyError('step'), 'broken', "KeyError: 'step'"),
}


@pytest.mark.parametrize(('error', 'how', 'said'), SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_a_fault_of_the_surroundings_is_no_result(item: Pack, tmp_path: Path, monkeypatch, error, how: str, said: str):
    """It stops the run: recorded as failed, it would become a finding about the arm."""
    prepare(tmp_path)

    def fault(*_: object) -> None:
        raise error

    monkeypatch.setattr(Trainer, '_source', fault)
    (answer,) = ask(command(item, tmp_path))
    assert answer[how].startswith(said) and list((tmp_path / 'records').iterdir()) == []


def test_a_setting_that_is_no_number_stops_the_run(item: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv('ARCHLAB_RESIDENT_BYTES', 'abc')
    device_memory.cache_clear()
    prepare(tmp_path)
    assert ask(command(item, tmp_path))[0]['invalid'].startswith("ARCHLAB_RESIDENT_BYTES is 'abc'; allowed: a whole number")
    device_memory.cache_clear()


def test_a_full_disk_is_said_and_nothing_is_left(item: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    prepare(tmp_path)
    monkeypatch.setattr(Trainer, 'train', lambda *_: [])

    def full(*_: object) -> None:
        raise ValueError('the disk is full')

    monkeypatch.setattr(workers, 'commit', full)
    assert ask(command(item, tmp_path)) == [{'invalid': 'the disk is full'}]
    assert list((tmp_path / 'records').iterdir()) == []


def test_appraisal_counts_every_arm_and_task(study):
    answer = ask(appraisal(study))[0]
    assert answer['platform'] == 'cpu'
    assert set(answer['costs']) == {'base', 'no_mixer'} and set(answer['costs']['base']) == {'recall', 'values'}
    assert answer['costs']['no_mixer']['recall']['params'] < answer['costs']['base']['recall']['params']


def test_a_worker_that_is_asked_nothing_more_ends_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Its answers go to the file that it was started with, and its status is 0."""
    monkeypatch.setattr(sys, 'stdin', io.StringIO('{"preflight": []}\n'))
    handle = os.open(tmp_path / 'answers', os.O_WRONLY | os.O_CREAT, 0o600)
    assert workers.main(['--answers', str(handle)]) == 0
    assert list(json.loads((tmp_path / 'answers').read_text())) == ['broken']


def test_an_order_may_stand_in_a_file(study, item: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As schedulers have them carried out: the answer lies beside it, and a status says whether it could be."""
    prepare(tmp_path)
    order_files.prepare(tmp_path)
    monkeypatch.setattr(Trainer, 'train', lambda *_: failed(item, 'not trained here'))
    # The folder is where the worker sees it, whatever it is called where the order was written.
    order_files.write(tmp_path, item.id, command(item, Path('/elsewhere')))
    assert workers.main([str(tmp_path), item.id]) == 0
    assert order_files.answer(tmp_path, item.id) == {'pack': item.id, 'reason': ''}
    assert set(read_folder(tmp_path, study.name)[0]) == {trial.id for trial in item.trials}
    order_files.write(tmp_path, 'preflight', appraisal(study, optimizer='adagrad'))
    assert workers.main([str(tmp_path), 'preflight']) == 2
    assert 'adagrad' in order_files.answer(tmp_path, 'preflight')['invalid']


DAMAGED = [
    (None, "no order 'one'"),
    ('', 'one.json is damaged'),
    ('[' * 100_000, 'one.json is damaged'),
    ('[]', 'no order of the lab'),
    ('{"preflight": []}', 'no order of the lab'),
    ('{"preflight": [{"arm": "x"}]}', 'no order of the lab'),
    ('{"pack": {"program": null, "trials": []}}', 'no order of the lab'),
]


@pytest.mark.parametrize(('text', 'message'), DAMAGED)
def test_an_order_that_is_none_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture, text: str | None, message: str
):
    order_files.prepare(tmp_path)
    if text is not None:
        order_files.place(tmp_path, 'one', 'json').write_text(text)
    assert workers.main([str(tmp_path), 'one']) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('archlab: error: ') and message in line
    assert order_files.answer(tmp_path, 'one') is None, 'the run writes the order anew and tries again'


def test_an_order_that_lacks_a_part_is_refused(item: Pack, tmp_path: Path, capsys: pytest.CaptureFixture):
    order_files.prepare(tmp_path)
    whole = command(item, tmp_path)
    order_files.write(tmp_path, 'one', {name: value for name, value in whole.items() if name != 'strategy'})
    assert workers.main([str(tmp_path), 'one']) == 2 and "it lacks ['strategy']" in capsys.readouterr().err
    assert workers.main([str(tmp_path)]) == 2 and 'RUN ORDER' in capsys.readouterr().err


def test_a_worker_of_another_version_refuses(item: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    prepare(tmp_path)
    monkeypatch.setattr(Trainer, 'train', lambda *_: failed(item, 'not trained here'))
    (answer,) = ask({**command(item, tmp_path), 'sources': 'those of last week'})
    assert 'has other sources of the lab' in answer['invalid'] and 'those of last week' in answer['invalid']
    assert list((tmp_path / 'records').iterdir()) == []
    assert ask({**command(item, tmp_path), 'sources': source_hash()}) == [{'pack': item.id, 'reason': ''}]


BAD = [
    ({'optimizer': 'adagrad'}, "unknown optimizer 'adagrad'; allowed"),
    ({'data': {'kind': 'digitz'}}, "unknown kind 'digitz'.*Did you mean 'digits'"),
]


@pytest.mark.parametrize(('changes', 'message'), BAD)
def test_appraisal_refuses_what_could_not_run(study, changes: dict, message: str):
    assert re.search(message, ask(appraisal(study, **changes))[0]['invalid'])


def test_data_that_are_not_prepared_are_asked_for_before_anything_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Costs can be counted without them, packs that fail one by one are what must not come of it."""
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    asked = appraisal(Study(name='photos', question='Which?', arms={'base': ()}, tasks=('recall', 'cifar10'), tune=SGD))
    (answer,) = ask(asked)
    assert "dataset 'cifar10' is not prepared" in answer['invalid'] and 'archlab data prepare cifar10' in answer['invalid']


def test_a_metric_that_the_data_do_not_give_is_refused(study):
    asked = appraisal(study)
    asked['metrics']['recall'] = ['loss', 'lower']
    assert "data 'recall' gives ['accuracy', 'higher']" in ask(asked)[0]['invalid']


def test_a_tuned_value_that_nothing_reads_is_refused(study):
    asked = appraisal(study)
    for by_optimizer in asked['knobs'].values():
        by_optimizer['sgd']['lrr'] = [0.1, 1.0]
    assert "'lrr' of optimizer 'sgd' is read by nothing" in ask(asked)[0]['invalid']


def test_settings_of_jax_that_count_for_nothing_are_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    monkeypatch.setattr(workers, 'own_settings', lambda: ['JAX_ENABLE_X64'])
    assert serve([], io.StringIO()) is True
    assert capsys.readouterr().err.startswith('JAX_ENABLE_X64 is set, and counts for nothing: runs have the settings')


@pytest.mark.parametrize(
    ('error', 'said'),
    [
        (
            OSError(28, 'No space left', 'a.npy'),
            'a.npy: No space left; mend it and run again: nothing that is recorded is lost',
        ),
        (ValueError('give another'), 'give another'),
        (OSError('of no file'), 'OSError: of no file'),
        (MemoryError('no room'), 'MemoryError: no room'),
    ],
)
def test_what_a_worker_cannot_go_on_with_is_told(error: Exception, said: str):
    assert workers._told(error) == said


@pytest.mark.parametrize('arguments', [[], ['run'], ['run', 'order', 'more']])
def test_a_worker_without_an_order_says_what_it_takes(arguments: list[str], capsys: pytest.CaptureFixture):
    assert workers.main(arguments) == workers.REFUSED == 2
    said = f'{len(arguments)} arguments; allowed: RUN ORDER, or --answers N'
    assert capsys.readouterr().err == f'archlab: error: {said}\n'
