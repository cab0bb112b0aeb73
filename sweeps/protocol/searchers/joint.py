"""Joint: searches over arms, optimizers and their values all at once, at random or led by the scores."""

from typing import ClassVar

import numpy as np

from sweeps.protocol.search import NOTHING, propose
from sweeps.protocol.searchers.searcher import BestRun, Proposal, Seen


class AtRandom(BestRun):
    """Random search (Bergstra and Bengio 2012): independent candidates, all arms as likely."""

    about: ClassVar[str] = 'draws every run at random and takes the best'

    def propose(self, seen: Seen) -> list[Proposal]:
        if seen:
            return []
        points = propose('random', self.candidates.joint, NOTHING, self.runs - 1, 0, self.seed)
        return [Proposal(self.candidates.start), *(Proposal(self.candidates.of_joint(point)) for point in points)]


class Bayesian(BestRun):
    """Bayesian optimisation: a tree-structured Parzen estimator that gets every score before the next run."""

    about: ClassVar[str] = 'models the scores, tries what looks best, and takes the best run'

    def propose(self, seen: Seen) -> list[Proposal]:
        if not seen:
            return [Proposal(self.candidates.start)]
        if len(seen) >= self.runs:
            return []
        units = np.array([self.candidates.in_joint(proposal.candidate) for proposal, _ in seen])
        scores = np.array([score for _, score in seen])
        (point,) = propose('tpe', self.candidates.joint, (units, scores), 1, len(seen), self.seed)
        return [Proposal(self.candidates.of_joint(point))]
