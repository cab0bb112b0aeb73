"""Rerun: one trial trained again, beside its record."""

import os
from pathlib import Path

from results.store.reading import Reading
from sweeps import manifest as manifests
from sweeps.launch.compilation_cache import overlook_cut_programs
from sweeps.launch.worker_environment import worker_environment
from sweeps.protocol.pack import Pack


def rerun(reading: Reading, trial_id: str, weights: Path | None = None) -> dict:
    """Train one planned trial alone; {'now': record, 'recorded': record or None, 'same_numbers'}. Records nothing.

    `weights` is a folder for the parameters of a confirmed model. A trial that is scored on test data counts as a read of these
    data. Raises ValueError on a trial that the study does not plan.
    """
    trials = {trial.id: trial for trial in reading.schedule.trials}
    if trial_id not in trials:
        raise ValueError(
            f"study '{reading.study.name}' plans no trial '{trial_id}' with these settings; its id stands in its record"
        )
    trial = trials[trial_id]
    dataset = trial.program.dataset
    if trial.held == 'test' and reading.folder.exists():
        reads = manifests.load(reading.folder)['test_reads']
        manifests.update(reading.folder, test_reads={**reads, dataset: reads.get(dataset, 0) + 1})
    # The same threads and flags as a worker's, set before jax starts: on the same machine the numbers are then the same bits.
    os.environ.update(worker_environment(None))
    from sweeps.training.settings_of_jax import own_settings
    from sweeps.training.trainer import Trainer

    own_settings()
    overlook_cut_programs()
    record = Trainer('loop', reading.study.blocks).train(Pack((trial,)), weights=weights)[0]
    recorded = reading.records.whole(trial_id) if trial_id in reading.records else None
    same = None if recorded is None else record['curve'] == recorded.get('curve')
    return {'now': record, 'recorded': recorded, 'same_numbers': same}
