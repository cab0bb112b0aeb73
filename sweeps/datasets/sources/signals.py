"""Signals: spoken digits and time series."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sweeps.datasets.material import Block, Material, Options, blocks, of_arrays
from sweeps.datasets.sources.locate import check, with_endings

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
                raise ValueError(f'{error}; repair or remove it, or leave such files out with --skip-damaged') from None
            skipped.append(str(error))
            continue
        if own_rate != rate:
            raise ValueError(f'{path}: {own_rate} Hz, those before have {rate} Hz; bring all recordings to one rate')
        yield samples, digit


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
                    f'; there are the sets {", ".join(sets)}: give --source one of these folders'
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
    return Material(
        'series',
        of_arrays(*splits['pool']),
        of_arrays(*splits['test']),
        list(files.values()),
        [f'{label:g}' for label in classes],
        counts={split: len(y) for split, (_, y) in splits.items()},
    )
