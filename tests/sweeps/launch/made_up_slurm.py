"""Commands that answer as Slurm's do: a queue in a folder, whose tasks run where the test says so."""

import json
import os
import subprocess
import sys
from pathlib import Path

COMMAND = """#!{python}
import sys
sys.path.insert(0, {here!r})
from made_up_slurm import answer
sys.exit(answer({name!r}, {folder!r}, sys.argv[1:]))
"""
WORKER = """#!{python}
import sys
sys.path.insert(0, {here!r})
from made_up_slurm import work
sys.exit(work(*sys.argv[-2:]))
"""


class MadeUpSlurm:
    """sbatch, squeue, scontrol and scancel in a folder that is first on the path, and a worker that only answers."""

    def __init__(self, folder: Path):
        self.folder, self.bin = folder, folder / 'bin'
        self.bin.mkdir(parents=True)
        for name in ('sbatch', 'squeue', 'scontrol', 'scancel', 'sinfo'):
            self._script(
                self.bin / name,
                COMMAND.format(python=sys.executable, here=str(Path(__file__).parent), name=name, folder=str(folder)),
            )
        self.worker = self.bin / 'python'
        self._script(self.worker, WORKER.format(python=sys.executable, here=str(Path(__file__).parent)))
        self.write({})

    def _script(self, path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    @property
    def path(self) -> str:
        return f'{self.bin}{os.pathsep}{os.environ["PATH"]}'

    def read(self) -> dict:
        """{task id: {name, script, options, state, code}}"""
        return json.loads((self.folder / 'queue.json').read_text())

    def write(self, queue: dict) -> None:
        (self.folder / 'queue.json').write_text(json.dumps(queue))

    def run(self, task: str) -> None:
        """Run a task as a node would."""
        queue = self.read()
        environment = {**os.environ, 'SLURM_ARRAY_TASK_ID': task.split('_')[1]}
        code = subprocess.run(['bash', queue[task]['script']], env=environment, check=False).returncode
        state = 'COMPLETED' if code == 0 else 'FAILED'
        queue[task] |= {'state': state, 'code': f'0:{-code}' if code < 0 else f'{code}:0'}
        self.write(queue)

    def run_all(self) -> None:
        for task, about in self.read().items():
            if about['state'] == 'PENDING':
                self.run(task)

    def hold(self, task: str, reason: str) -> None:
        """A task waits for a reason."""
        queue = self.read()
        queue[task] |= {'reason': reason}
        self.write(queue)

    def end(self, task: str, state: str) -> None:
        """A task leaves the queue in a state such as CANCELLED."""
        queue = self.read()
        queue[task] |= {'state': state, 'code': '0:15'}
        self.write(queue)


def answer(name: str, folder: str, given: list[str]) -> int:
    """What a command of Slurm says; gives its exit status."""
    slurm = object.__new__(MadeUpSlurm)
    slurm.folder = Path(folder)
    queue = slurm.read()
    options = dict(one.removeprefix('--').partition('=')[::2] for one in given)
    if (slurm.folder / 'down').exists():
        print('slurm_load_jobs error: Unable to contact slurm controller', file=sys.stderr)
        return 1
    if name == 'sbatch':
        if options.get('partition') == 'nix':
            print('sbatch: error: invalid partition specified: nix', file=sys.stderr)
            return 1
        if int(options.get('gpus-per-task', 0)) > 9:
            print('sbatch: error: Invalid generic resource (gres) specification', file=sys.stderr)
            return 1
        job = str(1 + max((int(task.split('_')[0]) for task in queue), default=0))
        first, last = map(int, options['array'].split('%')[0].split('-'))
        for task in range(first, last + 1):
            queue[f'{job}_{task}'] = {
                'name': options['job-name'],
                'script': given[-1],
                'options': given,
                'state': 'PENDING',
                'code': '0:0',
            }
        slurm.write(queue)
        print(job)
    if name == 'squeue':
        for task, about in queue.items():
            if about['state'] in ('PENDING', 'RUNNING'):
                print(f'{task.split("_")[1]}|{about["name"]}|{about["state"]}|{about.get("reason", "None")}')
    if name == 'scancel':
        slurm.end(given[0], 'CANCELLED')
    if name == 'sinfo':
        print('main*|30:00|1-00:00:00\ngpu|n/a|2:00:00' if '%L' in options['format'] else 'main\ngpu')
    if name == 'scontrol' and given[:2] == ['show', 'config']:
        print('MaxArraySize            = 4')
    elif name == 'scontrol' and given[0] == 'release':
        queue[given[1]] |= {'reason': 'None', 'releases': queue[given[1]].get('releases', 0) + 1}
        slurm.write(queue)
    elif name == 'scontrol':
        if given[-1] not in queue:
            return 1
        print(f'JobId=1 JobState={queue[given[-1]]["state"]} ExitCode={queue[given[-1]]["code"]} TimeLimit=00:01:00')
    return 0


def work(run: str, order: str) -> int:
    """What a worker does with an order, as far as a launcher sees it: it says something, and answers or does not."""
    place = Path(run) / 'orders'
    command = json.loads((place / f'{order}.json').read_text())
    print(f'the worker of {order} says this', flush=True)
    if command.get('do') == 'die':
        return 7
    (place / f'{order}.answer').write_text(json.dumps(command.get('answer', {'platform': 'cpu'})))
    return 0
