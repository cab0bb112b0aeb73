"""Signals: spoken digits and time series."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ablations.option_words import option
from sweeps.datasets.material import Block, Material, Options, blocks, by_split, of_arrays, of_targets
from sweeps.datasets.sources.division import of_folders
from sweeps.datasets.sources.locate import PACKED, check, with_endings

RECORDING = re.compile(r'(\d)_([A-Za-z]+)_(\d+)\.wav', re.IGNORECASE)
HELD = range(5)
"""The recordings of each digit and speaker that are the official test split."""


def spoken_digits(source: Path, options: Options) -> Material:
    """The free spoken digit dataset: recordings of one rate, with the digit as class."""
    from sweeps.datasets.formats.wav import read_wav

    paths = with_endings(source, ('.wav',))
    named = [(path, RECORDING.fullmatch(path.name)) for path in paths]
    wrong = [path.name for path, match in named if match is None]
    if wrong:
        raise ValueError(
            f'{source}: {wrong[0]} and {len(wrong) - 1} others; allowed names: DIGIT_SPEAKER_INDEX.wav; remove them'
        )
    skipped: list[str] = []
    rate = read_wav(paths[0])[0]
    splits = {
        'pool': [(path, int(match[1])) for path, match in named if int(match[3]) not in HELD],
        'test': [(path, int(match[1])) for path, match in named if int(match[3]) in HELD],
    }

    def stream(pairs: list[tuple[Path, int]]) -> Iterator[Block]:
        return blocks(_recordings(pairs, rate, options, skipped))

    return Material(
        'sounds',
        stream(splits['pool']),
        stream(splits['test']),
        paths,
        [str(digit) for digit in range(10)],
        rate,
        counts={split: len(pairs) for split, pairs in splits.items()},
        skipped=skipped,
    )


def _recordings(pairs: list, rate: int, options: Options, skipped: list[str]) -> Iterator[tuple[np.ndarray, int]]:
    from sweeps.datasets.formats.wav import read_wav

    for path, digit in pairs:
        try:
            own_rate, samples = read_wav(path)
        except ValueError as error:
            if not options.skip_damaged:
                raise ValueError(
                    f'{error}; repair or remove it, or leave such files out with {option("skip_damaged")}'
                ) from None
            skipped.append(str(error))
            continue
        if own_rate != rate:
            raise ValueError(f'{path}: {own_rate} Hz, those before have {rate} Hz; bring all recordings to one rate')
        yield samples, digit


def wav_folder(source: Path, options: Options) -> Material:
    """Recordings of one rate in a folder for each class, below `train` and `test` where there are such folders."""
    from sweeps.datasets.formats.folders import read_class_folders
    from sweeps.datasets.formats.wav import read_wav

    classes, splits, aside, _ = read_class_folders(check(source), ('.wav',))
    pool, test = of_folders(splits, source, options)
    rate, skipped = read_wav(pool[0][0])[0], []
    return Material(
        'sounds',
        blocks(_recordings(pool, rate, options, skipped)),
        blocks(_recordings(test, rate, options, skipped)) if test else None,
        [path for path, _ in [*pool, *(test or [])]],
        classes,
        rate,
        counts={'pool': len(pool), 'test': len(test)} if test else {},
        skipped=skipped,
        notes=[f'{len(aside):,} recordings for testing have no class: they are left aside'] if aside else [],
        split=f'the folder {"test" if splits.get("test") else "val"}' if test else '',
        lists=aside,
    )


def ts(source: Path, options: Options) -> Material:
    """Series of .ts files: NAME_TRAIN.ts and NAME_TEST.ts, or others by their names; one file is split by hash of content.

    Shorter series are filled with zeros at the end, with a note. The target is a class, or a number where the files say so.
    """
    from sweeps.datasets.formats.ts_files import read_ts

    paths = with_endings(source, tuple(f'.ts{packed}' for packed in PACKED))
    split = by_split(paths, source, options.split)
    pool, test = ([read_ts(path) for path in some] for some in (split.pool, split.test))
    all_series = [one for file in (*pool, *test) for one in file.series]
    widths = sorted({one.shape[1] for one in all_series})
    if len(widths) > 1:
        raise ValueError(f'{source}: series of {widths} dimensions; allowed: one number in all files; give those of one set')
    lengths = [len(one) for one in all_series]
    longest, short = max(lengths), sum(length < max(lengths) for length in lengths)
    notes = [f'{short:,} of {len(all_series):,} series are shorter than {longest} and were filled with zeros'] if short else []
    numbers = pool[0].numbers
    # Numbers sort as numbers, words as words.
    named = sorted({word for file in (*pool, *test) for word in file.words}, key=lambda word: (_as_number(word), word))
    places = {word: place for place, word in enumerate(named)}

    def stream(files: list) -> Iterator[Block]:
        xs = np.zeros((sum(len(file.series) for file in files), longest, widths[0]), np.float32)
        for row, one in enumerate(one for file in files for one in file.series):
            xs[row, : len(one)] = one
        words = [word for file in files for word in file.words]
        y = [[_as_number(word)] for word in words] if numbers else [places[word] for word in words]
        return of_targets(xs if widths[0] > 1 else xs[..., 0], np.array(y, np.float32 if numbers else np.int64))

    if numbers and not np.isfinite([_as_number(word) for word in named]).all():
        raise ValueError(f'{source}: a target is no number (@targetLabel true); mend the line')
    return Material(
        'series',
        stream(pool),
        stream(test) if test else None,
        paths,
        None if numbers else named,
        counts={name: sum(len(one.series) for one in some) for name, some in (('pool', pool), ('test', test)) if some},
        notes=notes,
        split=split.said,
        target='values' if numbers else 'class',
        targets=['target'] if numbers else None,
    )


def _as_number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return float('inf')


def series(source: Path, options: Options) -> Material:
    """One set of the UCR archive: NAME_TRAIN and NAME_TEST, TSV or ARFF, the class first or last in each line."""
    from sweeps.datasets.formats.series_files import read_series

    check(source)
    folder = source if source.is_dir() else source.parent
    files = {}
    for split, word in (('pool', 'TRAIN'), ('test', 'TEST')):
        tables = [path for ending in ('tsv', 'txt', 'arff') for path in sorted(folder.glob(f'*_{word}.{ending}*'))]
        if not tables:
            sets = sorted({path.parent.name for path in folder.glob(f'*/*_{word}.*')})
            raise ValueError(
                f'{folder}: no NAME_{word}.tsv'
                + (
                    f'; there are the sets {", ".join(sets)}: give one of these folders: {option("source")}'
                    if sets
                    else '; get both files'
                )
            )
        files[split] = tables[0]
    read = {split: read_series(path) for split, path in files.items()}
    classes = sorted({float(label) for _, y in read.values() for label in y.tolist()})
    if read['pool'][0].shape[1:] != read['test'][0].shape[1:]:
        raise ValueError(f'{folder}: series of {[x.shape[1] for x, _ in read.values()]} values; give both splits one length')
    splits = {split: (x, np.searchsorted(classes, y.astype(float)).astype(np.int32)) for split, (x, y) in read.items()}
    if options.split == 'hash':
        splits = {'pool': tuple(np.concatenate([splits[split][i] for split in ('pool', 'test')]) for i in (0, 1))}
    return Material(
        'series',
        of_arrays(*splits['pool']),
        of_arrays(*splits['test']) if 'test' in splits else None,
        list(files.values()),
        [f'{label:g}' for label in classes],
        counts={split: len(y) for split, (_, y) in splits.items()},
    )
