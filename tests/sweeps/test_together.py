"""Together: two processes carry out one order, each with devices of its own, and the records are those of one process."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ablations.study_files import load_study
from results.store.records import prepare, read_file
from sweeps.launch import order_files
from sweeps.launch.slurm import SlurmSettings, script
from sweeps.protocol.packing import pack
from sweeps.protocol.plan import schedule
from sweeps.training.trainer import Trainer


@pytest.mark.slow
def test_two_processes_carry_out_one_order(tiny_file: Path, tmp_path: Path):
    study = load_study(str(tiny_file))
    item = pack(study, schedule(study, {}, {}).trials, {'lanes': 2})[0]
    how = {'strategy': 'vmap', 'blocks': None, 'flops': 10.0, 'folder': str(tmp_path), 'skip': []}
    order_files.prepare(tmp_path)
    prepare(tmp_path)
    order_files.write(tmp_path, 'one', {'pack': item.to_dict(), 'name': item.id, **how})
    with socket.socket() as free:
        free.bind(('localhost', 0))
        address = f'localhost:{free.getsockname()[1]}'
    own = {'ARCHLAB_COORDINATOR': address, 'ARCHLAB_PROCESSES': '2', 'TF_CPP_MIN_LOG_LEVEL': '3'}
    flags = f'{os.environ.get("XLA_FLAGS", "")} --xla_force_host_platform_device_count=2'
    workers = [
        subprocess.Popen(
            [sys.executable, '-m', 'sweeps.worker', str(tmp_path), 'one'],
            env={**os.environ, **own, 'ARCHLAB_PROCESS': str(process), 'XLA_FLAGS': flags},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for process in range(2)
    ]
    for worker in workers:
        _, said = worker.communicate(timeout=300)
        assert worker.returncode == 0, said[-2000:]
    assert order_files.answer(tmp_path, 'one') == {'pack': item.id, 'reason': ''}
    records = [record for path in (tmp_path / 'records').iterdir() for record in read_file(path, study.name)]
    alone = Trainer('loop', None).train(item)
    assert [record['id'] for record in records] == [record['id'] for record in alone]
    for together, one in zip(records, alone, strict=True):
        assert together['pack']['layout'] == {'lane': 4, 'data': 1, 'model': 1}
        assert together['score'] == pytest.approx(one['score'], abs=1e-5)
        assert together['final_loss'] == pytest.approx(one['final_loss'], rel=1e-4)


def test_a_script_for_several_nodes_starts_a_process_on_each(tmp_path: Path):
    settings = SlurmSettings(nodes=2, gpus=4)
    assert settings.options[:2] == ['--nodes=2', '--ntasks-per-node=1'] and '--gpus-per-task=4' in settings.options
    assert 'exec srun --nodes=2 --ntasks-per-node=1 --kill-on-bad-exit=1 ' in script(tmp_path, 'orders', settings)
    assert 'srun' not in script(tmp_path, 'orders', SlurmSettings(gpus=4))
    with pytest.raises(ValueError, match='--nodes 0; allowed: 1 or more'):
        SlurmSettings(nodes=0)
