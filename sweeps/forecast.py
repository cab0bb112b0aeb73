"""Forecast: the trials that a study still needs, and how long they may take."""

import dataclasses
import statistics
from collections.abc import Iterable, Mapping

from ablations.prepared_facts import giveaways_of
from ablations.study import Study
from ablations.trial import TEST, TUNING
from ablations.user_file import compiled
from results.budgets import step_flops
from results.resolution import Resolution, item_errors, resolutions
from results.store.reading import Reading
from sweeps.commands import metrics_of, programs_of, reaches_of
from sweeps.devices import on_device
from sweeps.machine import cores
from sweeps.pace import Pace, trained_seconds
from sweeps.progress import expected_trials
from sweeps.protocol.pack import Pack
from sweeps.protocol.packing import pack

FROM_RECORDS, FROM_EARLIER = 'from recorded runs', 'from earlier runs on this machine'
ROUGHLY = 'rough, from FLOPs'
HELD = (TUNING, TEST)
ENOUGH = 50
"""How many records of a task, evenly spaced, give the median of its seconds for a trial."""


def forecast(reading: Reading, device: str | None = None, devices: int = 1) -> dict:
    """A forecast as plain data: trials and packs that would run now, trials done and foreseen, tuning budgets by arm and task,
    seconds left and how many of them go into compiling, what each test split can resolve, what gives answers away, and before
    the first run the datasets that are not prepared; and for a named `device`, or several (sweeps/devices.py),
    the seconds left there and the memory of a trial.

    The estimate uses the recorded seconds of each task, else what earlier runs of the same programs took on this machine, else
    FLOPs, roughly. Costs are counted here if the manifest has none. Raises ValueError where the study's block file is no
    Python: it could not run.
    """
    study, schedule, records, manifest = reading.study, reading.schedule, reading.records, reading.manifest
    if study.blocks:
        try:
            compiled(study.blocks, study.blocks_hash)
        except ValueError as error:
            raise ValueError(f"blocks='{study.blocks}' {error}") from None
    costs = manifest.get('costs', {})
    if any(task.name not in costs.get(arm, {}) for arm in study.arms for task in study.tasks):
        costs = costs_of(study)
    left = work_left(reading, costs)
    budget = {}
    for (arm, name), row in schedule.budgets.items():
        budget.setdefault(arm, {})[name] = {
            **row,
            'flops': row['examples'] // study.task(name).batch * costs[arm][name]['flops'],
        }
    return {
        'trials': left.trials,
        'packs': len(left.packs),
        'done': sum(trial.id in records for trial in schedule.trials),
        'expected': left.expected,
        'estimated_seconds': round(left.seconds / cores(), 1),
        'compile_seconds': round(left.compile_seconds / cores(), 1),
        'estimate_from': left.source,
        'budget': budget,
        'absent': [] if records else absent(study),
        'declared': {} if records else declared(study),
        **({'on_device': on_device(reading, costs, device, devices)} if device else {}),
        'giveaways': giveaways_of([task.data for task in study.tasks]),
        'test_splits': [one.to_dict() for one in _resolutions(reading)],
    }


@dataclasses.dataclass(frozen=True)
class Left:
    """What a study still needs: packs and trials that would run now, trials `expected` in all, and seconds of one worker.

    `compile_seconds` are a part of `seconds`; `of_trial` are the seconds of one trial by task; `source` says whence they come.
    """

    packs: list[Pack]
    trials: int
    expected: int
    seconds: float
    compile_seconds: float
    of_trial: dict[str, float]
    source: str


