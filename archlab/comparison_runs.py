"""Comparison runs: a comparison of searchers and the folder of its runs, which is read on demand."""

import dataclasses
import functools
from pathlib import Path
from typing import TYPE_CHECKING

from archlab.answers import warn_skipped

if TYPE_CHECKING:
    from ablations.study import Study
    from results.store.reading import Reading
    from sweeps.protocol.searchers.comparison import Comparison


@dataclasses.dataclass(frozen=True)
class ComparisonRuns:
    """A comparison, what its comparison.json says, and the folder of its runs; everything is worked out on demand, once."""

    comparison: 'Comparison'
    told: dict
    folder: Path
    settings: list[str]

    @functools.cached_property
    def reading(self) -> 'Reading':
        """The study with the schedule of the comparison, the records and the manifest, as the folder stands."""
        from results.store.reading import Reading
        from results.store.recorded import read_folder
        from sweeps import manifest as manifests

        study = self.comparison.study
        records, skipped = read_folder(self.folder, study.name)
        warn_skipped(skipped)
        schedule = self.comparison.schedule(study, records, {})
        about = tuple(self.settings), tuple(skipped), records.doubled
        return Reading(study, schedule, records, manifests.load(self.folder), self.folder, *about)

    def everything(self) -> dict[str, bytes]:
        """All files of a bundle that follow from its records, by name."""
        from results.gains.comparison_bundle import everything
        from results.gains.gain import gains

        made = gains(self.comparison.searched(self.reading.records))
        return everything(self.comparison.study, made, abouts(self.comparison), self.told)


def abouts(comparison: 'Comparison') -> dict[str, str]:
    """What each searcher of a comparison does."""
    from sweeps.protocol.searchers import SEARCHERS

    return {name: SEARCHERS[name].about for name in comparison.searchers}


def open_comparison(study: 'Study', folder: Path, settings: list[str]) -> ComparisonRuns:
    """The comparison of searchers in a folder, by a study with its `settings` applied.

    Raises ValueError where there is none in the folder, or where it is one of another study.
    """
    from results.store import comparison_file
    from sweeps.protocol.searchers.comparison import Comparison

    if not comparison_file.is_comparison(folder):
        raise ValueError(
            f'{folder} holds no comparison of searchers; make one first: archlab compare-searchers STUDY, or give the --runs '
            'that it was given'
        )
    told = comparison_file.load(folder)
    if (told['study'], told['digest']) != (study.name, study.digest):
        raise ValueError(
            f"{folder} holds a comparison of study '{told['study']}' with the digest {told['digest']}, given is '{study.name}' "
            f'with {study.digest}; give the same file and the same --set'
        )
    numbers = (told[name] for name in comparison_file.NUMBERS)
    return ComparisonRuns(Comparison(study, tuple(told['searchers']), *numbers), told, folder, settings)
