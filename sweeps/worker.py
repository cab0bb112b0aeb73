"""Worker: a process that trains packs and commits their records. Reads commands as JSON lines, answers the same way.

`{"appraise": {...}}` counts costs and names the platform; `{"pack": {...}}` trains one pack. It ends when its input does,
so a worker whose launcher has died finishes and commits its pack and goes.
"""

import json
import os
import sys
import traceback
from pathlib import Path

import jax
import numpy as np

from ablations.trial import TEST, Program, Trial
from arch.published.importing import save_weights
from results.records import commit
from sweeps.appraise import appraise, model_of, task_of
from sweeps.checkpoints import Checkpoints
from sweeps.datasets.prepared import find
from sweeps.environment import environment
from sweeps.keeping import Keeping
from sweeps.pack import Pack
from sweeps.population import Population, strategy_for
from sweeps.record import failed, finished, lines
from sweeps.splits import Split, confirmation_split, tuning_split
from sweeps.stream import device_memory
from sweeps.tasks.arrays import Arrays
from sweeps.trial import batch_order, make_training


def _cost(program: Program, flops: float | None, seconds: float) -> dict:
    return {
        'steps': program.steps,
        'examples': program.steps * program.batch,
        'flops': None if flops is None else flops * program.steps,
        'seconds': round(seconds, 4),
        'peak_memory': _peak_memory(),
    }


def _peak_memory() -> int | None:
    """Bytes: the device's peak where it tells, else the process's largest resident size."""
    stats = jax.local_devices()[0].memory_stats()
    if stats and 'peak_bytes_in_use' in stats:
        return int(stats['peak_bytes_in_use'])
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Worker:
    """Trains packs; keeps programs compiled and data loaded between them."""

    def __init__(self, strategy: str, blocks: str | None):
        self.strategy, self.blocks = strategy, blocks
        self.populations: dict[str, Population] = {}
        self.arrays: dict[tuple[str, str], Arrays] = {}
        self.placed: dict[str, dict] = {}

    def _arrays(self, data: dict, part: str) -> Arrays:
        """The `pool` or the sealed `test` examples of a data spec, loaded once. Tuning asks for the pool only."""
        key = (json.dumps(data, sort_keys=True), part)
        if key not in self.arrays:
            self.arrays[key] = getattr(task_of(data), part)()
        return self.arrays[key]

    def _split(self, trial: Trial) -> Split:
        data = trial.program.data
        task, pool = task_of(data), self._arrays(data, 'pool')
        if trial.held == TEST:
            return confirmation_split(task, trial.task, trial.replicate, pool, self._arrays(data, 'test'))
        return tuning_split(task, trial.task, trial.replicate, pool)

    def _source(self, data: dict) -> tuple[dict, bool]:
        """The pool of a data spec, {x, y}: on the device, put there once, or where it does not fit on the host (True)."""
        pool, key = self._arrays(data, 'pool'), json.dumps(data, sort_keys=True)
        source = {'x': pool.x, 'y': pool.y}
        if pool.x.nbytes + pool.y.nbytes > device_memory():
            return source, True
        if key not in self.placed:
            self.placed[key] = jax.device_put(source)
        return self.placed[key], False

    def population(self, program: Program) -> Population:
        """The compiled program, made on first use."""
        if program.id not in self.populations:
            model, task = model_of(program, self.blocks), task_of(program.data)
            streamed = self._source(program.data)[1]
            training = make_training(
                model, task, program.optimizer, program.steps, program.batch, program.evaluations, streamed
            )
            self.populations[program.id] = Population(training, self.strategy, streamed=streamed)
        return self.populations[program.id]

    def train(
        self, pack: Pack, flops: float | None = None, checkpoints: Checkpoints | None = None, weights: Path | None = None
    ) -> list[dict]:
        """Train a pack; the record of every trial of it. `weights` is a folder for what confirmed models have learned."""
        splits = {trial.replicate: self._split(trial) for trial in pack.trials}
        program = pack.program
        lanes = [
            {
                'seed': np.uint32(trial.seed),
                'order': batch_order(trial.seed, splits[trial.replicate].train, program.steps, program.batch),
                'knobs': {name: np.float32(value) for name, value in trial.knobs},
            }
            for trial in pack.trials
        ]
        held = splits[pack.trials[0].replicate].held
        scored, task = {'x': held.x, 'y': held.y}, task_of(program.data)
        if task.domain_names:
            scored['domain'] = task.domains(held).astype(np.int32)
        scored = jax.device_put(scored)

        def finish(lane: int, params: dict, state: dict) -> None:
            save_weights(weights / f'{pack.trials[lane].id}.safetensors', params, state)

        keeps = finish if weights is not None and pack.held == TEST else None
        results = self.population(program).run(lanes, self._source(program.data)[0], scored, checkpoints, keeps)
        return [
            finished(trial, result, held, _cost(program, flops, seconds), environment(), task.domain_names)
            for trial, (result, seconds) in zip(pack.trials, results, strict=True)
        ]


def serve(commands, answers) -> None:
    """Answer commands until they end."""
    worker = None
    for line in commands:
        command = json.loads(line)
        try:
            if 'appraise' in command:
                answer = _appraise(command)
            else:
                worker = worker or Worker(command['strategy'], command['blocks'])
                answer = _train(command, worker)
        except ValueError as error:
            answer = {'invalid': str(error)}
        except Exception as error:
            traceback.print_exc()
            answer = {'broken': f'{type(error).__name__}: {error}'.splitlines()[0]}
        answers.write(json.dumps(answer) + '\n')
        answers.flush()


def _appraise(command: dict) -> dict:
    programs = [Program(**program) for program in command['appraise']]
    costs = appraise(programs, command['knobs'], command['metrics'], command['blocks'])
    # Costs can be counted without data, a run cannot do without: it is told here what to prepare, not by every pack.
    for program in programs:
        for name in task_of(program.data).absent():
            find(name)
    platform = jax.default_backend()
    about = {'platform': platform, 'strategy': strategy_for(platform), 'devices': jax.local_device_count()}
    return {'costs': costs, **about}


def _train(command: dict, worker: Worker) -> dict:
    pack = Pack.from_dict(command['pack'])
    folder, reason = Path(command['folder']), ''
    about = [pack.id, environment(), command['strategy'], command.get('weights', False)]
    checkpoints = Checkpoints(folder, pack.id, about, **command.get('checkpoints', {}))
    try:
        records = worker.train(pack, command['flops'], checkpoints, folder / Keeping.FOLDER if command.get('weights') else None)
    except Exception as error:
        traceback.print_exc()
        reason = f'{type(error).__name__}: {error}'.splitlines()[0][:300]
        records = failed(pack, reason)
    for note in checkpoints.notes:
        print(note, file=sys.stderr)
    population = worker.populations.get(pack.program.id)
    splits = population.splits if population else 0
    lanes = {'strategy': command['strategy'], 'lanes': len(pack.trials), 'splits': splits}
    commit(folder, command['name'], lines(records, pack, command['skip'], lanes))
    checkpoints.clear()
    return {'pack': pack.id, 'reason': reason}


def main() -> None:
    """Serve on standard input; what libraries print goes to standard error, answers to the original standard output."""
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    serve(sys.stdin, answers)


if __name__ == '__main__':
    main()
