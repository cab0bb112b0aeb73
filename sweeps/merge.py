"""Merge: the records of one study from another runs folder, such as that of a machine with a GPU. The first writer wins."""

import dataclasses
import itertools
from collections import Counter
from pathlib import Path

from ablations.trial import TEST
from results.store import atomic, defined
from results.store.compressed import compress
from results.store.recorded import read_folder
from results.store.records import FOLDER, PACK, commit, doubles, file_name, listing, prepare, read_file, replaces
from sweeps import manifest as manifests


@dataclasses.dataclass
class Merged:
    """What a merge did: trials `added`, those that were `known` with the same score, and those recorded on both sides with an
    `unlike` one (the target's stays). `sources` counts the added trials by the hash of the sources that trained them."""

    study: str
    added: int = 0
    known: int = 0
    unlike: list[str] = dataclasses.field(default_factory=list)
    sources: Counter = dataclasses.field(default_factory=Counter)


def merge(source: Path, target: Path) -> Merged:
    """Add the records of a study's folder to another folder of that study; a killed merge is done again whole.

    Counts of looks and of reads of test data are added too. Raises ValueError for a damaged folder, and for folders of
    different studies.
    """
    if not (source / FOLDER).is_dir():
        raise ValueError(f'no records in {source}; give a runs folder, or the folder of one study in it')
    name = source.name
    theirs = manifests.load(source)
    prepare(target)
    with manifests.locked(target), atomic.swept(target / FOLDER):
        ours = manifests.load(target)
        for folder, one in ((source, theirs), (target, ours)):
            if one.get('study', name) != name:
                raise ValueError(
                    f"{folder / manifests.FILE} is of study '{one['study']}', not '{name}'; move it away, or undo that"
                )
        digests = [one['digest'] for one in (ours, theirs) if 'digest' in one]
        if len(set(digests)) > 1:
            raise ValueError(
                f'{source} is of a study with digest {theirs["digest"]}, {target} of one with {ours["digest"]}; allowed: '
                'records of one definition'
            )
        sets = [one.get('sets', {}) for one in (ours, theirs)]
        if other := [name for name in sets[0].keys() & sets[1].keys() if sets[0][name] != sets[1][name]]:
            one = min(other)
            raise ValueError(
                f"{source} ran with another version of the prepared set '{one}' ({sets[1][one]}) than {target} "
                f'({sets[0][one]}); allowed: records of one version of the data'
            )
        if 'digest' not in ours:
            ours = manifests.update(target, ours, **{**theirs, 'test_reads': {}})
        if (definition := defined.load(source)) is not None and not (target / defined.FILE).exists():
            defined.save_as(target, definition)
        told, packs = _missing(source, target, name)
        added = [record for fresh in packs.values() for record in fresh]
        # Counted before they come: a merge that is killed in between counts them twice rather than not at all.
        reads = Counter(ours['test_reads']) + Counter(one['dataset'] for one in added if one['held'] == TEST)
        manifests.update(target, ours, test_reads=dict(reads), looks=sorted({*ours['looks'], *theirs['looks']}))
        for free, fresh in packs.items():
            commit(target, free, [{**one, 'pack': {**one['pack'], 'records': len(fresh)}} for one in fresh])
    told.added = len(added)
    told.sources.update((one.get('environment') or {}).get('source', 'not known') for one in added)
    return told


def compressed(folder: Path) -> int:
    """Put all records of a study's folder into one compressed file; gives how many it holds. Raises ValueError where it is
    damaged, or a run is at work in it."""
    with manifests.locked(folder):
        return compress(folder, folder.name)


def _missing(source: Path, target: Path, study: str) -> tuple[Merged, dict[str, list[dict]]]:
    """The records of the target, and the records that it lacks, by the names of their files there."""
    there, skipped = read_folder(target, study)
    if skipped:
        raise ValueError('; '.join(skipped))
    known, told, packs = dict(there), Merged(study), {}
    taken = {name.removesuffix(PACK) for name in listing(target)}
    for name in listing(source):
        lines = read_file(source / FOLDER / name, study)
        for pack, group in itertools.groupby(lines, key=lambda record: record['pack']['id']):
            fresh = []
            for record in group:
                before = known.get(record['id'])
                if replaces(record, before):
                    known[record['id']] = record
                    fresh.append(record)
                elif not doubles(record, before) or before['score'] == record['score']:
                    told.known += 1
                else:
                    told.unlike.append(record['id'])
            if fresh:
                free = next(one for one in (file_name(pack, attempt) for attempt in itertools.count(1)) if one not in taken)
                packs[free] = fresh
                taken.add(free)
    return told, packs
