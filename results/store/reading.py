"""Reading: a study with everything in its runs folder. All evidence is computed from it."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ablations.study import Study
from ablations.trial import Schedule


@dataclasses.dataclass(frozen=True)
class Reading:
    """A study as it was read from its runs folder.

    study      the study, with its settings
    schedule   all trials that the study wants so far, with selections and budgets
    records    summaries of sound records by trial id, including trials that are no longer planned. Those of a folder are
               results.store.recorded.Records, which also give each record whole
    manifest   the folder's manifest: costs, looks taken, test reads
    folder     the runs folder; None for records that come from no folder, such as simulated ones
    settings   the `--set` settings that are part of `study`
    skipped    a sentence for each record file that could not be used
    doubled    the trials that two records are of, neither of which failed; the first counts
    """

    study: Study
    schedule: Schedule
    records: Mapping[str, dict]
    manifest: Mapping = dataclasses.field(default_factory=dict)
    folder: Path | None = None
    settings: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    made: dict = dataclasses.field(default_factory=dict, init=False, repr=False, compare=False)
    """What was worked out from this reading (`once`). A changed copy begins without it."""


def once(work_out: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a reading, and of more that can be hashed, which works out each result once and keeps it with the reading.

    Tables and figures of a page ask for the same results, so nobody may change one.
    """

    @functools.wraps(work_out)
    def known(reading: Reading, *about):
        key = (work_out, *about)
        if key not in reading.made:
            reading.made[key] = work_out(reading, *about)
        return reading.made[key]

    return known
