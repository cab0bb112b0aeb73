"""Own sets: sets that no catalogue knows, prepared by the name of a reader, or as a task file declares them.

`ablations/tasks/own_task.py` says which options a reader takes; here is what each of them is.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from ablations.option_words import in_a_file, option
from ablations.task_files import Declared
from ablations.tasks import SETS, own_task
from sweeps.datasets.catalog import DATASETS
from sweeps.datasets.dataset import Dataset
from sweeps.datasets.material import Options, Progress
from sweeps.datasets.prepare import prepare_as
from sweeps.datasets.prepared import Prepared, find
from sweeps.datasets.sources.locate import check


def _own(holds: str, unit: str, test: str, layouts: str, **reader: object) -> Dataset:
    return Dataset(
        about='a set of your own',
        kind=holds,
        unit=unit,
        licence='not stated',
        citation='',
        origin='your own files',
        test=test,
        layouts=layouts,
        reader=reader,
        form=True,
    )


_HASH = 'a share of the examples, by hash of content'
_FOLDERS = f'the folder test (or val) where there is one, else {_HASH}'
_NAMES = f'the files named test* (or val*) where there are any, else {_HASH}'
OWN: dict[str, Dataset] = {
    'image_folder': _own('images', 'an image', _FOLDERS, 'a folder for each class', kind='folder', layout='any'),
    'image_masks': _own('images', 'an image', _FOLDERS, 'a folder images and a folder masks', kind='image_masks'),
    'parquet_images': _own('images', 'an image', _NAMES, 'Parquet files with images', kind='parquet_images'),
    'webdataset': _own('images', 'an image', _NAMES, 'tar shards of images with cls or json', kind='webdataset'),
    **{
        format: _own('tables', 'a row', _NAMES, f'{name} with columns', kind='tables', format=format)
        for format, name in (('csv', 'CSV files'), ('parquet', 'Parquet files'), ('json_lines', 'JSON lines'))
    },
    'text': _own('texts', 'a document', _NAMES, '*.txt, *.json, *.jsonl or *.parquet', kind='documents'),
    'lines': _own('texts', 'a line', _NAMES, 'text files, one example a line', kind='text_lines'),
    'smiles': _own('molecules', 'a molecule', _NAMES, 'text files, one SMILES a line', kind='lines'),
    'fasta': _own('texts', 'a record', _NAMES, 'FASTA files (*.fasta, *.fa, *.faa, *.fna, *.ffn)', kind='fasta'),
    'tokens': _own('tokens', 'a document', _NAMES, 'shards of tokens (*.bin)', kind='shards', share=0.1),
    'wav_folder': _own('sounds', 'a recording', _FOLDERS, 'a folder of WAV files for each class', kind='wav_folder'),
    'ts': _own('series', 'a series', _NAMES, 'NAME_TRAIN.ts and NAME_TEST.ts', kind='ts'),
    'ucr': _own('series', 'a series', 'the file *_TEST', 'NAME_TRAIN.tsv and NAME_TEST.tsv', kind='series'),
    'arrays': _own('series', 'an example', f'x_test where there is one, else {_HASH}', 'an .npz file', kind='arrays'),
    'which_set': _own('images', 'an example', "each set's own test split", 'prepared sets', kind='which_set'),
    'function': _own('series', 'an example', f'x_test where there is one, else {_HASH}', 'a function', kind='function'),
}
"""Readers of sets of a user's own, by the name that `--as` and `read=` take."""
FIELD_OF = {'text': 'inputs', 'parquet_images': 'target'}
"""The option for the one column that these readers take as `field`."""


def options_of(reader: str, given: Mapping[str, object]) -> Options:
    """The options of a reader; raises ValueError for one that it does not take."""
    given = {name: value for name, value in given.items() if value is not None and value is not False}
    own_task.check_options(reader, given)
    if reader in FIELD_OF and FIELD_OF[reader] in given:
        columns = given.pop(FIELD_OF[reader])
        if len(columns) != 1:
            raise ValueError(f"{option(FIELD_OF[reader], columns)}: reader '{reader}' takes one column; name one")
        given['field'] = columns[0]
    return Options(**given)


def prepare_own(
    reader: str,
    source: Path,
    called: str,
    options: Options,
    data: Path | None = None,
    force: bool = False,
    progress: Progress = lambda stage, done, total: None,
) -> tuple[Prepared, bool]:
    """The prepared set of files of a user's own, and whether this call made it; as `prepare`, by the name of a reader.

    Raises ValueError for the name of a set that the lab knows.
    """
    if called in SETS or called in DATASETS:
        raise ValueError(f"--name '{called}' is that of a set of the lab; give yours another name")
    return prepare_as(
        OWN[own_task.check_reader(reader)], reader, check(source.expanduser()), called, options, data, force, progress
    )


def prepare_declared(
    one: Declared, data: Path | None = None, force: bool = False, progress: Progress = lambda stage, done, total: None
) -> tuple[Prepared, bool]:
    """The prepared set of a task that a file declares; raises ValueError for one that names a set prepared otherwise."""
    own = one.own
    if own.source is None:
        raise ValueError(f"it reads the set '{one.dataset}' and does not make it: it has no source; prepare that set by itself")
    with in_a_file():
        known, options = OWN[own.read], options_of(own.read, own.options)
        if callable(own.source):
            known = _reading(known, function=own.source)
        if own.read == 'which_set':
            known = _reading(known, sets=own.sets, data=data)
        facts = {'declared': one.hash}
        if own.sets:
            facts['sets'] = {name: find(name, data).about['digest'] for name in own.sets}
        return prepare_as(known, own.read, check(one.source), one.dataset, options, data, force, progress, facts)


def _reading(known: Dataset, **fields: object) -> Dataset:
    """The entry with further fields of its reader."""
    return dataclasses.replace(known, reader={**known.reader, **fields})
