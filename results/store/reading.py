"""Reading: a study with everything that its runs folder says of it, the one thing that all evidence is worked out from."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from ablations.study import Study
from ablations.trial import Schedule


@dataclasses.dataclass(frozen=True)
class Reading:
    """What was read of a study.

    study      what was asked
    schedule   all trials that it wants so far, with selections and budgets
    records    summaries of sound records by trial id, those that are no longer planned included; of a folder they are
               results.store.recorded.Records, which give each record whole where it is asked for
    manifest   what is chosen once for a runs folder: costs, looks taken, test reads
    folder     the runs folder; None where the records come from no folder, as those of a simulated study
    settings   the `--set` settings that are part of `study`
    skipped    a sentence for each record file that could not be used
    """

    study: Study
    schedule: Schedule
    records: Mapping[str, dict]
    manifest: Mapping = dataclasses.field(default_factory=dict)
    folder: Path | None = None
    settings: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
