"""Study runs: a study by name or path, and the folder of its runs, which is read on demand."""

import contextlib
import dataclasses
import functools
import time
from pathlib import Path
from typing import TYPE_CHECKING

from archlab.answers import ERR, warn_skipped
from archlab.loading import plain_data
from archlab.options import RUNS

if TYPE_CHECKING:
    from ablations.study import Study
    from ablations.trial import Schedule
    from results.conclusions import Conclusions
    from results.finding import Finding
    from results.store.reading import Reading
    from results.store.recorded import Records


@dataclasses.dataclass(frozen=True)
class StudyRuns:
    """A study and the folder of its runs; everything is read and computed on demand, once.

    `remember` says whether to cache slow selections and conclusions in the folder.
    """

    study: 'Study'
    folder: Path
    manifest: dict
    settings: list[str] = dataclasses.field(default_factory=list)
    remember: bool = True

    @functools.cached_property
    def files(self) -> dict[str, list[int]]:
        """The record files with their sizes and times of change, from before any was read."""
        from results.store.records import listing

        return listing(self.folder)

    @functools.cached_property
    def _records_and_skipped(self) -> tuple['Records', list[str]]:
        from results.store.recorded import read_folder

        files = self.files  # listed before they are read, so that no cache is newer than its address
        with plain_data():
            records, skipped = read_folder(self.folder, self.study.name, files)
        warn_skipped(skipped)
        return records, skipped

    @property
    def records(self) -> 'Records':
        """The sound records by trial id: summaries, and each record whole on demand."""
        return self._records_and_skipped[0]

    @functools.cached_property
    def reading(self) -> 'Reading':
        """The study with its schedule, records and manifest, as the folder stands."""
        from results.store.reading import Reading

        records, skipped = self._records_and_skipped
        schedule = self._schedule(records)
        about = tuple(self.settings), tuple(skipped), records.doubled
        return Reading(self.study, schedule, records, self.manifest, self.folder, *about)

    def _schedule(self, records: dict[str, dict]) -> 'Schedule':
        from results.store import selection_cache, text_cache
        from sweeps.protocol.plan import schedule

        began = time.monotonic()
        if self.remember:
            selection_cache.load(self.folder)
        with plain_data():
            made = schedule(self.study, records, self.manifest)
        if self.remember and time.monotonic() - began >= text_cache.SLOW:
            selection_cache.save(self.folder)
        return made

    def freeze(self) -> None:
        """Note the study's looks as those that were declared before anybody read a test score, unless noted already."""
        from results.looks import ENTRY, looks_of
        from sweeps import manifest as manifests

        if ENTRY not in self.manifest and any(self.manifest['test_reads'].values()):
            with contextlib.suppress(ValueError):
                manifests.update(self.folder, self.manifest, **{ENTRY: looks_of(self.study, self.manifest).to_dict()})

    @functools.cached_property
    def look(self) -> 'Reading':
        """The reading, with its last complete look counted as taken; the manifest is updated where it can be written.

        Everything that shows findings uses it.
        """
        from results.looks import ENTRY, looks_of
        from sweeps import manifest as manifests

        reading = self.reading
        taken = self.manifest['looks']
        if not reading.schedule.look or (reading.schedule.look in taken and ENTRY in self.manifest):
            return reading
        read = {'looks': sorted({*taken, reading.schedule.look}), ENTRY: looks_of(self.study, self.manifest).to_dict()}
        with contextlib.suppress(ValueError):
            manifests.update(self.folder, self.manifest, **read)
        return dataclasses.replace(reading, manifest={**self.manifest, **read})

    @functools.cached_property
    def conclusions(self) -> 'Conclusions':
        """The findings at the last complete look, which counts as taken, and the facts for a table beside them."""
        from results.conclusions import conclude
        from results.findings_cache import conclude_once

        if not self.remember:
            return conclude(self.look)
        return conclude_once(lambda: self.look, self.study, self.folder, self.settings, self.manifest, self.files)

    def findings(self) -> list['Finding']:
        """One finding for each arm and task."""
        return self.conclusions.findings


