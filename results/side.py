"""Side: one arm on one task as a side of a comparison, with the facts that the comparison needs."""

import functools
import math
from collections.abc import Mapping

import numpy as np

from results.budgets import PHASES
from results.runs import Runs


def flags_of(record: Mapping) -> str:
    """The flags that a record's program was compiled with, beside the lab's own; '' where there were none."""
    return str((record.get('environment') or {}).get('flags') or '')


class Side(Runs):
    """One side of a comparison."""

    def recorded(self, phase: str) -> list[dict]:
        """The records of a phase that exist."""
        return self._recorded[phase]

    @functools.cached_property
    def _recorded(self) -> dict[str, list[dict]]:
        return {
            phase: [record for replicate in self.replicates for record in self.records_of(self.asked(phase, replicate))]
            for phase in PHASES
        }

    @functools.cached_property
    def runs(self) -> list[dict]:
        """The records of tuning and of confirmation."""
        return [*self.recorded('tune'), *self.recorded('confirm')]

    def failed(self, phase: str) -> bool:
        """Whether any run of a phase failed; diverging is not failing."""
        return any(record['status'] == 'failed' for record in self.recorded(phase))

    def confirmed(self, phase: str = 'confirm') -> np.ndarray | None:
        if phase not in self._confirmed:
            self._confirmed[phase] = super().confirmed(phase)
        return self._confirmed[phase]

    @functools.cached_property
    def _confirmed(self) -> dict[str, np.ndarray | None]:
        return {}

    @functools.cached_property
    def values(self) -> np.ndarray | None:
        """Its replicate values (`confirmed`); None also where a run failed, because then they are no measure of noise."""
        return None if self.failed('tune') or self.failed('confirm') else self.confirmed()

    @functools.cached_property
    def shared(self) -> np.ndarray | None:
        """Its replicate values at the recipe of the study's base; None also where such a run failed."""
        return None if self.failed('share') else self.confirmed('share')

    @functools.cached_property
    def items_of(self) -> dict[str, np.ndarray | None]:
        """What its replicates scored on each item of the test split, by phase."""
        return {phase: self.items(phase) for phase in ('confirm', 'share')}

    @functools.cached_property
    def nothing_selected(self) -> bool:
        """Whether every tuning run of every replicate diverged."""
        points = [self.reading.schedule.selections.get((self.arm, self.task.name, r), '') for r in self.replicates]
        return bool(points) and all(selected is None for selected in points)

    @functools.cached_property
    def leak(self) -> str:
        """What its trained models see of later tokens; '' if nothing was seen, or nothing was checked."""
        return next((record['leak'] for record in self.recorded('confirm') if record.get('leak')), '')

    @functools.cached_property
    def sources(self) -> set[str]:
        """The versions of the sources that its runs trained with."""
        return {str((record.get('environment') or {}).get('source')) for record in self.runs}

    @functools.cached_property
    def flags(self) -> set[str]:
        """The compiler flags that its runs were compiled with, 'none' where there were none."""
        return {flags_of(record) or 'none' for record in self.runs}

    @functools.cached_property
    def diverged_share(self) -> float | None:
        """The share of its runs that diverged or failed."""
        return sum(record['status'] in ('diverged', 'failed') for record in self.runs) / len(self.runs) if self.runs else None

    @functools.cached_property
    def optimism(self) -> float | None:
        """How far the tuning scores of the selected points exceed their confirmed scores, averaged over replicates."""
        confirmed = self.confirmed()
        if confirmed is None:
            return None
        gaps = [
            selected.score - value
            for replicate, value in zip(self.replicates, confirmed, strict=True)
            if (selected := self.selection(replicate)) and math.isfinite(value)
        ]
        return float(np.mean(gaps)) if gaps else None

    @property
    def censored(self) -> tuple:
        """The edges of its ranges at which the optimum still lies."""
        return tuple(self.reading.schedule.censored.get((self.arm, self.task.name), ()))
