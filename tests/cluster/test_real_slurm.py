"""Real Slurm, two nodes: whatever is killed, every trial is recorded once, with the numbers of an undisturbed local run."""

import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from chaos import Driver, kill_a_worker, once_each, outcome, until_complete
from mini_slurm import MiniSlurm, missing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=f'no {", ".join(missing())}: apt-get install slurm-wlm munge'),
]
SEED = random.SystemRandom().randrange(10**6)
TRIALS = 16


@pytest.fixture(scope='module')
def slurm() -> Iterator[MiniSlurm]:
    folder = Path(tempfile.mkdtemp(prefix='slurm-'))
    try:
        with MiniSlurm(folder) as started:
            yield started
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory: pytest.TempPathFactory, slurm: MiniSlurm) -> list[dict]:
    driver = Driver(tmp_path_factory.mktemp('local'), 'local', slurm.environment, TRIALS)
    driver.start()
    assert driver.process.wait(600) == 0, driver.said()
    return driver.records()


def test_chaos_loses_nothing_and_doubles_nothing(tmp_path: Path, slurm: MiniSlurm, undisturbed: list[dict]):
    print(f'seed {SEED}')
    draw, driver = random.Random(SEED), Driver(tmp_path, 'slurm', slurm.environment, TRIALS)

    def controller() -> None:
        slurm.kill_controller()
        time.sleep(draw.uniform(0.5, 3))
        slurm.start_controller()

    def node() -> None:
        """The daemon dies, what ran there goes on, and Slurm puts it into the queue again: two copies of one pack."""
        number = draw.choice((1, 2))
        slurm.kill_node(number)
        time.sleep(draw.uniform(0.5, 14))
        slurm.start_node(number)

    def by_hand() -> bool:
        tasks = [line for line in slurm.said('squeue', '-h', '-r', '-o', '%F_%K').split() if not line.endswith('N/A')]
        if tasks:
            slurm.said('scancel', draw.choice(tasks))
        return bool(tasks)

    def restart() -> None:
        driver.kill()
        driver.start()

    def look_after() -> None:
        """Jobs that were put into the queue again wait for two minutes, and a node that failed for its administrator."""
        for number in (1, 2):
            if 'drain' in slurm.said('sinfo', '-h', '-N', '-n', f'n{number}', '-o', '%T'):
                slurm.said('scontrol', 'update', f'nodename=n{number}', 'state=resume')
        for job in slurm.said('squeue', '-h', '-r', '-t', 'PD', '-o', '%i').split():
            slurm.said('scontrol', 'update', f'jobid={job}', 'starttime=now')

    faults = {'a worker': lambda: kill_a_worker(draw), 'the controller': controller, 'a node': node, 'by hand': by_hand}
    faults |= {'the driver': restart}
    done = until_complete(driver, faults, SEED, 40, 1500, look_after)
    print(done, f'{driver.starts} drivers')
    once_each(driver.records(), len(undisturbed))
    assert outcome(driver.records()) == outcome(undisturbed)


def test_a_pack_that_kills_its_worker_ends_as_failed_with_the_tail_of_its_log(tmp_path: Path, slurm: MiniSlurm):
    driver = Driver(tmp_path, 'slurm', slurm.environment, 2)
    (tmp_path / 'archlab.toml').write_text(
        "[slurm]\nsetup = ['case $order in preflight*) ;; *) echo the disk of this node is worn out; kill -9 $$ ;; esac']\n"
    )
    driver.start()
    assert driver.process.wait(300) == 1, driver.said()
    for record in driver.records():
        assert all(word in record['reason'] for word in ('ended 3 times', 'signal 9', 'the disk of this node is worn out'))
