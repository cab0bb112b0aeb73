"""Own task: a task over data of a user's own, as his file declares it; what he does not state is derived from the data.

A file declares one at its top level, and a study names it by file and name:

    retina = task(source='photos', read='image_folder')        # in my_task.py
    study = Study(..., tasks=('digits', 'my_task.py:retina'))  # in the study's file

Nothing is read when it is declared. `archlab data prepare my_task.py:retina` reads the source, and `derived.py` makes a Task of
the declaration and of what is known then.
"""

import dataclasses
import inspect
import re
from collections.abc import Callable, Mapping

from ablations.config import closest, plain
from ablations.digest import digest
from ablations.option_words import in_a_file, option
from ablations.tasks.task import DIRECTIONS

_COLUMNS = ('inputs', 'target', 'form', 'predict', 'group', 'size', 'grey')
READERS = {
    'image_folder': ('size', 'grey'),
    'image_masks': ('size', 'grey'),
    'parquet_images': ('size', 'grey', 'target'),
    'webdataset': ('size', 'grey'),
    'csv': _COLUMNS,
    'parquet': _COLUMNS,
    'json_lines': _COLUMNS,
    'text': ('inputs', 'mark'),
    'lines': (),
    'smiles': (),
    'fasta': ('form',),
    'tokens': ('token_type', 'separator'),
    'wav_folder': (),
    'ts': (),
    'ucr': (),
    'arrays': ('form', 'predict'),
    'function': ('form', 'predict'),
    'which_set': ('size', 'grey', 'jpeg'),
}
"""How a source is read, and the options that this reader takes beside COMMON. sweeps/datasets/own.py has the readers."""
COMMON = ('split', 'share', 'partial', 'skip_damaged')
ENDINGS = {
    '.csv': 'csv',
    '.tsv': 'csv',
    '.parquet': 'parquet',
    '.jsonl': 'json_lines',
    '.txt': 'text',
    '.npz': 'arrays',
    '.ts': 'ts',
    '.tar': 'webdataset',
    '.smi': 'smiles',
    **{f'{form}{packed}': 'fasta' for form in ('.fasta', '.fa', '.faa', '.fna', '.ffn') for packed in ('', '.gz')},
}
"""What the ending of a file tells of its reader."""
FORMS = ('table', 'text', 'smiles', 'images', 'sounds', 'series')
"""The forms of inputs, if they do not tell theirs; of columns images and sounds are paths of files."""
SEQUENCES = ('nucleotides', 'amino_acids')
"""The forms of sequences in FASTA files, if their letters do not tell theirs."""
PREDICTED = ('class', 'values', 'labels', 'map', 'tokens')
"""What is predicted: a class, numbers, any of several labels, a class at each place, or the next token."""
SPLIT = re.compile(r'names|hash|column:.+')


