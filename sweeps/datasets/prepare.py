"""Prepare: from a source's own format to the prepared form; whole or not at all, and by one process at a time."""

import dataclasses
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from ablations.locations import data_folder, prepared_folder
from ablations.option_words import option
from results.store import atomic
from sweeps.datasets import catalog
from sweeps.datasets.aside import FIX, locked
from sweeps.datasets.dataset import Dataset
from sweeps.datasets.formats.allowance import FREE, Allowance, one_allowance
from sweeps.datasets.formats.labels import dense
from sweeps.datasets.material import Block, Material, Options, Progress
from sweeps.datasets.near_duplicates import LENGTHS, shared_shingles
from sweeps.datasets.origins import origins
from sweeps.datasets.prepared import ABOUT, SPLITS, Part, Prepared, check_name, finish, load, mapped
from sweeps.datasets.sources import read
from sweeps.datasets.sources.locate import beside, check
from sweeps.datasets.sources.strangers import strangers
from sweeps.datasets.targets import contradictions
from sweeps.datasets.telling_numbers import telling_numbers
from sweeps.datasets.unpacked import archives_of, unpacked
from sweeps.datasets.writing import Writing, example_hash, held_by_hash

UNPACKED = ('function', 'which_set')
"""The readers of what is packed nowhere: what a function makes, and sets that are prepared already."""
ALPHA = ('LA', 'PA', 'RGBA', 'RGBa')
"""The colour modes of images that say how clear each pixel is."""
NAMED, ENDINGS = 3, 5
"""How many classes, and endings of names, a sentence names."""


def find_source(name: str, data: Path | None = None) -> Path | None:
    """The folder of a set's files in the data folder, under one of its usual names, or None."""
    known = catalog.entry(name)
    marks = [*known.marks, *(archive.name for group in known.archives for archive in group)]
    for folder in (data_folder(data) / place for place in known.folders):
        if any(next(folder.glob(mark), None) for mark in marks):
            return folder
    return None


def prepare(
    name: str,
    source: Path | None = None,
    data: Path | None = None,
    called: str | None = None,
    options: Options | None = None,
    force: bool = False,
    progress: Progress = lambda stage, done, total: None,
) -> tuple[Prepared, bool]:
    """The prepared set of a name, and whether this call made it. An existing set stays, unless `force`.

    `called`: the name of the set, which a form such as 'text' needs. While another process prepares the same set, this one
    waits, and then takes that set. Archives are unpacked to a temporary folder beside the set. Raises ValueError if files are
    missing or damaged, if checksums are not the official ones, or if the existing set was made with other options; then nothing
    unfinished is left.
    """
    known, options = catalog.entry(name), options or Options()
    if known.form and called is None:
        raise ValueError(f"'{name}' is a form of data, not one set; give the set a name: --name my_set")
    called = check_name(called or name)
    if not (prepared_folder(data) / called / ABOUT).exists() or force:
        source = _existing(name, source if source is not None else find_source(name, data), data)
    return prepare_as(known, name, source, called, options, data, force, progress)


def prepare_as(
    known: Dataset,
    name: str,
    source: Path | None,
    called: str,
    options: Options,
    data: Path | None = None,
    force: bool = False,
    progress: Progress = lambda stage, done, total: None,
    facts: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Prepared, bool]:
    """The prepared set of files that are read as `known` says, and whether this call made it; as `prepare`.

    `name` is that of the entry or reader, for errors. `facts` are further entries of `about`, which an existing set must have.
    """
    folder = prepared_folder(data) / check_name(called)
    with locked(folder, lambda: progress('another process prepares it: waiting', 0, None)):
        if (folder / ABOUT).exists() and not force:
            return _with_options(load(folder), name, options, facts), False
        source = _existing(name, source, data)
        try:
            with one_allowance() as allowance:
                _make(folder, name, known, source, options, progress, facts, allowance)
        except ValueError as error:
            if said := strangers(source):
                raise ValueError(said) from error
            raise
    return load(folder), True


