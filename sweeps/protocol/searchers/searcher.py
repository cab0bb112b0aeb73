"""Searcher: a whole way to look for a better model, from a start to a claim."""

import abc
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from ablations.seeds import derive
from ablations.trial import TUNING
from sweeps.protocol.searchers.candidate import Candidate, Candidates


class Proposal(NamedTuple):
    """A candidate to run, and the data that score it."""

    candidate: Candidate
    held: str = TUNING


class Ending(NamedTuple):
    """What a search ends with: a candidate, and the gain over its start that it claims."""

    candidate: Candidate
    claimed: float


Seen = Sequence[tuple[Proposal, float]]
"""Proposals in their order, with their scores in the good direction; -inf where a run diverged."""


class Searcher(abc.ABC):
    """A pure function from what was seen to what comes next. `runs` is the budget, `seed` is of one search.

    `about` says what it does, in words of a user.
    """

    about: ClassVar[str]

    def __init__(self, candidates: Candidates, runs: int, seeds: int, seed: int):
        self.candidates, self.runs, self.seeds, self.seed = candidates, runs, seeds, seed

    @classmethod
    def fewest(cls, candidates: Candidates, seeds: int) -> int:
        """The smallest budget that it can work with."""
        return 2

    @abc.abstractmethod
    def propose(self, seen: Seen) -> list[Proposal]:
        """The next proposals, when all before are scored; none at the end."""

    @abc.abstractmethod
    def ending(self, seen: Seen) -> Ending:
        """What it ends with, when all its runs are scored."""

    def chance(self, *parts: object) -> np.random.Generator:
        """Its own randomness for a purpose."""
        return np.random.default_rng(derive(self.seed, *parts))


class BestRun(Searcher):
    """A searcher that begins at the start, and ends with the run that scored best."""

    def ending(self, seen: Seen) -> Ending:
        """The run that scored best, and by how much it beat the one run of the start.

        A start that diverged counts as chance.
        """
        (proposal, best), (_, first) = max(seen, key=lambda one: one[1]), seen[0]
        chance = self.candidates.chance
        return Ending(proposal.candidate, max(best, chance) - max(first, chance))
