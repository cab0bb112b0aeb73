"""Trainer: trains packs, and keeps programs compiled and data loaded between them."""

import json
from pathlib import Path

import jax
import numpy as np

from ablations.batches import TUNED
from ablations.trial import TEST, Program, Trial
from arch.published.importing import save_weights
from sweeps.metrics.measure import Scored
from sweeps.protocol.pack import Pack
from sweeps.tasks.arrays import Arrays
from sweeps.tasks.kind import Kind
from sweeps.tasks.task_declaration import check_declared
from sweeps.training.causality import in_float32, trained_leak, wants_check
from sweeps.training.checkpoints import Checkpoints
from sweeps.training.device import device_memory, peak_memory
from sweeps.training.environment import environment
from sweeps.training.faults import of_model
from sweeps.training.layout import everywhere
from sweeps.training.loop import make_training
from sweeps.training.pauses import Pauses
from sweeps.training.population import Population
from sweeps.training.preflight import model_of, task_of
from sweeps.training.record import finished
from sweeps.training.splits import Split, confirmation_split, training_order, tuning_split


def _cost(trial: Trial, flops: float | None, seconds: float) -> dict:
    return {
        'steps': trial.steps,
        'examples': trial.steps * trial.program.batch,
        'flops': None if flops is None else flops * trial.steps,
        'seconds': round(seconds, 4),
        'peak_memory': peak_memory(),
    }


def _scored(task: Kind, held: Arrays) -> dict:
    """The arrays that a trial is scored on, as an evaluation takes them."""
    domains = {'domain': task.domains(held).astype(np.int32)} if task.domain_names else {}
    return {'x': held.x, 'y': held.y, **domains}


class Trainer:
    """Trains packs; keeps programs compiled and data loaded between them."""

    def __init__(self, strategy: str, blocks: str | None):
        self.strategy, self.blocks = strategy, blocks
        self.devices = jax.devices() if strategy == 'vmap' else jax.devices()[:1]
        self.populations: dict[str, Population] = {}
        self.arrays: dict[tuple[str, str], Arrays] = {}
        self.placed: dict[str, dict] = {}
        self.largest: dict[tuple[str, str], int] = {}

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

    def _check_labels(self, program: Program, sealed: bool) -> None:
        """Raise ValueError for a label that the model has no output for: its loss would not be finite, whatever it learns."""
        outputs, data = program.model['head'].get('outputs'), json.dumps(program.data, sort_keys=True)
        for part in ('pool', 'test') if sealed else ('pool',):
            if (data, part) not in self.largest:
                y = self._arrays(program.data, part).y
                self.largest[data, part] = int(y.max()) if np.issubdtype(y.dtype, np.integer) and y.size else -1
            if outputs is not None and self.largest[data, part] >= outputs:
                largest = self.largest[data, part]
                raise ValueError(
                    f"arm '{program.arm}' on task '{program.task}': the {part} has label {largest} and 'head.outputs' is "
                    f"{outputs}; put('head.outputs', {largest + 1})"
                )

    def _source(self, data: dict) -> tuple[dict, bool]:
        """The pool of a data spec, {x, y}, and whether it is streamed: on the device if it fits, else on the host."""
        pool, key = self._arrays(data, 'pool'), json.dumps(data, sort_keys=True)
        source = {'x': pool.x, 'y': pool.y}
        if pool.x.nbytes + pool.y.nbytes > device_memory():
            return source, True
        if key not in self.placed:
            self.placed[key] = everywhere(source, self.devices)
        return self.placed[key], False

    def population(self, program: Program) -> Population:
        """The compiled program, made on first use by any program of this signature."""
        if program.signature not in self.populations:
            model, task = model_of(program, self.blocks), task_of(program.data)
            streamed = self._source(program.data)[1]
            sizes, chunked = (program.steps, program.batch, program.evaluations), self.strategy == 'vmap'
            training = make_training(model, task, program.optimizer, *sizes, streamed, chunked)
            population = Population(training, self.strategy, streamed=streamed, devices=self.devices)
            self.populations[program.signature] = population
        return self.populations[program.signature]

    def train(
        self,
        pack: Pack,
        flops: float | None = None,
        checkpoints: Checkpoints | None = None,
        weights: Path | None = None,
        pauses: Pauses | None = None,
    ) -> list[dict]:
        """Train a pack; gives the records of its trials. `weights` is a folder for the parameters of confirmed models.

        `pauses` hold the states of runs that were stopped before, and get those of the pack's, if these are to stop.
        Raises ModelFault if a model breaks, JaxRuntimeError if the device refuses it. Anything else that is raised, such as a
        ValueError for data or a disk, is no fault of the pack's.
        """
        program = pack.program
        check_declared(program)
        splits = {trial.replicate: self._split(trial) for trial in pack.trials}
        self._check_labels(program, pack.held == TEST)
        task, pool = task_of(program.data), self._arrays(program.data, 'pool')
        sizes = program.steps, program.batch
        lanes = [
            {
                'seed': np.uint32(trial.seed),
                'order': training_order(task, splits[trial.replicate], trial.seed, *sizes, dict(trial.knobs)),
                'knobs': {name: np.float32(value) for name, value in trial.knobs if name != TUNED},
            }
            for trial in pack.trials
        ]
        sets = {replicate: _scored(task, split.held) for replicate, split in splits.items()}
        if pack.held == TEST or len(sets) == 1:
            scored = next(iter(sets.values()))
        else:
            scored = jax.tree.map(lambda *own: np.stack(own), *sets.values())
            for lane, trial in zip(lanes, pack.trials, strict=True):
                lane['fold'] = np.int32(list(sets).index(trial.replicate))
        scored = everywhere(scored, self.devices)

        def finish(lane: int, params: dict, state: dict, told: list[str | None]) -> str | None:
            trial = pack.trials[lane]
            if weights is not None and jax.process_index() == 0:
                save_weights(weights / f'{trial.id}.safetensors', params, state)
            if not wants_check(trial) or any(leak is not None for leak in told):
                return None
            model = in_float32(program, self.blocks)
            with of_model():
                return trained_leak(model, task, pool, params, state, dict(trial.knobs))

        def measured(lane: int, statistics: np.ndarray, last: bool) -> Scored:
            return measure.scored(statistics, splits[pack.trials[lane].replicate].held.group, resampled=last)

        measure, on_end = task.measure, finish if pack.held == TEST else None
        source = self._source(program.data)[0]
        scorer, until = measured if measure else None, pack.trials[0].until
        results = self.population(program).run(lanes, source, scored, checkpoints, on_end, scorer, pauses, until)
        made = []
        for trial, (result, seconds) in zip(pack.trials, results, strict=True):
            held, cost = splits[trial.replicate].held, _cost(trial, flops, seconds)
            turns = task.turns(program.steps, dict(trial.knobs))
            record = finished(trial, result, held, cost, environment(), task.domain_names, turns)
            made.append(record if result['told'] is None else {**record, 'leak': result['told']})
        return made
