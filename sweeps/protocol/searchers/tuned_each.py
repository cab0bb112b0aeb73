"""Tuned each: the lab's own way, within the same number of runs: every arm tuned alike, then confirmed with fresh seeds."""

from typing import ClassVar

import numpy as np

from ablations.trial import TEST
from results.selection import select
from sweeps.protocol.search import NOTHING, propose
from sweeps.protocol.searchers.candidate import Candidate, Candidates
from sweeps.protocol.searchers.searcher import Ending, Proposal, Searcher, Seen

FEWEST = 4
"""The least trials of an arm under an optimizer: a fitted surface needs as many."""


class TunedEach(Searcher):
    """Equal Sobol trials for every arm and optimizer; the best point of each arm's fitted surface; fresh seeds on the test
    split for each arm there, and for the start. Its claim is the confirmed gain of the arm that confirms best.

    The confirmations are paid from its budget, so it tunes with fewer runs than the others.
    """

    about: ClassVar[str] = 'tunes every arm alike and claims what fresh seeds confirm'

    @classmethod
    def fewest(cls, candidates: Candidates, seeds: int) -> int:
        study = candidates.study
        return FEWEST * sum(len(study.optimizers_of(arm)) for arm in study.arms) + seeds * (len(study.arms) + 1)

    def propose(self, seen: Seen) -> list[Proposal]:
        tuned = self._tuned()
        if not seen:
            return [Proposal(candidate) for candidate in tuned]
        if len(seen) > len(tuned):
            return []
        confirmed = [self.candidates.start, *self._selected(seen)]
        return [Proposal(candidate, TEST) for candidate in confirmed for _ in range(self.seeds)]

    def ending(self, seen: Seen) -> Ending:
        chance, by_candidate = self.candidates.chance, {}
        for proposal, score in seen[len(self._tuned()) :]:
            by_candidate.setdefault(proposal.candidate, []).append(max(score, chance))
        means = {candidate: float(np.mean(scores)) for candidate, scores in by_candidate.items()}
        best = max(means, key=means.get)
        return Ending(best, means[best] - means[self.candidates.start])

    def _tuned(self) -> list[Candidate]:
        study = self.candidates.study
        pairs = [(arm, optimizer) for arm in study.arms for optimizer in study.optimizers_of(arm)]
        count = (self.runs - self.seeds * (len(study.arms) + 1)) // len(pairs)
        made = []
        for arm, optimizer in pairs:
            seed = int(self.chance('points', arm, optimizer).integers(2**31))
            points = propose('sobol', study.space(arm, optimizer), NOTHING, count, 0, seed)
            made += [Candidate(arm, optimizer, tuple(point)) for point in points.tolist()]
        return made

    def _selected(self, seen: Seen) -> list[Candidate]:
        """The best point of each arm's surface; of an arm whose runs all diverged none."""
        study, made = self.candidates.study, []
        for arm in study.arms:
            trials = {}
            for optimizer in study.optimizers_of(arm):
                own = [one for one in seen if one[0].candidate[:2] == (arm, optimizer)]
                trials[optimizer] = np.array([p.candidate.units for p, _ in own]), np.array([score for _, score in own])
            point = select(trials, {optimizer: study.space(arm, optimizer) for optimizer in trials})
            if point is not None:
                made.append(Candidate(arm, point.optimizer, tuple(point.unit)))
        return made