def _existing(name: str, source: Path | None, data: Path | None) -> Path:
    """The source. Raises ValueError if it is not there."""
    if source is None:
        known = catalog.entry(name)
        looked = ', '.join(dict.fromkeys(known.folders)) or 'nothing: it is a form of data'
        raise ValueError(
            f"no files of '{name}' under {data_folder(data)} (looked for {looked}); get {known.layouts}, from {known.origin}; "
            'then give the place: --source PATH'
        )
    return check(Path(source).expanduser())


def _with_options(prepared: Prepared, name: str, options: Options, facts: Mapping[str, str]) -> Prepared:
    if any(prepared.about.get(key) != value for key, value in facts.items()):
        raise ValueError(
            f'{prepared.folder} is prepared already, from another declaration than this one; add --force to prepare it again, '
            f"or give the task's set another name: {option('name')}"
        )
    made = prepared.about.get('options')
    asked = json.loads(json.dumps({'dataset': name, **dataclasses.asdict(options)}))
    # A set of an older version was made without the options of a newer one.
    differing = [f'{key} {made.get(key)!r}, not {value!r}' for key, value in asked.items() if made and made.get(key) != value]
    if differing:
        raise ValueError(
            f'{prepared.folder} is prepared already, with {"; ".join(differing)}; add --force to prepare it again, or give '
            f'another name: {option("name")}'
        )
    return prepared


def _make(
    folder: Path,
    name: str,
    known: Dataset,
    source: Path,
    options: Options,
    progress: Progress,
    facts: Mapping[str, str],
    allowance: Allowance,
) -> None:
    archives = archives_of(source, known)
    progress('comparing checksums', 0, None)
    of_archives = origins(list(archives), known.md5, options.unverified)
    with unpacked(folder, source, archives, known, progress) as unpacked_source:
        progress('looking at the files', 0, None)
        material = read(unpacked_source, options, known.reader)
        bounded = (lambda count: None) if known.reader['kind'] in UNPACKED else _bounded(source, material, allowance)
        if options.share is not None and material.test is not None and not material.by_hash:
            raise ValueError(
                f'{option("share", options.share)}, and the test split is {material.split or known.test}; leave share out, or '
                f'take it by hash: {option("split", "hash")}'
            )
        material.share = options.share or material.share
        _complete(name, [*material.lacking, *_fewer(material.counts, known)], options)
        progress('comparing checksums', 0, None)
        of_files = origins(material.files, known.md5, options.unverified)
        sources, notes = ([*one, *other] for one, other in zip(of_archives, of_files, strict=True))
        with atomic.replacing_folder(folder, FIX) as place:
            dropped, repeats, examples, classes, unseen = _write(place, material, progress, bounded)
            for split, count in examples.items():
                if not count:
                    raise ValueError(
                        f'{source}: no example for {split}; give more examples, or a source that has a {split} split'
                    )
            taken = {'pool': examples['pool'] + dropped, 'test': examples['test']}
            lacking = [*material.lacking, *_fewer(taken, known)]
            if unseen:
                lacking.append(_without_training(unseen, classes))
            # What was damaged was there: it is a lack that --skip-damaged allows.
            _complete(name, [] if len(material.skipped) and not unseen else lacking, options)
            notes += [*material.notes, *_notes(material, dropped, repeats), *_unread(unpacked_source, material)]
            notes += _contradictions(place, material)
            finish(
                place,
                {
                    'name': folder.name,
                    'kind': material.kind,
                    'about': known.about,
                    'unit': known.unit,
                    'classes': classes,
                    **({'rate': material.rate} if material.rate else {}),
                    **({} if material.target == 'class' else {'target': material.target, 'targets': material.targets}),
                    'sources': sources,
                    'options': {'dataset': name, **dataclasses.asdict(options)},
                    'partial': lacking or None,
                    'dropped': dropped,
                    'skipped': [line.replace(str(unpacked_source), str(source)) for line in material.skipped[:100]],
                    **_near(place, material.kind, progress),
                    'test_split': _test_split(material, known),
                    'licence': known.licence,
                    'citation': known.citation,
                    'origin': known.origin,
                    'notes': notes,
                    **material.facts,
                    **(_more(place, material, classes) if known.form else {}),
                    **facts,
                },
            )


