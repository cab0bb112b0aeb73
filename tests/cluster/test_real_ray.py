"""Real Ray, several nodes: whatever is killed, every trial is recorded once, with the numbers of an undisturbed local run."""

import importlib.util
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from chaos import Driver, kill_a_worker, once_each, outcome, until_complete

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec('ray') is None, reason="no Ray: pip install 'archlab[ray]'"),
]
SEED = random.SystemRandom().randrange(10**6)
TRIALS = 12


@pytest.fixture(scope='module')
def cluster() -> Iterator[object]:
    os.environ['RAY_USAGE_STATS_ENABLED'] = '0'
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={'num_cpus': 1, 'include_dashboard': False})
    made.add_node(num_cpus=1)
    try:
        yield made
    finally:
        made.shutdown()


def test_chaos_loses_nothing_and_doubles_nothing(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, cluster):
    print(f'seed {SEED}')
    local = Driver(tmp_path_factory.mktemp('local'), 'local', dict(os.environ), TRIALS)
    local.start()
    assert local.process.wait(600) == 0, local.said()
    draw = random.Random(SEED)
    driver = Driver(tmp_path, 'ray', dict(os.environ), TRIALS, '--address', cluster.address)

    def node() -> None:
        """A node leaves, another comes."""
        cluster.remove_node(draw.choice(sorted(cluster.worker_nodes, key=id)), allow_graceful=draw.random() < 0.5)
        cluster.add_node(num_cpus=1)

    def raylet() -> None:
        """A node dies without a word: Ray notices after a while, and what ran there may still commit."""
        draw.choice(sorted(cluster.worker_nodes, key=id)).kill_raylet()
        cluster.add_node(num_cpus=1)

    def restart() -> None:
        driver.kill()
        driver.start()

    faults = {'a worker': lambda: kill_a_worker(draw), 'a node': node, 'a raylet': raylet, 'the driver': restart}
    done = until_complete(driver, faults, SEED, 12, limit=1500)
    print(done, f'{driver.starts} drivers')
    once_each(driver.records(), len(local.records()))
    assert outcome(driver.records()) == outcome(local.records())