def open_study(
    name: 'str | Study', runs: Path = RUNS, settings: list[str] | None = None, must_exist: bool = True, remember: bool = True
) -> StudyRuns:
    """A study by name or path, with the folder of its runs; or one at hand, with its `settings` applied.

    Without settings, those of the last run in the folder are used. Damaged or foreign record files are named on standard error
    and not used. Raises ValueError on an unknown study, bad settings, remembered settings that would run code, or (must_exist)
    a study without runs there.
    """
    from ablations.settings import override, without_code
    from ablations.study_files import load_study
    from sweeps import manifest as manifests

    at_hand = not isinstance(name, str)
    study = name if at_hand else ran_study(name, runs) if must_exist else load_study(name)
    folder = Path(runs) / study.name
    if must_exist and not (folder / manifests.FILE).exists():
        if has_begun(folder):
            raise ValueError(f"the run of study '{study.name}' in {runs} has begun and checks every model; look again soon")
        raise ValueError(f"no runs of study '{study.name}' in {runs}; run it first: archlab run {name} --runs {runs}")
    manifest = manifests.load(folder)
    remembered = manifest['settings'] if must_exist and not settings else []
    anew = ' '.join(f"--set '{setting}'" for setting in remembered)
    applied = settings or without_code(remembered, folder / manifests.FILE, anew)
    return StudyRuns(study if at_hand else override(study, applied), folder, manifest, list(applied), remember)


def has_begun(folder: Path) -> bool:
    """Whether a run is at work in a folder and has told nothing yet: first it checks every model of its study."""
    from sweeps import manifest as manifests
    from sweeps import presence

    at_work = any(one.is_there(time.time()) for one in presence.everybody(folder, presence.RUN))
    return at_work and not (folder / manifests.FILE).exists()


def ran_study(name: str, runs: Path) -> 'Study':
    """A study by name or path. Without the data of its own tasks, its runs tell the tasks as they ran."""
    from ablations.study_files import load_study
    from ablations.task_files import DEFINITION_OF
    from results import bundle
    from results.store import defined

    def definition_of(study: str) -> dict | None:
        folder = Path(runs) / study
        return bundle.read(folder)['definition'] if (folder / bundle.FILE).exists() else defined.load(folder)

    before = DEFINITION_OF.set(definition_of)
    try:
        return load_study(name)
    finally:
        DEFINITION_OF.reset(before)


def named_arm(what: str) -> tuple[str, str]:
    """The study and the arm of STUDY/ARM, where STUDY may be the path of a file.

    >>> named_arm('studies/griffin.py/hybrid')
    ('studies/griffin.py', 'hybrid')

    Raises ValueError where no arm is named.
    """
    study, _, arm = what.rpartition('/')
    if not study or not arm or arm.endswith('.py'):
        raise ValueError(f"'{what}' names no arm; give STUDY/ARM, e.g. {what.rstrip('/')}/base")
    return study, arm


def study_name(study: str | None, runs: Path = RUNS) -> str | None:
    """The name of a study's runs folder: the study's own name, not that of its file."""
    return study if study is None or not study.endswith('.py') else ran_study(study, runs).name


def studies_in(runs: Path) -> list[str]:
    """The lab's studies with runs in a folder; other folders are named on standard error. Raises ValueError without any."""
    from ablations.study_files import of_the_lab

    names = sorted(path.parent.name for path in Path(runs).glob('*/manifest.json'))
    for name in names:
        if not of_the_lab(name):
            ERR.print(f'archlab: {runs / name} is of a study of your own; give the path of its file')
    names = [name for name in names if of_the_lab(name)]
    if not names:
        raise ValueError(f'no runs of the built-in studies in {runs}; name a study, or give --runs the folder of your runs')
    return names
