"""Study facts: the shape of a study, its rules, and its missing runs, for the tables of its findings."""

import dataclasses

from results.average_scores import AverageScore, average_scores
from results.evidence import claim_level
from results.finding import Finding
from results.looks import looks_of
from results.protocol import ENTRY, FEW_REPLICATES, NOW
from results.stops import stops_in_words
from results.store.reading import Reading
from results.tables.effects import EffectLine, effect_lines

FALLACY = (
    'One recipe for all: only the base was tuned, and every arm trains at its recipe. This shows the usual fallacy and what '
    'it would conclude; it says nothing of the arms at their own best.'
)


@dataclasses.dataclass(frozen=True)
class Missing:
    """Runs of an arm on a task that are planned so far and not recorded."""

    arm: str
    task: str
    runs: int
    planned: int


@dataclasses.dataclass(frozen=True)
class StudyFacts:
    """What a table needs to know of a study beside its findings; the defaults add nothing.

    `optimizers` has those of each arm, where arms differ in that; `unshared` are the arms that were therefore not run at the
    recipe of the base. Where `screening` is above 0, every optimizer got so many of the `trials` before the better one got the
    rest. `stopped` tells of tuning runs that were stopped. `protocol` is the number of the rules at the start of the study, if
    known.

    `alpha` is the familywise error rate of the study, and `level` the part of it for its comparisons. `looks` share it, and
    those declared `late`, after the first read, claim nothing. `look` is the last complete declared look (0 before the first,
    None where not known), and `last` the study's last look; a study is `complete` before it where all is decided. `averages` is
    what averaged weights score.
    """

    shape: str = 'one_swap'
    recipe: str = 'own'
    share: bool = True
    budget: str = 'trials'
    base_factor: int = 1
    trials: int | None = None
    optimizers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unshared: tuple[str, ...] = ()
    screening: int = 0
    stopped: str = ''
    protocol: int | None = None
    alpha: float | None = None
    level: float | None = None
    looks: tuple[int, ...] = ()
    late: tuple[int, ...] = ()
    look: int | None = None
    last: int | None = None
    complete: bool = False
    missing: tuple[Missing, ...] = ()
    effects: tuple[EffectLine, ...] = ()
    averages: tuple[AverageScore, ...] = ()

    def lacking(self, arm: str, task: str) -> int:
        """Runs of an arm on a task that are planned so far and not recorded."""
        return sum(one.runs for one in self.missing if (one.arm, one.task) == (arm, task))

    def warnings(self) -> list[str]:
        """Warnings to read before any number: a fallacy shown on purpose, too few replicates, and missing runs."""
        sentences = [FALLACY] if self.recipe == 'same' else []
        if self.last is not None and self.last < FEW_REPLICATES:
            few = f'{self.last} replicate{"s" * (self.last > 1)}'
            sentences.append(f'{few}: {FEW_REPLICATES} are the least for which the error rate of verdicts is promised.')
        if self.late:
            late = ', '.join(map(str, self.late))
            sentences.append(f'Looks at {late} replicates were declared after findings had been read: they claim nothing.')
        if self.look is None or ((self.look == self.last or self.complete) and not self.missing):
            return sentences
        if self.look:
            sentences.append(f'Unfinished: what is said is that of the look at {self.look} replicates, of {self.last} planned.')
        else:
            sentences.append('Unfinished: nothing is claimed until all runs of a declared look are recorded.')
        if self.protocol not in (None, NOW):
            sentences.append(
                f'It was started under protocol {self.protocol}; protocol {NOW}, by which it is planned now, asks for other '
                'runs: run it again, in another --runs folder.'
            )
        for task in dict.fromkeys(one.task for one in self.missing):
            own = [one for one in self.missing if one.task == task]
            arms = ', '.join(f'{one.arm} {one.runs:,} of {one.planned:,}' for one in own)
            sentences.append(f'Missing on {task}, of the runs planned so far: {arms}.')
        return sentences


def missing_runs(reading: Reading) -> tuple[Missing, ...]:
    """The missing runs by task and arm; an arm that lacks nothing is left out."""
    study = reading.study
    planned: dict[tuple, dict] = {}
    for trial in reading.schedule.trials:
        planned.setdefault((trial.task, trial.arm), {})[trial.id] = trial.id in reading.records
    missing = []
    for task in study.tasks:
        for arm in study.arms:
            done = planned.get((task.name, arm), {})
            if lacking := sum(not recorded for recorded in done.values()):
                missing.append(Missing(arm, task.name, lacking, len(done)))
    return tuple(missing)


def study_facts(reading: Reading, findings: list[Finding]) -> StudyFacts:
    """The facts that a table of the study's findings shows."""
    study = reading.study
    looks = looks_of(study, reading.manifest).counts
    unshared = tuple(arm for arm in study.arms if study.share and not study.is_shared(arm))
    return StudyFacts(
        shape=study.shape,
        recipe=study.recipe,
        share=study.share and len(unshared) < max(len(study.arms) - 1, 1),
        budget=study.budget,
        base_factor=study.base_factor,
        trials=study.trials,
        optimizers=tuple((arm, study.optimizers_of(arm)) for arm in study.arms) if study.optimizers else (),
        unshared=unshared,
        screening=study.screening,
        stopped=stops_in_words(study, reading.schedule),
        protocol=reading.manifest.get(ENTRY),
        alpha=study.alpha,
        level=claim_level(study, reading.manifest),
        looks=looks,
        late=tuple(look for look in study.looks if look not in looks),
        look=reading.schedule.look,
        last=study.looks[-1],
        complete=reading.schedule.complete,
        missing=missing_runs(reading),
        effects=tuple(effect_lines(reading, findings)),
        averages=tuple(average_scores(reading)),
    )
