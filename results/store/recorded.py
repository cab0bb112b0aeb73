"""Recorded: the records of a study, as summaries, and each one whole on demand."""

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path

from results.store import records
from results.store.summary import summary

OPEN_FILES = 64
"""How many record files stay in memory after a whole record was read from them."""


class Records(dict[str, dict]):
    """The records of a study by trial id: `records[id]` is a summary, `records.whole(id)` the whole record.

    `doubled` are the trials with two records that did not fail. It is a dict, because a large plan asks it a million times;
    nobody may change one.
    """

    def __init__(self, summaries: Mapping[str, dict], wholes: 'Mapping[str, dict] | RecordFiles', doubled: Iterable[str] = ()):
        super().__init__(summaries)
        self._wholes, self.doubled = wholes, tuple(sorted(doubled))

    @classmethod
    def of(cls, wholes: Iterable[dict], doubled: Iterable[str] = ()) -> 'Records':
        """Records made from whole records in memory.

        >>> records = Records.of([{'id': 'one', 'score': 0.5, 'curve': {'step': [0]}}])
        >>> records['one']
        {'id': 'one', 'score': 0.5}
        >>> records.whole('one')['curve']
        {'step': [0]}
        """
        by_id = {record['id']: record for record in wholes}
        return cls({key: summary(record) for key, record in by_id.items()}, by_id, doubled)

    def whole(self, trial_id: str) -> dict:
        """The whole record of a trial.

        Raises KeyError on an unknown trial. Raises ValueError with the file's name if the file is damaged or has changed.
        """
        return self._wholes[trial_id]


class RecordFiles:
    """Whole records by trial id, each read from its file on demand; `names` holds the names of the files."""

    def __init__(self, folder: Path, study: str, names: Mapping[str, str]):
        self.folder, self.study, self.names = folder, study, names
        self._read = functools.lru_cache(OPEN_FILES)(self._of_file)

    def _of_file(self, name: str) -> dict[str, dict]:
        by_id: dict[str, dict] = {}
        for record in records.read_file(self.folder / records.FOLDER / name, self.study):
            if records.replaces(record, by_id.get(record['id'])):
                by_id[record['id']] = record
        return by_id

    def __getitem__(self, trial_id: str) -> dict:
        name = self.names[trial_id]
        record = self._read(name).get(trial_id)
        if record is None:
            raise ValueError(f'{self.folder / records.FOLDER / name} changed while it was read; run the same command again')
        return record


def read_folder(folder: Path, study: str, files: dict[str, list[int]] | None = None) -> tuple[Records, list[str]]:
    """All sound records of a runs folder, and a sentence for each file that was skipped; `files` is its listing, where known.

    A trial that failed and ran again has records in two files. Then a record that did not fail counts, and among equals the
    first. The summaries of a large folder come from a cache (results/store/index.py), which only saves time.
    """
    files = records.listing(folder) if files is None else files
    if sum(size for size, _ in files.values()) >= records.LARGE:
        try:
            from results.store.index import read

            lines, skipped = read(folder, study, files)
        except (ImportError, OSError, ValueError):
            # Whatever is wrong there, the records themselves are the truth.
            pass
        else:
            chosen, doubled = _chosen(lines)
            names = {trial_id: name for trial_id, (name, _) in chosen.items()}
            summaries = {key: one for key, (_, one) in chosen.items()}
            return Records(summaries, RecordFiles(folder, study, names), doubled), skipped
    lines, skipped = [], []
    for name in files:
        try:
            lines += [(name, record) for record in records.read_file(folder / records.FOLDER / name, study)]
        except ValueError as error:
            skipped.append(str(error))
    chosen, doubled = _chosen(lines)
    return Records.of((record for _, record in chosen.values()), doubled), skipped


def _chosen(lines: Iterable[tuple[str, dict]]) -> tuple[dict[str, tuple[str, dict]], set[str]]:
    """The (file, record) that counts for each trial id, and the trials with two records."""
    chosen: dict[str, tuple[str, dict]] = {}
    doubled = set()
    for name, record in lines:
        trial_id = record['id']
        if trial_id in chosen and records.doubles(record, chosen[trial_id][1]):
            doubled.add(trial_id)
        if trial_id not in chosen or records.replaces(record, chosen[trial_id][1]):
            chosen[trial_id] = name, record
    return chosen, doubled
