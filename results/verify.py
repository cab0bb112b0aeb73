"""Verify: the checklist of an honest comparison, rule by rule."""

import collections
import dataclasses
from collections.abc import Mapping, Sequence

from ablations.study import Study
from ablations.trial import TEST, TUNING, Schedule, Trial
from results.barren import barren, still, stood
from results.budgets import equalities
from results.doubts import doubts
from results.looks import looks_of
from results.protocol import FEW_REPLICATES, NOW, PROTOCOLS, started_under
from results.side import flags_of
from results.stops import stops_in_words
from results.store.reading import Reading

SIZE_WARNING = 0.05


@dataclasses.dataclass(frozen=True)
class Check:
    """One rule: whether it holds, and why (what was counted, and the fix where it does not)."""

    rule: str
    holds: bool
    why: str
    tried: bool = True
    """Whether the records say anything about it; records from before the rule do not."""

    def to_dict(self) -> dict:
        return {name: getattr(self, name) for name in ('rule', 'holds', 'why')}


def verify(reading: Reading) -> list[Check]:
    """The checklist over the records of a reading, and over its files that could not be used."""
    study, schedule, manifest = reading.study, reading.schedule, reading.manifest
    planned = {trial.id: trial for trial in schedule.trials}
    recorded = {key: record for key, record in reading.records.items() if key in planned}
    return [
        _sound(reading.skipped, planned, recorded),
        _recorded_once(reading.doubled),
        _complete(schedule, recorded),
        _own_recipe(study, manifest.get('costs', {})),
        _equal_budgets(study, schedule, recorded, manifest.get('costs', {})),
        _datasets(study),
        _noise(study),
        _fresh_seeds(study, planned),
        _sealed(study, recorded, manifest),
        _one_protocol(started_under(manifest, reading.records, recorded)),
        _one_source(recorded),
        *_flags(recorded),
        _one_data(recorded),
        _looks(study, manifest),
        _edges(study, schedule),
        _sizes(study, manifest),
        *_giveaways(manifest),
        _no_leak(recorded),
        _diverged(recorded),
        *_stopped(study, schedule),
        *_barren(recorded),
        *_nothing_moved(recorded),
        _doubts(reading),
    ]


def _sound(skipped: Sequence[str], planned: Mapping[str, Trial], recorded: Mapping[str, dict]) -> Check:
    foreign = [key for key, record in recorded.items() if not _is_of(record, planned[key])]
    wrong = [*skipped]
    if foreign:
        named = ', '.join(foreign[:3]) + (', ...' if len(foreign) > 3 else '')
        wrong.append(f'{len(foreign)} records are not of the trial that their id names ({named}); take them out of the folder')
    return Check('every records file is sound', not wrong, '; '.join(wrong) or 'all files match their checks')


def _is_of(record: Mapping, trial: Trial) -> bool:
    program = trial.program
    own = {'seed': trial.seed, 'replicate': trial.replicate, 'held': trial.held, 'knobs': dict(trial.knobs)}
    own |= {'arm': program.arm, 'task': program.task, 'optimizer': program.optimizer}
    return all(record[name] == value for name, value in own.items() if name in record)


def _recorded_once(doubled: Sequence[str]) -> Check:
    rule = 'every trial is recorded once'
    if doubled:
        named = ', '.join(doubled[:3]) + (', ...' if len(doubled) > 3 else '')
        return Check(rule, False, f'{len(doubled)} trials have two records ({named}); the first that was written counts')
    return Check(rule, True, 'no trial has two records that did not fail')


def _complete(schedule: Schedule, recorded: Mapping[str, dict]) -> Check:
    failed = sum(record['status'] == 'failed' for record in recorded.values())
    missing = len(schedule.trials) - len(recorded)
    why = f'{len(recorded)} of {len(schedule.trials)} planned trials are recorded, {failed} failed'
    holds = schedule.complete and not failed and not missing
    return Check('the study is complete', holds, why if holds else f'{why}; run it again (--retry-failed for failed ones)')


