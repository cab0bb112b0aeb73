"""Flagship: a contested claim, asked at rising scale: the same arms in one study for each rung."""

import dataclasses
from collections.abc import Callable, Mapping

from ablations.config import closest
from ablations.flagships.rungs import Rung
from ablations.study import Study


@dataclasses.dataclass(frozen=True)
class Flagship:
    """A contested claim and its study at each rung, from the smallest up.

    name    name of its file; the study of a rung is called NAME_RUNG
    claim   what the field disputes, in one sentence
    papers  who says so, as arXiv ids
    rungs   the rungs it has
    at      the study at a rung, `at(rung) -> Study`
    """

    name: str
    claim: str
    papers: tuple[str, ...]
    rungs: tuple[Rung, ...]
    at: Callable[[Rung], Study]

    def study(self, rung: str) -> Study:
        """The study at a rung by its name; raises ValueError where there is no such rung."""
        named = {one.name: one for one in self.rungs}
        if rung not in named:
            raise ValueError(f"flagship '{self.name}' has no rung '{rung}'; allowed: {list(named)}.{closest(rung, named)}")
        return self.at(named[rung])

    @property
    def studies(self) -> Mapping[str, Study]:
        """The study at each rung, by the rung's name."""
        return {rung.name: self.study(rung.name) for rung in self.rungs}
