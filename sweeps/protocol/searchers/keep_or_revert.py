"""Keep or revert: the search of a person or a program that changes one thing at a time and keeps what scores higher."""

from typing import ClassVar

import numpy as np

from ablations.choices import Choice
from sweeps.protocol.searchers.candidate import BELOW_ONE, Candidate
from sweeps.protocol.searchers.searcher import BestRun, Proposal, Seen

STEP = 0.2
"""The standard deviation of a change of a value, as a share of its range."""


class KeepOrRevert(BestRun):
    """Greedy: each run changes the best one so far in one thing, with a new seed, and is kept where it scores higher.

    The best one is not run again, so that a lucky run stays until a luckier one comes.
    """

    about: ClassVar[str] = 'changes one thing a run and keeps what scores higher'

    def propose(self, seen: Seen) -> list[Proposal]:
        if not seen:
            return [Proposal(self.candidates.start)]
        if len(seen) >= self.runs:
            return []
        best, _ = max(seen, key=lambda one: one[1])
        return [Proposal(self._changed(best.candidate, self.chance('change', len(seen))))]

    def _changed(self, best: Candidate, chance: np.random.Generator) -> Candidate:
        """A candidate with another arm, another optimizer, or another value of one knob; each is as likely."""
        study, (arm, optimizer, units) = self.candidates.study, best
        others = {
            'arm': [name for name in study.arms if name != arm],
            'optimizer': [name for name in study.optimizers_of(arm) if name != optimizer],
        }
        space = study.space(arm, optimizer)
        what = chance.choice([*(name for name, left in others.items() if left), *map(str, range(len(space)))])
        if what == 'arm':
            other = str(chance.choice(others['arm']))
            return self.candidates.candidate(other, self.candidates.optimizer_of(other, optimizer, arm), list(units))
        if what == 'optimizer':
            return self.candidates.candidate(arm, str(chance.choice(others['optimizer'])), list(units))
        place, item = int(what), list(space.values())[int(what)]
        if isinstance(item, Choice):
            left = [value for value in item.values if value != item.value(units[place])]
            unit = item.unit(float(chance.choice(left)))
        else:
            unit = float(np.clip(units[place] + STEP * chance.standard_normal(), 0, BELOW_ONE).round(4))
        return Candidate(arm, optimizer, (*units[:place], unit, *units[place + 1 :]))