def _own_recipe(study: Study, costs: Mapping) -> Check:
    rule = 'every arm has its own recipe'
    lacking = [optimizer for optimizer, space in study.tune.items() if not {'lr', 'weight_decay'} <= set(space)]
    tuned = sorted({name for space in study.tune.values() for name in space})
    if study.recipe == 'same':
        return Check(rule, False, f"only '{study.base}' is tuned, and every arm runs at its recipe; set recipe='own'")
    why = f'{", ".join(tuned)} of {", ".join(study.tune)} are tuned for every arm on its own'
    why += ''.join(f'; {arm} with {" and ".join(study.optimizers_of(arm))}' for arm in study.arms if study.optimizers)
    why += ''.join(f'; {arm} alone tunes {", ".join(space)}' for arm, space in study.own.items())
    for arm, by_task in costs.items():
        why += _unread(arm, tuned, by_task) if arm in study.arms else ''
    if lacking:
        why = f'{", ".join(lacking)} lacks a range for learning rate or weight decay; add it to tune'
    return Check(rule, not lacking, why)


def _unread(arm: str, tuned: list[str], by_task: Mapping[str, Mapping]) -> str:
    """The tuned values that an arm does not read, with the tasks if it reads others there."""
    places: dict[str, list[str]] = {}
    for name in tuned:
        tasks = [task for task, cost in by_task.items() if name in cost.get('unread', ())]
        if tasks:
            places.setdefault('' if len(tasks) == len(by_task) else f' on {", ".join(tasks)}', []).append(name)
    return ''.join(f'; {arm} does not read {", ".join(names)}{place}' for place, names in places.items())


def _equal_budgets(study: Study, schedule: Schedule, records: Mapping[str, dict], costs: Mapping) -> Check:
    rule = 'every arm has the same budget'
    if study.recipe == 'same':
        return Check(rule, False, f"only '{study.base}' is tuned, the other arms have no tuning budget; set recipe='own'")
    judged = equalities(study, schedule, records, costs)
    unequal = [f'{one.task}, {one.phase}: {said}' for one in judged for said in one.unequal.values()]
    if unequal:
        return Check(rule, False, f'unequal in a replicate: {"; ".join(unequal)}')
    unknown = sorted({f'{one.task}: {one.why}' for one in judged if one.unknown})
    if unknown:
        return Check(rule, False, f'cannot be said: {"; ".join(unknown)}; run the study again, which counts costs first')
    first = (schedule.asked.get(('tune', study.base, task.name, 0), ()) for task in study.tasks)
    trials = ', '.join(map(str, sorted({len(tuned) for tuned in first})))
    why = f'tuning trials per replicate, arm and task: {trials}'
    why += f', the first {study.screening} of each optimizer, the rest of the better one' if study.screening else ''
    return Check(rule, True, f'{why}; their FLOPs match the base' if study.budget == 'compute' else why)


def _datasets(study: Study) -> Check:
    names = sorted({task.dataset for task in study.tasks})
    fix = '' if len(names) > 1 else '; a claim needs two or more: add a task on another dataset'
    return Check('more than one dataset', len(names) > 1, f'{len(names)}: {", ".join(names)}{fix}')


def _noise(study: Study) -> Check:
    holds = study.replicates >= FEW_REPLICATES
    more = f' ({study.base_factor} times as many of the base)' if study.base_factor > 1 else ''
    why = f'{study.replicates} independent tunings of every arm{more}, {study.seeds} confirmation seeds each'
    return Check('noise is measured', holds, why if holds else f'{why}; {FEW_REPLICATES} are the least, 5 the default')


def _fresh_seeds(study: Study, planned: Mapping) -> Check:
    tuning = {trial.seed for trial in planned.values() if trial.held == TUNING}
    by_replicate: dict[tuple, set] = {}
    for trial in planned.values():
        if trial.held == TEST:
            by_replicate.setdefault((trial.task, trial.replicate), set()).add(trial.seed)
    seeds = [seed for own in by_replicate.values() for seed in own]
    holds = len(seeds) == len(set(seeds)) and not tuning & set(seeds)
    why = f'{len(seeds)} confirmation seeds, none shared between replicates or with {len(tuning)} tuning seeds'
    return Check('confirmation seeds are fresh', holds, why if holds else 'a seed is used twice; rename the study')


def _sealed(study: Study, recorded: Mapping[str, dict], manifest: Mapping) -> Check:
    wrong = [r['id'] for r in recorded.values() if (r['held'] == TEST) != (r.get('phase', '') in ('confirm', 'share'))]
    reads = manifest.get('test_reads', {})
    counted = ', '.join(f'{name} {count}' for name, count in sorted(reads.items())) or 'none yet'
    datasets = {task.name: task.dataset for task in study.tasks}
    on_test = collections.Counter(datasets.get(r['task']) for r in recorded.values() if r['held'] == TEST)
    fewer = [(name, reads.get(name, 0), count) for name, count in on_test.items() if reads.get(name, 0) < count]
    lost = [f'{name}: {read} for {count}' for name, read, count in fewer if 'test_reads' in manifest]
    why = f'test reads by dataset: {counted}'
    if lost:
        why = f'fewer reads of test data are counted than recorded ({", ".join(lost)}); run again, which counts them'
    if wrong:
        why = f'{len(wrong)} tuning trials were scored on test data'
    return Check('nothing was tuned on test data', not wrong and not lost, why)


