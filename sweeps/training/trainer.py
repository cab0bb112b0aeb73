"""Trainer: trains packs, and keeps programs compiled and data loaded between them."""

import json
from pathlib import Path

import jax
import numpy as np

from ablations.trial import TEST, Program, Trial
from arch.published.importing import save_weights
from sweeps.protocol.pack import Pack
from sweeps.tasks.arrays import Arrays
from sweeps.training.causality import in_float32, trained_leak, wants_check
from sweeps.training.checkpoints import Checkpoints
from sweeps.training.environment import environment
from sweeps.training.faults import of_model
from sweeps.training.loop import batch_order, make_training
from sweeps.training.population import Population
from sweeps.training.preflight import model_of, task_of
from sweeps.training.record import finished
from sweeps.training.splits import Split, confirmation_split, tuning_split
from sweeps.training.stream import device_memory


def _cost(program: Program, flops: float | None, seconds: float) -> dict:
    return {
        'steps': program.steps,
        'examples': program.steps * program.batch,
        'flops': None if flops is None else flops * program.steps,
        'seconds': round(seconds, 4),
        'peak_memory': _peak_memory(),
    }


def _peak_memory() -> int | None:
    """Peak memory in bytes: the device's if it reports that, else the process's largest resident size."""
    stats = jax.local_devices()[0].memory_stats()
    if stats and 'peak_bytes_in_use' in stats:
        return int(stats['peak_bytes_in_use'])
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Trainer:
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
            return confirmation_split(task, trial.program.study, trial.task, trial.replicate, pool, self._arrays(data, 'test'))
        return tuning_split(task, trial.program.study, trial.task, trial.replicate, pool)

    def _source(self, data: dict) -> tuple[dict, bool]:
        """The pool of a data spec, {x, y}, and whether it is streamed: on the device if it fits, else on the host."""
        pool, key = self._arrays(data, 'pool'), json.dumps(data, sort_keys=True)
        source = {'x': pool.x, 'y': pool.y}
        if pool.x.nbytes + pool.y.nbytes > device_memory():
            return source, True
        if key not in self.placed:
            self.placed[key] = jax.device_put(source)
        return self.placed[key], False

    def population(self, program: Program) -> Population:
        """The compiled program, made on first use by any program of this signature."""
        if program.signature not in self.populations:
            model, task = model_of(program, self.blocks), task_of(program.data)
            streamed = self._source(program.data)[1]
            training = make_training(
                model, task, program.optimizer, program.steps, program.batch, program.evaluations, streamed
            )
            self.populations[program.signature] = Population(training, self.strategy, streamed=streamed)
        return self.populations[program.signature]

    def train(
        self, pack: Pack, flops: float | None = None, checkpoints: Checkpoints | None = None, weights: Path | None = None
    ) -> list[dict]:
        """Train a pack; gives the records of its trials. `weights` is a folder for the parameters of confirmed models.

        Raises ModelFault where a model breaks, JaxRuntimeError where the device refuses it. Anything else that is raised, such
        as a ValueError for data or a disk, is no fault of the pack's.
        """
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

        def finish(lane: int, params: dict, state: dict, told: list[str | None]) -> str | None:
            trial = pack.trials[lane]
            if weights is not None:
                save_weights(weights / f'{trial.id}.safetensors', params, state)
            if not wants_check(trial) or any(leak is not None for leak in told):
                return None
            model, pool = in_float32(program, self.blocks), self._arrays(program.data, 'pool')
            with of_model():
                return trained_leak(model, task, pool, params, state, dict(trial.knobs))

        on_end = finish if pack.held == TEST else None
        results = self.population(program).run(lanes, self._source(program.data)[0], scored, checkpoints, on_end)
        return [
            finished(trial, result, held, _cost(program, flops, seconds), environment(), task.domain_names)
            | ({} if result['told'] is None else {'leak': result['told']})
            for trial, (result, seconds) in zip(pack.trials, results, strict=True)
        ]