def _more(place: Path, material: Material, classes: list[str] | None) -> dict:
    """What a task over a set of a user's own is derived from: the longest example, the characters of texts, and how far values
    lie from their median, on average; and what tells the answer alone."""
    part, facts = Part(**mapped(place / 'pool')), _telling(place, material, classes)
    if material.target == 'values':
        y = np.asarray(part.y, np.float64)
        facts['target_spread'] = np.nanmean(np.abs(y - np.nanmedian(y, 0)), 0).tolist()
    if not material.ragged:
        return facts
    facts |= {'longest': int(max(np.diff(Part(**mapped(place / split)).offsets).max(initial=0) for split in SPLITS))}
    if material.kind == 'texts':
        points: set[str] = set()
        for number in range(len(part)):
            points |= set(bytes(part.example(number)).decode('utf-8', 'ignore'))
        facts['characters'] = len(points)
    return facts


def _telling(place: Path, material: Material, classes: list[str] | None) -> dict:
    """What tells the answer alone; the readers of tables and of prepared sets look themselves."""
    if 'giveaways' in material.facts or 'features' in material.facts:
        return {}
    fields = material.stored[0]._fields if material.stored else ()
    stored = {name: [getattr(one, name) for one in material.stored] for name in fields}
    names = classes if material.target == 'class' else material.targets
    told = telling_numbers(material.kind, Part(**mapped(place / 'pool')), material.target, names, stored)
    return {'giveaways': told} if told else {}


def _test_split(material: Material, known: Dataset) -> str:
    """What the test split was taken by."""
    if material.test is None:
        return f'{material.share:g} of the examples, by hash of content'
    return material.split or known.test


def _without_training(unseen: list[int], classes: list[str] | None) -> str:
    """A sentence about classes that only the test split has."""
    shown = ', '.join(classes[number] for number in unseen[:NAMED]) + (', ...' if len(unseen) > NAMED else '')
    return f'{len(unseen)} of {len(classes)} classes have no example for training ({shown})'


def _unread(source: Path, material: Material) -> list[str]:
    """A note of how many files of a folder, and members of its archives, no reader takes, by their ending."""
    counts, read = Counter(material.unread), {path.resolve() for path in [*material.files, *material.lists]}
    for path in source.rglob('*') if source.is_dir() else ():
        if path.is_file() and path.resolve() not in read and not beside(path, source):
            counts[path.suffix.lower() or 'no ending'] += 1
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    listed = ', '.join(f'{count:,} {ending}' for ending, count in ordered[:ENDINGS])
    others = sum(count for _, count in ordered[ENDINGS:])
    return [f'not read: {listed}{f", {others:,} of other endings" if others else ""}'] if counts else []


def _contradictions(place: Path, material: Material) -> list[str]:
    """A note of equal examples with two classes."""
    part = Part(**mapped(place / 'pool'))
    if part.y is None or material.target != 'class' or material.grouped:
        return []
    count = contradictions(np.asarray(part.group), np.asarray(part.y))
    return [f'{count:,} examples of pool are equal to one of another class'] if count else []


def _fewer(counts: dict[str, int], known: Dataset) -> list[str]:
    """Sentences about splits with fewer examples than the official number."""
    return [
        f'{counts[split]:,} of {known.examples[split]:,} {split} examples'
        for split in SPLITS
        if split in counts and counts[split] < known.examples.get(split, 0)
    ]


def _complete(name: str, lacking: list[str], options: Options) -> None:
    if lacking and not options.partial:
        raise ValueError(
            f"'{name}' is not all there: {'; '.join(lacking)}; get the rest, or take what there is with {option('partial')} "
            '(which every result will show by its checksum)'
        )


def _bounded(source: Path, material: Material, allowance: Allowance) -> Callable[[int], None]:
    """A function that counts examples, and refuses more than the files of the source may hold."""
    taken = 0

    def count(examples: int) -> None:
        nonlocal taken
        # Most sets have fewer than those that are free, and need no look at the sizes of all their files.
        if taken <= FREE['examples'] < taken + examples:
            allowance.grow(material.files, ['examples'])
        taken += examples
        allowance.take(source, examples=examples)

    return count


