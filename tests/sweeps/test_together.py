"""Together: two processes carry out one order, each with devices of its own, and the records are those of one process."""

import dataclasses
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ablations.study import Study
from ablations.study_files import load_study
from results.store.records import prepare, read_file
from sweeps.launch import order_files
from sweeps.launch.slurm import SlurmSettings, script
from sweeps.protocol.pack import Pack
from sweeps.protocol.packing import pack
from sweeps.protocol.plan import schedule
from sweeps.training.checkpoints import read_tree
from sweeps.training.trainer import Trainer


def ordered(study: Study, folder: Path, **how: object) -> Pack:
    """The first pack of a study, ordered in a folder of runs."""
    item = pack(study, schedule(study, {}, {}).trials, {'lanes': 2})[0]
    how = {'strategy': 'vmap', 'blocks': None, 'flops': 10.0, 'folder': str(folder), 'skip': [], **how}
    order_files.prepare(folder)
    prepare(folder)
    order_files.write(folder, 'one', {'pack': item.to_dict(), 'name': item.id, **how})
    return item


def started(folder: Path) -> list[subprocess.Popen]:
    """Two processes of two devices each, which carry out the order together."""
    with socket.socket() as free:
        free.bind(('localhost', 0))
        address = f'localhost:{free.getsockname()[1]}'
    own = {'ARCHLAB_COORDINATOR': address, 'ARCHLAB_PROCESSES': '2', 'TF_CPP_MIN_LOG_LEVEL': '3'}
    flags = f'{os.environ.get("XLA_FLAGS", "")} --xla_force_host_platform_device_count=2'
    return [
        subprocess.Popen(
            [sys.executable, '-m', 'sweeps.worker', str(folder), 'one'],
            env={**os.environ, **own, 'ARCHLAB_PROCESS': str(process), 'XLA_FLAGS': flags},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for process in range(2)
    ]


def carried_out(folder: Path, workers: list[subprocess.Popen], study: str) -> list[dict]:
    """The records, once both processes have ended well."""
    try:
        for worker in workers:
            _, said = worker.communicate(timeout=300)
            assert worker.returncode == 0, said[-2000:]
    finally:
        for worker in workers:
            worker.kill()
    return [record for path in (folder / 'records').iterdir() for record in read_file(path, study)]


@pytest.mark.slow
def test_two_processes_carry_out_one_order(tiny_file: Path, tmp_path: Path):
    study = load_study(str(tiny_file))
    item = ordered(study, tmp_path)
    records = carried_out(tmp_path, started(tmp_path), study.name)
    assert order_files.answer(tmp_path, 'one') == {'pack': item.id, 'reason': ''}
    alone = Trainer('loop', None).train(item)
    assert [record['id'] for record in records] == [record['id'] for record in alone]
    for together, one in zip(records, alone, strict=True):
        assert together['pack']['layout'] == {'lane': 4, 'data': 1, 'model': 1}
        assert together['score'] == pytest.approx(one['score'], abs=1e-5)
        assert together['final_loss'] == pytest.approx(one['final_loss'], rel=1e-4)


def numbers(folder: Path) -> list[int]:
    """The numbers of the checkpoints that are there now."""
    return sorted(int(path.name) for path in folder.glob('checkpoints/*/*') if path.name.isdecimal())


def killed_after(number: int, folder: Path) -> tuple[int, int]:
    """Let two processes train until there is a checkpoint past this number, and kill both; its number and its step."""
    workers, deadline = started(folder), time.monotonic() + 240
    while max(numbers(folder), default=0) <= number:
        assert time.monotonic() < deadline and all(worker.poll() is None for worker in workers)
        time.sleep(0.02)
    for worker in workers:
        worker.kill()
        worker.communicate()
    assert not list((folder / 'records').iterdir())
    last = numbers(folder)[-1]
    (place,) = folder.glob(f'checkpoints/*/{last}')
    return last, int(read_tree(place / 'default')['about']['step'])


@pytest.mark.slow
def test_two_processes_that_are_killed_go_on_from_their_last_checkpoint(tiny_file: Path, tmp_path: Path):
    study = load_study(str(tiny_file))
    study = dataclasses.replace(study, tasks=(dataclasses.replace(study.tasks[0], steps=4000, evaluations=2),))
    whole, broken = tmp_path / 'whole', tmp_path / 'broken'
    for folder in (whole, broken):
        folder.mkdir()
        ordered(study, folder, checkpoints={'steps': 500})
    records = carried_out(whole, started(whole), study.name)
    assert not (whole / 'checkpoints').exists()
    first, step = killed_after(0, broken)
    _, later = killed_after(first, broken)
    assert 0 < step < later, 'what was trained before the first kill is not trained again'
    again = carried_out(broken, started(broken), study.name)
    assert [record['id'] for record in again] == [record['id'] for record in records]
    for one, other in zip(again, records, strict=True):
        assert (one['score'], one['final_loss'], one['curve']) == (other['score'], other['final_loss'], other['curve'])


def test_a_script_for_several_nodes_starts_a_process_on_each(tmp_path: Path):
    settings = SlurmSettings(nodes=2, gpus=4)
    assert settings.options[:2] == ['--nodes=2', '--ntasks-per-node=1'] and '--gpus-per-task=4' in settings.options
    assert 'exec srun --nodes=2 --ntasks-per-node=1 --kill-on-bad-exit=1 ' in script(tmp_path, 'orders', settings)
    assert 'srun' not in script(tmp_path, 'orders', SlurmSettings(gpus=4))
    with pytest.raises(ValueError, match='--nodes 0; allowed: 1 or more'):
        SlurmSettings(nodes=0)
