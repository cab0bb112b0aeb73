"""Comparison: several searchers on the same study, each with as many runs, and fresh seeds for what they end with. No jax."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping

from ablations.config import closest
from ablations.searched import Searched
from ablations.seeds import derive
from ablations.study import Study
from ablations.tasks import Task
from ablations.trial import TEST, Schedule, Trial
from sweeps.protocol.asked import Asked
from sweeps.protocol.searchers import SEARCHERS
from sweeps.protocol.searchers.candidate import Candidate, Candidates
from sweeps.protocol.searchers.searcher import Ending, Searcher, Seen

LIMITS = {'runs': (2, 100_000), 'replicates': (2, 1000), 'seeds': (1, 1000)}
STARTED = 'confirm_start'
"""The phase of the runs that confirm the start of all searches. Each step of a search has a phase of its own, so that packs
never grow, and so has what a searcher ended with."""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Searchers by their names in SEARCHERS, each with `runs` runs in each of `replicates` searches on each task.

    A replicate has a data split of its own, and its searches randomness of their own. What a search starts and ends with is
    then run with `seeds` fresh seeds on the sealed test split, the same seeds for all searchers. Raises ValueError on an
    unknown searcher, or numbers that are out of bounds or too few for one.
    """

    study: Study
    searchers: tuple[str, ...] = tuple(SEARCHERS)
    runs: int = 48
    replicates: int = 5
    seeds: int = 4

    def __post_init__(self):
        unknown = [name for name in self.searchers if name not in SEARCHERS]
        if unknown or not self.searchers or len(set(self.searchers)) < len(self.searchers):
            given = unknown[0] if unknown else ','.join(self.searchers)
            hint = closest(given, SEARCHERS) if unknown else ''
            raise ValueError(f"searchers '{given}'; allowed: one or more of {list(SEARCHERS)}, each once.{hint}")
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ValueError(f'{name}={value!r}; allowed: a whole number from {low} to {high:,}')
        if self.study.budget != 'trials':
            raise ValueError(
                f"budget='{self.study.budget}': a search trains every arm for the steps of its task; allowed: budget='trials'"
            )
        for name in self.searchers:
            least = max(SEARCHERS[name].fewest(Candidates(self.study, task), self.seeds) for task in self.study.tasks)
            if self.runs < least:
                raise ValueError(
                    f"runs={self.runs} for the searcher '{name}' with {len(self.study.arms)} arms and "
                    f'{len(self.study.optimizers_of(self.study.base))} optimizers; allowed: from {least}; give more runs, '
                    'fewer arms or fewer seeds'
                )

    @property
    def searches(self) -> int:
        """How many searches there are."""
        return len(self.study.tasks) * self.replicates * len(self.searchers)

    @property
    def expected(self) -> dict[str, int]:
        """How many runs are foreseen on each task, if no two searches ask for the same one."""
        each = len(self.searchers) * (self.runs + self.seeds) + self.seeds
        return {task.name: self.replicates * each for task in self.study.tasks}

    def schedule(
        self,
        study: Study,
        records: Mapping[str, dict],
        manifest: Mapping,
        answer: Callable[[list[Trial]], list[dict]] | None = None,
    ) -> Schedule:
        """Everything that the comparison wants so far, recorded or not; a pure function of the records.

        `answer` makes the records of trials that have none, as in `sweeps.protocol.plan.schedule`.
        """
        asked = Asked(records, answer)
        # To the end, whatever is missing: every search asks for its next runs.
        done = None not in list(self._all(asked))
        return Schedule(
            trials=tuple(asked.trials.values()),
            asked=asked.by_phase,
            selections={},
            censored={},
            extended={},
            budgets={},
            look=self.replicates if done else 0,
            complete=done,
            expected=self.expected,
        )

    def searched(self, records: Mapping[str, dict]) -> list[Searched]:
        """What every search did that is recorded to its end, with the runs that confirm it; none in which a run failed."""
        return [one for one in self._all(Asked(records)) if one is not None]

    def _all(self, asked: Asked) -> Iterator[Searched | None]:
        """Every search, or None where it is not recorded to its end."""
        for task in self.study.tasks:
            candidates = Candidates(self.study, task)
            for replicate in range(self.replicates):
                start = self._confirmations(candidates, candidates.start, replicate, STARTED)
                asked.ask(start)
                for name in self.searchers:
                    yield self._searched(name, candidates, replicate, start, asked)

    def _confirmations(self, candidates: Candidates, candidate: Candidate, replicate: int, phase: str) -> list[Trial]:
        """Runs of a candidate with fresh seeds on the sealed test split; all searchers have the same seeds."""
        address = 'confirm search', self.study.name, candidates.task.name, replicate
        return [candidates.trial(candidate, replicate, derive(*address, n), TEST, phase) for n in range(self.seeds)]

    def _searched(self, name: str, candidates: Candidates, replicate: int, start: list[Trial], asked: Asked) -> Searched | None:
        """One search as far as the records allow; None where some of its runs, or of those that confirm it, have none.

        A run that failed ends its search: it has no score.
        """
        task = candidates.task
        address = name, self.study.name, task.name, replicate
        searcher = SEARCHERS[name](candidates, self.runs, self.seeds, derive('searcher', *address))
        followed = self._followed(searcher, candidates, replicate, address, asked)
        if followed is None:
            return None
        (candidate, claimed), runs = followed
        chosen = self._confirmations(candidates, candidate, replicate, f'confirm_{name}')
        if not _sound([*start, *chosen], asked):
            return None
        before, after = ([_score(task, asked.records[trial.id]) for trial in trials] for trials in (start, chosen))
        lost = sum(not math.isfinite(score) for score in after)
        before, after = (tuple(max(score, candidates.chance) for score in own) for own in (before, after))
        return Searched(name, task.name, replicate, candidate.arm, candidate.optimizer, claimed, before, after, runs, lost)

    @staticmethod
    def _followed(
        searcher: Searcher, candidates: Candidates, replicate: int, address: tuple, asked: Asked
    ) -> tuple[Ending, int] | None:
        """What a searcher ends with, and in how many runs; None where one of them is not recorded."""
        seen: Seen = []
        while proposals := searcher.propose(seen):
            trials = [
                candidates.trial(candidate, replicate, derive('search', *address, number), held, f'search_{len(seen) + 1}')
                for number, (candidate, held) in enumerate(proposals, len(seen))
            ]
            if not _sound(trials, asked):
                return None
            scores = [_score(candidates.task, asked.records[trial.id]) for trial in trials]
            seen = [*seen, *zip(proposals, scores, strict=True)]
        return searcher.ending(seen), len(seen)


def _sound(trials: list[Trial], asked: Asked) -> bool:
    """Put trials on the schedule; gives whether all of them are recorded, and none failed."""
    return asked.ask(trials) and all(asked.records[trial.id]['status'] != 'failed' for trial in trials)


def _score(task: Task, record: Mapping) -> float:
    """The score of a run in the good direction, -inf where it diverged."""
    return task.sign * record['score'] if record['status'] == 'ok' else -math.inf
