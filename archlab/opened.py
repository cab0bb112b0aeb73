"""Studies as they are opened: by name or path, with all that their runs folder holds."""

import contextlib
import dataclasses
import functools
import time
from pathlib import Path

from archlab.answers import ERR, warn_skipped
from archlab.options import RUNS


@dataclasses.dataclass(frozen=True)
class Opened:
    """A study with all that its runs folder holds; what is asked for is read and worked out then, once.

    `remember` says whether selections and findings that took long to work out are kept in the folder, and taken from there.
    """

    study: object
    folder: Path
    manifest: dict
    settings: list = dataclasses.field(default_factory=list)
    remember: bool = True

    @functools.cached_property
    def files(self) -> dict:
        """The record files with their sizes and times of change, before any was read."""
        from results.store.records import listing

        return listing(self.folder)

    @functools.cached_property
    def _read(self) -> tuple[dict, list]:
        from results.store.records import read_folder

        files = self.files  # listed before they are read, so that what is kept is never newer than its address
        found = read_folder(self.folder, self.study.name) if files else ({}, [])
        warn_skipped(found[1])
        return found

    @property
    def records(self) -> dict:
        """Sound records by trial id."""
        return self._read[0]

    @property
    def skipped(self) -> list:
        """A sentence for each record file that is not used."""
        return self._read[1]

    @functools.cached_property
    def schedule(self) -> object:
        """All that the study wants so far."""
        from results.store import selection_cache, text_cache
        from sweeps.protocol.plan import schedule

        records, began = self.records, time.monotonic()
        if self.remember:
            selection_cache.load(self.folder)
        found = schedule(self.study, records, self.manifest)
        if self.remember and time.monotonic() - began >= text_cache.SLOW:
            selection_cache.save(self.folder)
        return found

    def findings(self) -> list:
        """The findings at the last whole look, which counts as taken (in the manifest, where it can be written)."""
        return self._found[0]

    def context(self) -> object:
        """What tables have to say beside the findings."""
        return self._found[1]

    @functools.cached_property
    def _found(self) -> tuple:
        from results import findings_cache
        from results.store import text_cache

        def key() -> str:
            return findings_cache.key(self.study.digest, self.settings, self.manifest, self.files)

        may_be_there = self.remember and (self.folder / text_cache.FOLDER).is_dir()
        known = findings_cache.load(self.folder, key()) if may_be_there else None
        if known is not None:
            return known
        began = time.monotonic()
        found = self._worked_out()
        slow = time.monotonic() - began >= text_cache.SLOW
        # Files that were not used are named whenever the study is read.
        if self.remember and slow and not self.skipped:
            findings_cache.save(self.folder, key(), *found)
        return found

    def _worked_out(self) -> tuple:
        from results.evidence import findings
        from results.tables import context
        from sweeps import manifest as manifests

        look = self.schedule.look
        if look and look not in self.manifest['looks']:
            self.manifest['looks'] = sorted([*self.manifest['looks'], look])
            with contextlib.suppress(ValueError):
                manifests.update(self.folder, looks=self.manifest['looks'])
        found = findings(self.study, self.schedule, self.records, self.manifest)
        return found, context(self.study, self.schedule, self.records, self.manifest, found)

    def checklist(self) -> list:
        """The rules of an honest comparison, each with whether it holds."""
        from results.verify import verify

        return verify(self.study, self.schedule, self.records, self.manifest, self.skipped)


def open_study(
    name: str, runs: Path = RUNS, settings: list[str] | None = None, must_exist: bool = True, remember: bool = True
) -> Opened:
    """A study by name or path with its records, manifest and schedule.

    Without settings those of the last run in the folder hold. Damaged or foreign record files are named on standard error
    and not used. Raises ValueError on an unknown study, bad settings, or (must_exist) a study that was never run there.
    """
    from ablations.settings import override
    from ablations.study_files import load_study
    from sweeps import manifest as manifests

    study = load_study(name)
    folder = Path(runs) / study.name
    if must_exist and not (folder / manifests.FILE).exists():
        raise ValueError(f"no runs of study '{study.name}' in {runs}; run it first: archlab run {name} --runs {runs}")
    manifest = manifests.load(folder)
    kept = settings if settings else manifest['settings'] if must_exist else []
    return Opened(override(study, kept), folder, manifest, list(kept), remember)


def study_name(study: str | None) -> str | None:
    """The name under which a study's runs are kept, which is not that of its file."""
    if study is None or not study.endswith('.py'):
        return study
    from ablations.study_files import load_study

    return load_study(study).name


def studies_in(runs: Path) -> list[str]:
    """The studies of the lab that have runs there; others are named on standard error. Raises ValueError if there is none."""
    from ablations.studies import STUDIES

    names = sorted(path.parent.name for path in Path(runs).glob('*/manifest.json'))
    for name in names:
        if name not in STUDIES:
            ERR.print(f'archlab: {runs / name} is of a study of your own; give the path of its file', highlight=False)
    names = [name for name in names if name in STUDIES]
    if not names:
        raise ValueError(f'no runs of the built-in studies in {runs}; name a study, or give --runs the folder of your runs')
    return names