def _one_protocol(started: int) -> Check:
    why = f'protocol {started}, {PROTOCOLS.get(started, "of another version of the lab")}'
    fix = '' if started == NOW else f'; now it is judged by protocol {NOW}: run it again, in another --runs folder'
    return Check('planned and judged by one protocol', started == NOW, why + fix)


def _one_source(recorded: Mapping[str, dict]) -> Check:
    by_source: dict[str, collections.Counter] = {}
    for record in recorded.values():
        if record['status'] != 'failed':
            by_source.setdefault(str((record.get('environment') or {}).get('source')), collections.Counter())[
                record['arm']
            ] += 1
    flags = sorted({flags_of(record) for record in recorded.values()} - {''})
    why = 'nothing is recorded yet' if not by_source else f'source: {next(iter(by_source))}'
    why += f'; compiled with {flags[0]}' if len(flags) == 1 else ''
    if len(by_source) > 1:
        ordered = sorted(by_source.items(), key=lambda item: (-item[1].total(), item[0]))
        runs = (f'{arms.total()} runs of {source} ({_counted(arms)})' for source, arms in ordered)
        why = f'{"; ".join(runs)}; run the study in a new folder'
    return Check('one version of the sources', len(by_source) <= 1, why)


def _flags(recorded: Mapping[str, dict]) -> list[Check]:
    """A broken rule where runs were compiled with different flags (XLA_FLAGS); none where all were alike."""
    by_flags: dict[str, collections.Counter] = {}
    for record in recorded.values():
        if record['status'] != 'failed':
            by_flags.setdefault(flags_of(record), collections.Counter())[record['arm']] += 1
    if len(by_flags) < 2:
        return []
    ordered = sorted(by_flags.items(), key=lambda item: (-item[1].total(), item[0]))
    told = '; '.join(f'{arms.total()} runs with {flags or "none"} ({_counted(arms)})' for flags, arms in ordered)
    return [Check('one set of compiler flags', False, f'{told}; run the study in a new folder, with the same flags for all')]


def _counted(arms: Mapping[str, int]) -> str:
    return ', '.join(f'{arm} {count}' for arm, count in sorted(arms.items()))


def _one_data(recorded: Mapping[str, dict]) -> Check:
    sums: dict[tuple, set] = {}
    for record in recorded.values():
        if record['status'] != 'failed':
            where = record['replicate'] if record['held'] == TUNING else TEST
            sums.setdefault((record['task'], where), set()).add(record.get('checksum'))
    mixed = sorted({task for (task, _), values in sums.items() if len(values) > 1})
    why = f'the data of {", ".join(mixed)} changed; run the study in a new folder' if mixed else 'one checksum for each split'
    return Check('one version of the data', not mixed, why)


def _looks(study: Study, manifest: Mapping) -> Check:
    """What counts was frozen at the first read: looks that were declared later are described, and claim nothing."""
    looks, taken = looks_of(study, manifest).counts, sorted(set(manifest.get('looks', [])))
    undeclared = [look for look in (*taken, *study.looks) if look not in looks]
    told = ', '.join(map(str, looks))
    why = f'declared at {told} replicates, taken at {", ".join(map(str, taken)) or "none"}; they share the error rate'
    if undeclared:
        late = ', '.join(map(str, sorted(set(undeclared))))
        why = f'declared at {told} replicates when findings were first read; those at {late} came later and claim nothing'
    return Check('looks were declared', not undeclared, why)


def _edges(study: Study, schedule: Schedule) -> Check:
    tuned = [study.base] if study.recipe == 'same' else list(study.arms)
    at_edges = {row: sides for row, sides in schedule.censored.items() if sides and row[0] in tuned}
    named = [f'{arm} on {task} ({", ".join(sides)})' for (arm, task), sides in at_edges.items()]
    why = 'no optimum lies at an edge' if not named else f'{"; ".join(named)}; widen the range of tune'
    return Check('no recipe is censored', not at_edges, why)