def _write(
    place: Path, material: Material, progress: Progress, bounded: Callable[[int], None]
) -> tuple[int, dict, dict, list[str] | None, list[int]]:
    """Write both splits.

    Gives the number of pool examples dropped as test examples, repeats and examples by split, the names of the classes, and
    the numbers of the classes that only the test split has.
    """
    writers = {split: Writing(place / split, material.ragged, material.target) for split in SPLITS}
    try:
        dropped = _stream(writers, material, progress, bounded)
        ys, names = dense([writer.classes for writer in writers.values()], material.classes)
        repeats = {split: writer.close(y) for (split, writer), y in zip(writers.items(), ys, strict=True)}
    except BaseException:
        for writer in writers.values():
            writer.abandon()
        raise
    seen, tested = (set() if y is None else set(np.unique(y).tolist()) for y in ys)
    unseen = sorted(tested - seen)
    if unseen and names is None:
        names = [str(number) for number in range(max(tested | seen) + 1)]
    return dropped, repeats, {split: writer.examples for split, writer in writers.items()}, names, unseen


def _stream(writers: dict[str, Writing], material: Material, progress: Progress, bounded: Callable[[int], None]) -> int:
    sealed: set[bytes] = set()
    for xs, ys, digests in _hashed(material.test or (), 'test examples', material.counts.get('test'), progress):
        bounded(len(xs))
        writers['test'].add(xs, ys, digests)
        sealed.update(digests)
    dropped, taken = 0, 0
    for xs, ys, digests in _hashed(material.pool, 'examples', material.counts.get('pool'), progress):
        bounded(len(xs))
        if material.test is None:
            held = [held_by_hash(digest, material.share) for digest in digests]
            writers['test'].add(*_chosen(xs, ys, digests, held))
            new = [not one for one in held]
        else:
            new = [digest not in sealed for digest in digests]
            dropped += len(new) - sum(new)
        writers['pool'].add(*_chosen(xs, ys, digests, new))
        # What is known of the files of those that were not taken goes too.
        material.stored[taken : taken + len(xs)] = itertools.compress(material.stored[taken : taken + len(xs)], new)
        taken += sum(new)
    return dropped


def _hashed(blocks: Iterable[Block], stage: str, total: int | None, progress: Progress) -> Iterator[tuple]:
    done = 0
    for xs, ys, *told in blocks:
        yield xs, ys, told[0] if told else [example_hash(x) for x in xs]
        done += len(xs)
        progress(stage, done, total)


def _chosen(xs, ys, digests: list[bytes], wanted: list[bool]) -> tuple:
    if all(wanted):
        return xs, ys, digests
    places = [i for i, want in enumerate(wanted) if want]
    targets = None if ys is None else ys[places] if isinstance(ys, np.ndarray) else [ys[i] for i in places]
    return [xs[i] for i in places], targets, [digests[i] for i in places]


def _near(place: Path, kind: str, progress: Progress) -> dict:
    """Near-duplicates between the splits of a text, measured and recorded."""
    if kind not in LENGTHS:
        return {}
    pool, test = (Part(**mapped(place / split)) for split in SPLITS)
    progress('looking for near-duplicates', 0, len(pool.x))
    return {
        'near_duplicates': shared_shingles(
            pool, test, LENGTHS[kind], lambda done, total: progress('looking for near-duplicates', done, total)
        )
    }


def _notes(material: Material, dropped: int, repeats: dict[str, int]) -> list[str]:
    notes = []
    if dropped:
        group = ', or of its group,' if material.grouped else ''
        notes.append(f'{dropped:,} examples of the pool are identical to a test example{group} and were left out')
    shares = f'share the group of another one, {material.grouped}' if material.grouped else ''
    notes += [
        f'{count:,} examples of {split} {shares or "repeat another one of it; they share its group"}'
        for split, count in repeats.items()
        if count
    ]
    if clear := sum(getattr(one, 'colour_mode', '') in ALPHA for one in material.stored):
        notes.append(f'{clear:,} images of pool have an alpha channel, which is left out')
    if material.skipped:
        notes.append(f'{len(material.skipped):,} damaged examples were left out ({option("skip_damaged")})')
    return notes
