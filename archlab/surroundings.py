"""Surroundings: whether the block file and the prepared sets of a study are still those that its records are of, and how
large its test splits are.

The checklist of a published study (results/verify.py) is of its records alone; these checks are of what lies around them now.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from results.store.reading import Reading
    from results.verify import Check


def surroundings(reading: 'Reading', data: Path | None = None) -> 'list[Check]':
    """The checks of a reading's block file, prepared sets and test splits.

    The sets are those of a `data` folder; without one those that the last run read, else those of the folder in use here.
    """
    return [_blocks(reading), _data(reading, data), _splits(reading)]


def _splits(reading: 'Reading') -> 'Check':
    from results.resolution import item_errors, resolutions, small_splits
    from results.verify import Check

    measured = {task.name: max(own) for task in reading.study.tasks if (own := item_errors(reading, task))}
    sizes = reading.manifest.get('test_sizes', {})
    small = small_splits(resolutions(reading.study, reading.records, reading.manifest, sizes, measured))
    return Check('test splits resolve their margins', True, f'warning, {small}' if small else 'as far as their sizes are known')


def _blocks(reading: 'Reading') -> 'Check':
    from results.verify import Check

    rule = 'the block file is the one that ran'
    now, planned = reading.study.blocks_hash, {trial.id for trial in reading.schedule.trials}
    # The hash is part of a trial's id, so only packs that are not planned any more can be of another file.
    packs = {record['pack']['id']: key for key, record in reading.records.items() if key not in planned}
    hashes = {pack: reading.records.whole(key).get('blocks') or '' for pack, key in packs.items()}
    others = {pack: one for pack, one in hashes.items() if one != now}
    if not others:
        return Check(rule, True, f'its hash is {now}' if now else "the study has no blocks of a user's own")
    named = ', '.join(sorted({one or 'none' for one in others.values()}))
    file = f'{reading.study.blocks} (hash {now})' if now else 'no block file'
    why = f'{len(others)} packs are of block files of other hashes ({named}) than {file}'
    if reading.schedule.complete and planned <= reading.records.keys():
        return Check(rule, True, f'{why}; they count nowhere, because the study has run with this one')
    return Check(rule, False, f'{why}; take the file that ran, or run the study again')


def _data(reading: 'Reading', data: Path | None) -> 'Check':
    from ablations.prepared_facts import sets_of
    from results.verify import Check
    from sweeps.datasets import prepared

    rule, names = 'the prepared data are whole', sorted({name for task in reading.study.tasks for name in sets_of(task.data)})
    absent, damaged, ran = [], [], reading.manifest.get('sets', {})
    for name in names:
        try:
            if (place := _place(reading, name, data)) is None:
                absent.append(name)
                continue
            made = prepared.find(name, place)
            made.pool(), made.test()
            if made.about['digest'] != ran.get(name, made.about['digest']):
                damaged.append(f"the set '{name}' is another (its digest is {made.about['digest']}) than ran ({ran[name]})")
        except ValueError as error:
            damaged.append(str(error))
    if damaged:
        return Check(rule, False, '; '.join(damaged))
    if not names:
        return Check(rule, True, 'the study reads no prepared set')
    there = [name for name in names if name not in absent]
    unknown = f'not checked: {", ".join(absent)}, which is not here; give --data the folder that holds it'
    why = f'every file of {", ".join(there)} matches its checksum'
    return Check(rule, True, '; '.join([why] * bool(there) + [unknown] * bool(absent)), tried=bool(there))


def _place(reading: 'Reading', name: str, data: Path | None) -> Path | None:
    """The data folder that holds a prepared set: the one that is given, that of the last run, or that in use; None without."""
    from ablations.locations import data_folder
    from sweeps import journal
    from sweeps.datasets import prepared

    last = journal.account(reading.folder).data if reading.folder else ''
    places = [data] if data else [*([Path(last)] if last else []), data_folder()]
    return next((place for place in places if prepared.is_prepared(name, place)), None)
