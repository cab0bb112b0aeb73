"""Sources: for each kind of source a function that finds its files and gives their examples as Material.

They are called as `READERS[kind](source, options, **fields)`. The catalog has the kind and the fields of each set. A source
raises ValueError on missing or damaged files, with the expected files and the likely fix.
"""

from collections.abc import Callable
from pathlib import Path

from sweeps.datasets.material import Material, Options
from sweeps.datasets.sources.array_files import arrays_of_file, of_function
from sweeps.datasets.sources.image_masks import image_masks
from sweeps.datasets.sources.image_sets import cifar, folder, idx, parquet_images, webdataset
from sweeps.datasets.sources.model_answers import model_answers
from sweeps.datasets.sources.sequence_records import fasta
from sweeps.datasets.sources.signals import series, spoken_digits, ts, wav_folder
from sweeps.datasets.sources.tables import tables
from sweeps.datasets.sources.texts import documents, lines, one_text, shards, text_lines, wikitext
from sweeps.datasets.sources.which_set import which_set

READERS: dict[str, Callable[..., Material]] = {
    'idx': idx,
    'cifar': cifar,
    'folder': folder,
    'image_masks': image_masks,
    'parquet_images': parquet_images,
    'webdataset': webdataset,
    'one_text': one_text,
    'documents': documents,
    'wikitext': wikitext,
    'shards': shards,
    'lines': lines,
    'fasta': fasta,
    'spoken_digits': spoken_digits,
    'series': series,
    'ts': ts,
    'wav_folder': wav_folder,
    'text_lines': text_lines,
    'tables': tables,
    'arrays': arrays_of_file,
    'function': of_function,
    'which_set': which_set,
    'model_answers': model_answers,
}


def read(source: Path, options: Options, spec: dict) -> Material:
    """The material of a source, by the catalog's spec of its reader."""
    fields = {name: value for name, value in spec.items() if name != 'kind'}
    return READERS[spec['kind']](source, options, **fields)
