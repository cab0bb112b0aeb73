"""Ray: workers as processes of Ray's core tasks, one for each order. A task whose node is lost Ray starts again itself.

Tasks get nothing but the names of a folder and of an order, and they end with their driver: a second run submits the unrecorded
trials. What such a task has left behind may still commit its pack; the first writer wins.
"""

import dataclasses
import os
import socket
import subprocess
import sys
from pathlib import Path

from sweeps.launch import order_files
from sweeps.launch.queued import UNSEEN, QueuedLauncher
from sweeps.launch.worker_environment import variables

RETRIES = 10
"""How often Ray starts a task again that was lost with its node."""
NEEDED = "launcher 'ray' needs Ray; pip install 'archlab[ray]'"


@dataclasses.dataclass(frozen=True)
class RaySettings:
    """The address of Ray, and the resources of each task.

    `address` is a head node's (10.0.0.1:6379), `auto` for the one of this machine, or `local` for one that lives as long as the
    run. Raises ValueError without an address: Ray would join whatever it finds.
    """

    address: str | None = None
    gpus: int = 0
    cpus: int = 1

    def __post_init__(self):
        if not self.address:
            raise ValueError("launcher 'ray' has no address; allowed: --address HOST:PORT of the head, auto, or local")
        if self.gpus < 0 or self.cpus < 1:
            raise ValueError(f'--gpus {self.gpus}, cpus {self.cpus}; allowed: no GPU or more, and one CPU or more')


def carry_out(run: str, order: str) -> int:
    """Run the worker of an order and give its exit status; it ends with the task."""
    if not order_files.place(Path(run), order, 'json').exists():
        return UNSEEN
    with order_files.open_log(order_files.log(Path(run), order)) as log:
        process = subprocess.Popen([sys.executable, '-P', '-m', 'sweeps.worker', run, order], stdout=log, stderr=log)
        try:
            return process.wait()
        finally:
            process.kill()


def _reach(address: str) -> None:
    """Raise ValueError where nothing answers at an address: Ray itself would try for minutes."""
    host, _, port = address.rpartition(':')
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise ValueError(
            f"no Ray at '{address}' ({error}); start it there (ray start --head --port={port}), or give the address of its head"
        ) from None


class RayLauncher(QueuedLauncher):
    """Ray's core tasks. Raises ValueError where Ray is not installed, not at the address, or of another version there."""

    Settings = RaySettings
    pause = 1.0

    def __init__(self, folder: Path, workers: int | None, settings: RaySettings):
        super().__init__(folder)
        if workers is not None:
            raise ValueError("--workers with launcher 'ray'; Ray runs as many as it has room for, by --cpus and --gpus")
        try:
            import ray
        except ImportError:
            raise ValueError(NEEDED) from None
        self.ray, self.tasks, self.codes = ray, {}, {}
        _reach(settings.address)
        os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')
        own = {**variables(on_cpu=not settings.gpus), **({} if settings.gpus else {'JAX_PLATFORMS': 'cpu'})}
        try:
            ray.init(
                address=settings.address,
                include_dashboard=False if settings.address == 'local' else None,
                log_to_driver=False,
                logging_level='error',
                runtime_env={'env_vars': own},
            )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            said = ' '.join(str(error).split())[:300]
            fix = f'start one there (ray start --head), of version {ray.__version__}; RAY_AUTH_MODE=token where it wants one'
            raise ValueError(f"no Ray to use at '{settings.address}': {said}; {fix}") from None
        self._check_room(settings)
        options = {'num_cpus': settings.cpus, 'num_gpus': settings.gpus, 'max_retries': RETRIES}
        self.task = ray.remote(carry_out).options(**options)

    def _check_room(self, settings: RaySettings) -> None:
        """Raise ValueError if no node has a worker's resources: its tasks would wait for ever."""
        nodes = [
            {kind: int(node['Resources'].get(kind, 0)) for kind in ('CPU', 'GPU')} for node in self.ray.nodes() if node['Alive']
        ]
        if not any(node['CPU'] >= settings.cpus and node['GPU'] >= settings.gpus for node in nodes):
            self.ray.shutdown()
            had = '; '.join(sorted({f'{node["CPU"]} CPUs and {node["GPU"]} GPUs' for node in nodes})) or 'nothing'
            raise ValueError(
                f"--gpus {settings.gpus}, cpus {settings.cpus} of a worker: no node at '{settings.address}' has so many, nodes "
                f'have {had}; ask for fewer, or start such a node (where nodes come on demand: keep one)'
            )

    def start(self, names: list[str]) -> None:
        for name in names:
            self.tasks[name] = self.task.remote(str(self.folder), name)

    def living(self) -> set[str]:
        done = set(self.ray.wait(list(self.tasks.values()), num_returns=len(self.tasks), timeout=0)[0]) if self.tasks else ()
        for name, task in list(self.tasks.items()):
            if task in done:
                del self.tasks[name]
                self.codes[name] = self._ending(task)
        return set(self.tasks)

    def _ending(self, task: object) -> int | str:
        """The exit status of a worker, or how Ray lost its task."""
        try:
            return self.ray.get(task)
        except self.ray.exceptions.RayError as error:
            return type(error).__name__

    def unseen(self, name: str) -> bool:
        return self.codes.get(name) == UNSEEN

    def ended(self, name: str) -> str:
        code = self.codes.get(name, 'no exit status known')
        if code == UNSEEN:
            return self.out_of_sight
        how = code if isinstance(code, str) else f'exit status {code}' if code >= 0 else f'signal {-code}'
        said = order_files.last_words(order_files.log(self.folder, name))
        return f'{how}; {said}' if said else how

    def end(self, names: set[str]) -> None:
        for name in names & self.tasks.keys():
            self.ray.cancel(self.tasks.pop(name))

    def close(self) -> None:
        self.ray.shutdown()