def work_left(reading: Reading, costs: Mapping) -> Left:
    """The remaining work of a study, by its records, this machine's earlier runs or FLOPs. No jax."""
    study, schedule, records, manifest = reading.study, reading.schedule, reading.records, reading.manifest
    wanted = [trial for trial in schedule.trials if trial.id not in records]
    packs = [p for p in pack(study, schedule.trials, manifest) if any(trial.id not in records for trial in p.trials)]
    pace, all_programs = Pace.here(manifest.get('platform')), programs_of(study)
    started = {(trial.arm, trial.task, trial.program.optimizer) for trial in schedule.trials if trial.id in records}
    # Tasks of the same data share what is compiled.
    programs = {one.signature: one for one in all_programs}
    compiled = {one.signature for one in all_programs if (one.arm, one.task, one.optimizer) in started}
    seconds, source, ids = {}, FROM_RECORDS, {task.name: [] for task in study.tasks}
    for trial in schedule.trials:
        ids[trial.task].append(trial.id)
    for task in study.tasks:
        known = median_seconds(ids[task.name], records)
        if known is None:
            own = [program for program in all_programs if program.task == task.name]
            source = ROUGHLY if source == ROUGHLY or not all(map(pace.measured, own)) else FROM_EARLIER
            known = statistics.mean(pace.trial_seconds(one, step_flops(costs, one.arm, one.task)) for one in own)
        seconds[task.name] = known
    foreseen = expected_trials(study, schedule)
    later = (foreseen - len(schedule.trials)) * statistics.mean(seconds.values())
    compiling = sum(pace.compile_seconds(one) for signature, one in programs.items() if signature not in compiled)
    total = sum(seconds[trial.task] for trial in wanted) + later + compiling
    return Left(packs, len(wanted), foreseen, total, compiling, seconds, source)


def median_seconds(trials: Iterable[str], records: Mapping[str, dict]) -> float | None:
    """The middle of the recorded seconds of some of these trials, by id, evenly spaced; None where none has any above 0.

    Those of compiling do not count.
    """
    ran = [records[trial] for trial in trials if trial in records]
    measured = [seconds for one in ran[:: len(ran) // ENOUGH + 1] if (seconds := trained_seconds(one)) is not None]
    return statistics.median(measured) if measured else None


def seconds_by_phase(reading: Reading) -> dict[str, tuple[float, float]]:
    """Seconds of a run in tuning and in confirmation, by task; where one is not recorded the other stands for it.

    Tasks without recorded seconds are left out.
    """
    known = {}
    for task in reading.study.tasks:
        trials = [trial for trial in reading.schedule.trials if trial.task == task.name and not trial.until]
        tuning, confirmation = (median_seconds((t.id for t in trials if t.held == held), reading.records) for held in HELD)
        if (tuning, confirmation) != (None, None):
            known[task.name] = confirmation if tuning is None else tuning, tuning if confirmation is None else confirmation
    return known


def _resolutions(reading: Reading) -> list[Resolution]:
    """What test splits can resolve: from records where there are any, else by the declared sizes (this loads jax)."""
    study, sizes = reading.study, reading.manifest.get('test_sizes', {})
    if not reading.records:
        sizes = test_sizes(study)
    errors = {task.name: item_errors(reading, task) for task in study.tasks}
    measured = {name: max(own) for name, own in errors.items() if own}
    return resolutions(study, reading.records, reading.manifest, sizes, measured)


def test_sizes(study: Study) -> dict[str, int | None]:
    """How many test examples each task has, at most, if that is known without reading them (this loads jax)."""
    from sweeps.training.preflight import task_of

    return {task.name: task_of(task.data).test_size() for task in study.tasks}


def declared(study: Study) -> dict[str, list[int]]:
    """The shape of an example by task, of sets that are not prepared yet and are brought to a size then (this loads jax)."""
    from sweeps.datasets import catalog
    from sweeps.training.preflight import task_of

    shapes = {}
    for task in study.tasks:
        names = task_of(task.data).absent()
        if len(names) == 1 and (known := catalog.DATASETS.get(names[0])) and known.reader.get('size'):
            shapes[task.name] = list(known.shape)
    return shapes


def absent(study: Study) -> list[str]:
    """The datasets of the study that are not prepared (this loads jax)."""
    from sweeps.training.preflight import task_of

    return list(dict.fromkeys(name for task in study.tasks for name in task_of(task.data).absent()))


def costs_of(study: Study) -> dict:
    """The cost of each arm on each task, counted now (this loads jax)."""
    from sweeps.training.preflight import preflight

    return preflight(programs_of(study), reaches_of(study), metrics_of(study), study.blocks)