@dataclasses.dataclass(frozen=True, kw_only=True)
class OwnTask:
    """A task over data of a user's own. Only `source` must be given, and `read` where the name of a file does not tell it.

    source      a file or folder, beside the file that declares the task; or a function of that file which gives arrays; or, to
                ask which of them an example comes from, the names of prepared sets: ('cifar10', 'photos')
    read        how it is read, one of READERS
    dataset     the name of the prepared set; the task's own unless given. Alone, without a source: a set prepared already

    Options of readers (the same as of `archlab data prepare --as`):
    inputs      column or columns of the input; unless given, all that are not named otherwise
    target      column or columns of what is predicted
    form        what inputs are, one of FORMS, where they do not tell; of FASTA files one of SEQUENCES
    predict     one of PREDICTED, where the target does not tell
    split       what the test split is taken by: 'names' of files, 'hash' of content, or 'column:NAME' with test, train, valid
    share       the share of examples that is the test split by hash, .1 unless given
    group       a column whose equal values a split must not tear: patients, scaffolds, speakers
    size, grey  height and width that images are brought to; one channel
    jpeg        the quality of JPEG in which images of several sets are written alike
    mark        what ends a document in a text file
    token_type, separator   of shards of tokens that do not say it
    partial, skip_damaged   take an incomplete set; leave damaged examples out, counted

    How examples become batches (fields of the kinds in sweeps/tasks; `data` takes any other of them):
    held, train             examples that a replicate holds for tuning-validation, and trains on (0: all others)
    length, spacing, tokens, vocabulary, tokenizer, augment, data

    What is judged: metric, unit, direction, margin, chance, domain. The budget: steps, batch, evaluations. The model: base.
    `name` is the variable's unless given.
    """

    source: str | Callable[[], Mapping] | tuple[str, ...] | None = None
    read: str = ''
    dataset: str = ''
    inputs: tuple[str, ...] | str | None = None
    target: tuple[str, ...] | str | None = None
    form: str | None = None
    predict: str | None = None
    split: str | None = None
    share: float | None = None
    group: str | None = None
    size: int | None = None
    grey: bool = False
    jpeg: int | None = None
    mark: str | None = None
    token_type: str | None = None
    separator: str | None = None
    partial: bool = False
    skip_damaged: bool = False
    held: int | None = None
    train: int | None = None
    length: int | None = None
    spacing: int | None = None
    tokens: str | None = None
    vocabulary: int | None = None
    tokenizer: str | None = None
    augment: tuple[dict, ...] | list[dict] | None = None
    data: dict = dataclasses.field(default_factory=dict)
    metric: str | None = None
    unit: str | None = None
    direction: str | None = None
    margin: float | None = None
    chance: float | None = None
    steps: int | None = None
    batch: int | None = None
    evaluations: int | None = None
    base: dict | None = None
    domain: str | None = None
    name: str | None = None

    def __post_init__(self):
        with in_a_file():
            self._check()

    def _check(self) -> None:
        self._check_types()
        if self.source is None and not self.dataset:
            raise ValueError(
                "a task of your own without a source; give source='FOLDER' (or a file, or a function that gives arrays), or "
                "dataset='NAME' of a set that is prepared already"
            )
        # What a lambda does stands in the task itself, whose other fields may change without changing the data.
        plain_function = inspect.isfunction(self.source) and self.source.__name__ != '<lambda>'
        if isinstance(self.source, (list, tuple)):
            object.__setattr__(self, 'source', _sets(self.source))
        elif self.source is not None and not (plain_function or isinstance(self.source, str)):
            raise ValueError(
                f'source={self.source!r}; allowed: a path in quotes, a function of the file (def) that gives arrays, or the '
                'names of prepared sets'
            )
        object.__setattr__(self, 'inputs', _columns('inputs', self.inputs))
        object.__setattr__(self, 'target', _columns('target', self.target))
        if self.source is not None:
            object.__setattr__(self, 'read', self._reader())
            check_options(self.read, self.options)
        elif self.read or any(value for value in self.options.values()):
            given = [name for name, value in {'read': self.read, **self.options}.items() if value]
            raise ValueError(f"dataset='{self.dataset}' is prepared already, so {given} would not be read; give source too")
        if self.direction is not None and self.direction not in DIRECTIONS:
            raise ValueError(f'direction={self.direction!r}; allowed: {list(DIRECTIONS)}')
        plain({'data': self.data, 'base': self.base or {}, 'augment': list(self.augment or ())}, 'task')

    def _check_types(self) -> None:
        """Raise ValueError for a field of another type than its reader or kind takes."""
        for names, kind, what in TYPES:
            for name in names:
                value = getattr(self, name)
                wrong = not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)
                if value is not None and wrong:
                    raise ValueError(f'{name}={value!r}; allowed: {what}')
        for name, least in LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f'{name}={value}; allowed: {least} or more')

    def _reader(self) -> str:
        """The name of the reader, as given or by the ending of the source's name."""
        given = self.read.replace('-', '_') if isinstance(self.read, str) else self.read
        if callable(self.source):
            if given not in ('', 'function'):
                raise ValueError(f"read='{self.read}' of a function; leave it out, or give source the path of a file")
            return 'function'
        if isinstance(self.source, tuple):
            if given not in ('', 'which_set'):
                raise ValueError(f"read='{self.read}' of several sets; leave it out, or give source one path")
            return 'which_set'
        if given == 'which_set':
            raise ValueError(f"read='which_set' of source={self.source!r}; give source the names of prepared sets: ('a', 'b')")
        ending = next((ending for ending in ENDINGS if self.source.lower().rstrip('/').endswith(ending)), None)
        if not given and ending is None:
            raise ValueError(f"source='{self.source}': how to read it is not told by its name; give read=, one of {_readers()}")
        return check_reader(given or ENDINGS[ending])

    @property
    def sets(self) -> tuple[str, ...]:
        """The prepared sets that it asks to be told apart."""
        return self.source if isinstance(self.source, tuple) else ()

    @property
    def options(self) -> dict:
        """The options of its reader, with what they are unless given."""
        return {name: getattr(self, name) for name in (*OPTIONS, *COMMON)}

    def declared(self, code: str = '') -> str:
        """The hash of what its data are made of: source, reader and options, and of a function the `code` of its file."""
        source = f'function {self.source.__name__}: {code}' if callable(self.source) else self.source
        source = list(source) if isinstance(source, tuple) else source
        given = {name: value for name, value in self.options.items() if value is not None and value is not False}
        return digest(plain({'source': source, 'read': self.read, **given}, 'task'))


