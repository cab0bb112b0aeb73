"""Searched: what one search of a comparison of searchers did, and what a confirmation says about it."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Searched:
    """One search by a searcher on a task, in one replicate. Scores are in the good direction, higher better.

    arm         the arm that it ended with, under `optimizer`
    claimed     the gain over its start that it claims, by its own runs
    start       test scores of its start with fresh seeds, `[k]`; a diverged run scores chance
    chosen      test scores of what it ended with, with the same seeds, `[k]`
    runs        how many runs it took, without these confirmations
    diverged    how many of the runs that confirm it diverged
    """

    searcher: str
    task: str
    replicate: int
    arm: str
    optimizer: str
    claimed: float
    start: tuple[float, ...]
    chosen: tuple[float, ...]
    runs: int
    diverged: int

    @property
    def confirmed(self) -> float:
        """The gain over its start by fresh seeds on the sealed test split."""
        return sum(self.chosen) / len(self.chosen) - sum(self.start) / len(self.start)
