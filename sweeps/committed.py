"""Committed: the records in a run's folder. The folder alone says which trials are done, whoever wrote it."""

from collections import Counter
from pathlib import Path

from ablations.study import Study
from ablations.trial import TEST
from results.store.recorded import read_folder
from results.store.records import FOLDER, PACK, commit, file_name, listing, read_file, replaces
from results.store.summary import summary
from sweeps.protocol.pack import Pack
from sweeps.training.record import failed, lines


class Committed:
    """Summaries of a study's records by trial id, updated as files appear in its folder.

    With `retry`, trials that failed before this run count as not recorded. Raises ValueError on a damaged file.
    """

    def __init__(self, folder: Path, study: Study, retry: bool = False):
        self.folder, self.study = folder, study
        # Listed before they are read: a file that comes in between is read twice rather than not at all.
        self.seen = {name.removesuffix(PACK) for name in listing(folder)}
        records, skipped = read_folder(folder, study.name)
        if skipped:
            raise ValueError('; '.join(skipped))
        if retry:
            records = {key: record for key, record in records.items() if record['status'] != 'failed'}
        self.records: dict[str, dict] = dict(records)

    def test_reads(self) -> Counter[str]:
        """How many of the records were scored on the sealed test split, by dataset."""
        datasets = {task.name: task.dataset for task in self.study.tasks}
        on_test = [record for record in self.records.values() if record['held'] == TEST and record['task'] in datasets]
        return Counter(datasets[record['task']] for record in on_test)

    def lacks(self, pack: Pack) -> bool:
        """Whether any trial of the pack is not recorded."""
        return any(trial.id not in self.records for trial in pack.trials)

    def recorded(self, pack: Pack) -> list[str]:
        """The ids of the pack's recorded trials; a worker does not record them again."""
        return [trial.id for trial in pack.trials if trial.id in self.records]

    def has(self, name: str) -> bool:
        """Whether the file of this name is there; files appear whole."""
        return self._file(name).exists()

    def take(self, name: str) -> list[dict]:
        """Read the file of this name; gives summaries of its records that are new or replace a failed one."""
        self.seen.add(name)
        fresh = []
        for record in map(summary, read_file(self._file(name), self.study.name)):
            if replaces(record, self.records.get(record['id'])):
                self.records[record['id']] = record
                fresh.append(record)
        return fresh

    def catch_up(self, pack: Pack) -> list[dict]:
        """Read files of the pack from another run, or from a worker that outlived its launcher."""
        fresh, attempt = [], 1
        while self.has(name := file_name(pack.id, attempt)):
            if name not in self.seen:
                fresh += self.take(name)
            attempt += 1
        return fresh

    def next_name(self, pack: Pack) -> str:
        """The name of the pack's next file; a new attempt after a failure gets a name of its own.

        By the files read so far, not by the files there: a file that has come since keeps its name, and is not doubled.
        """
        attempt = 1
        while file_name(pack.id, attempt) in self.seen:
            attempt += 1
        return file_name(pack.id, attempt)

    def fail(self, pack: Pack, name: str, reason: str) -> list[dict]:
        """Record that the pack could not be trained, unless its records have appeared; gives the new records."""
        how = {'strategy': '', 'lanes': 0}
        commit(self.folder, name, lines(failed(pack, reason), pack, self.recorded(pack), how))
        return self.take(name)

    def _file(self, name: str) -> Path:
        return self.folder / FOLDER / f'{name}{PACK}'