def _sizes(study: Study, manifest: Mapping) -> Check:
    costs, far = manifest.get('costs', {}), []
    for task in study.tasks:
        base = costs.get(study.base, {}).get(task.name)
        for arm in study.arms:
            cost = costs.get(arm, {}).get(task.name)
            if base and cost and abs(cost['params'] / base['params'] - 1) > SIZE_WARNING:
                far.append(f'{arm} on {task.name} x{cost["params"] / base["params"]:.2f}')
    why = f'warning, parameters differ by more than 5 %: {", ".join(far)}' if far else 'all within 5 % of the base'
    return Check('sizes are shown', True, why)


def _giveaways(manifest: Mapping) -> list[Check]:
    """What alone tells the answer in a prepared set, named where there is any: whether it may, only its user knows."""
    said = [f"in set '{name}' {'; '.join(own)}" for name, own in manifest.get('giveaways', {}).items() if own]
    fix = 'leave out what is made from the answer or known only after it'
    return [Check('what gives the answer away is named', True, f'warning, {"; ".join(said)}; {fix}')] * bool(said)


def _doubts(reading: Reading) -> Check:
    named = doubts(reading)
    why = f'warning, the error rate is measured in such worlds and not promised: {"; ".join(named)}'
    return Check('likeness to rough worlds is named', True, why if named else 'nothing that the calibration warns of')


def _stopped(study: Study, schedule: Schedule) -> list[Check]:
    """What a study with halvings stopped; none of others. What that does to verdicts is measured, and not promised."""
    said = stops_in_words(study, schedule)
    why = f'warning, {said[:1].lower()}{said[1:]}; what it does to verdicts is measured in docs/trust.md and not promised'
    return [Check('stopped runs are counted', True, why)] if said else []


def _diverged(recorded: Mapping[str, dict]) -> Check:
    count = sum(record['status'] == 'diverged' for record in recorded.values())
    return Check(
        'diverged runs are counted', True, f'{count} of {len(recorded)} runs diverged; they enter no mean, and each is counted'
    )


def _barren(recorded: Mapping[str, dict]) -> list[Check]:
    """A broken rule where an arm gave no score at all; none where all gave some."""
    said = barren(recorded.values())
    fix = 'look at its learning rates, and at the reasons in the records (archlab query "select arm, task, reason from trials")'
    return [Check('every arm gave values', False, f'{"; ".join(said)}; {fix}')] if said else []


def _nothing_moved(recorded: Mapping[str, dict]) -> list[Check]:
    """A broken rule if the runs of a task or an arm end at their beginning, or all alike; none where all moved."""
    scores: dict[str, list[float]] = {}
    moved = set()
    for record in recorded.values():
        if record['status'] == 'ok':
            scores.setdefault(record['task'], []).append(record['score'])
            if not stood(record):
                moved.add(record['task'])
    unmoved = sorted(task for task, own in scores.items() if len(own) > 1 and (task not in moved or len(set(own)) == 1))
    said = [one for one in still(recorded.values()) if not any(f' on {task} moved' in one for task in unmoved)]
    if unmoved:
        named = ', '.join(unmoved)
        said.insert(0, f'on {named} every run ends within 0.1 % of the loss that it began with, or all at one score')
    return [Check('training moved the scores', False, f'{"; ".join(said)}; look at learning rates, steps and data')] * bool(
        said
    )


def _no_leak(recorded: Mapping[str, dict]) -> Check:
    """Each arm that predicts the next token was checked once with its trained parameters (sweeps/training/causality.py)."""
    rule = 'no arm sees the tokens that it predicts'
    confirmed = [record for record in recorded.values() if record['held'] == TEST and record['status'] == 'ok']
    first = [record for record in confirmed if record['replicate'] == 0]
    tried = [record for record in first if record.get('leak') is not None]
    if not tried:
        return Check(rule, True, 'not checked: the records do not say it of any arm', tried=False)
    leaks = {(record['arm'], record['task']): record['leak'] for record in tried if record['leak']}
    if leaks:
        told = '; '.join(f"'{arm}' on {task}: {leak}" for (arm, task), leak in leaks.items())
        return Check(rule, False, f'{told}; mend the block (`archlab check`) and run the study in a new folder')
    pairs = {(record['arm'], record['task']) for record in tried}
    tasks = {task for _, task in pairs}
    missing = sorted({(r['arm'], r['task']) for r in confirmed if r['task'] in tasks} - pairs)
    why = f'tried as trained: {len(pairs)} arms on tasks of the next token'
    if missing:
        why += '; not checked: ' + ', '.join(f'{arm} on {task}' for arm, task in missing)
    return Check(rule, True, why)