LEAST = {'jpeg': 1, 'held': 1, 'train': 0, 'length': 1, 'spacing': 0, 'vocabulary': 2, 'steps': 1, 'batch': 1, 'evaluations': 1}
"""The least that counts may be."""
_TEXTS = ('read', 'dataset', 'form', 'predict', 'split', 'group', 'mark', 'token_type', 'separator', 'tokens', 'tokenizer')
TYPES = (
    (tuple(LEAST), int, 'a whole number'),
    (('grey', 'partial', 'skip_damaged'), bool, 'True or False'),
    ((*_TEXTS, 'metric', 'unit', 'direction', 'domain', 'name'), str, 'a text in quotes'),
    (('margin', 'chance'), (int, float), 'a number'),
    (('augment',), (tuple, list), 'a list of specs, such as [{"kind": "flip"}]'),
    (('data', 'base'), dict, 'a dictionary'),
)
"""Fields, their type, and what is said of another."""
OPTIONS = tuple(dict.fromkeys(name for names in READERS.values() for name in names))
"""All options of readers but COMMON."""


def _columns(name: str, given: tuple | list | str | None) -> tuple[str, ...] | None:
    columns = (given,) if isinstance(given, str) else given
    if columns is None:
        return None
    if not isinstance(columns, (tuple, list)) or not columns or not all(isinstance(one, str) and one for one in columns):
        raise ValueError(f'{name}={given!r}; allowed: the name of a column, or a tuple of such names')
    if len(set(columns)) < len(columns):
        raise ValueError(f'{name}={given!r} names a column twice; name each once')
    return tuple(columns)


def _sets(given: tuple | list) -> tuple[str, ...]:
    if len(given) < 2 or len(set(given)) < len(given) or not all(isinstance(one, str) and one for one in given):
        raise ValueError(f"source={given!r}; allowed: the names of two or more prepared sets, each once, such as ('a', 'b')")
    return tuple(given)


def _readers() -> list[str]:
    return [name for name in READERS if name not in ('function', 'which_set')]


def check_reader(name: str) -> str:
    """The name of a reader, with _ for -; raises ValueError for one that there is not.

    >>> check_reader('image-folder')
    'image_folder'
    """
    known = name.replace('-', '_') if isinstance(name, str) else name
    if known not in READERS:
        raise ValueError(f"no reader '{name}'; allowed: {_readers()}.{closest(known, READERS)}")
    return known


def check_options(reader: str, options: Mapping[str, object]) -> None:
    """Raise ValueError for an option of another reader, or a value of no option."""
    takes = (*READERS[check_reader(reader)], *COMMON)
    for name, value in options.items():
        if value is not None and value is not False and name not in takes:
            raise ValueError(f"{option(name, value)}: reader '{reader}' takes no such option; it takes {', '.join(takes)}")
    for name, allowed in (('form', SEQUENCES if reader == 'fasta' else FORMS), ('predict', PREDICTED)):
        if (value := options.get(name)) is not None and value not in allowed:
            raise ValueError(f'{option(name, value)}; allowed: {list(allowed)}.{closest(value, allowed)}')
    split, share = options.get('split'), options.get('share')
    if split is not None and not (isinstance(split, str) and SPLIT.fullmatch(split)):
        raise ValueError(f'{option("split", split)}; allowed: names (of files), hash (of content) or column:NAME')
    if split is not None and split.startswith('column:') and 'inputs' not in takes:
        raise ValueError(f"{option('split', split)}: reader '{reader}' reads no columns; allowed: names or hash")
    number = isinstance(share, (int, float)) and not isinstance(share, bool)
    if share is not None and not (number and 0 < share < 1):
        raise ValueError(f'{option("share", share)}; allowed: a share between 0 and 1, such as .1')
    for name in ('size',):
        value = options.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise ValueError(f'{option(name, value)}; allowed: a whole number of pixels above 0')
