"""Column inputs: what columns of a table show of each row: features, a text, or a molecule."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ablations.option_words import option
from sweeps.datasets.formats.columns import Value
from sweeps.datasets.formats.image_files import decode
from sweeps.datasets.formats.lines import SMILES
from sweeps.datasets.formats.wav import read_wav
from sweeps.datasets.material import Options, text_bytes
from sweeps.datasets.sources.column_numbers import MOST_CODES, check_categories, numbers_of

FILES = ('images', 'sounds')
"""Forms of which a column holds the paths."""
MOST_VALUES = 100
"""Different texts that a column of categories may have: each becomes a feature."""


@dataclasses.dataclass
class Inputs:
    """The inputs of all rows. `kind` of set; `xs`, one an example; names of `features`; `gaps` [n, F], what is missing of
    numbers; the `rate` of sounds; the `files` that were read; why a row cannot be used, by its number."""

    kind: str
    xs: list[np.ndarray] | np.ndarray
    features: list[str] = dataclasses.field(default_factory=list)
    gaps: np.ndarray | None = None
    rate: int | None = None
    files: list[Path] = dataclasses.field(default_factory=list)
    damaged: dict[int, str] = dataclasses.field(default_factory=dict)

    def filled(self, known: np.ndarray) -> np.ndarray | list[np.ndarray]:
        """The examples, with the mean of the rows `known` where a number is missing: a feature beside it says where."""
        if self.gaps is None or not self.gaps.any():
            return self.xs
        x, gaps = self.xs.astype(np.float64), self.gaps[known]
        counts = np.maximum((~gaps).sum(0), 1)
        return np.where(self.gaps, np.where(gaps, 0, x[known]).sum(0) / counts, x).astype(np.float32)


def inputs_of(columns: dict[str, Sequence[Value]], options: Options, folder: Path) -> Inputs:
    """The inputs in some columns; raises ValueError if their form can't be known, with the option to give.

    Paths of images and sounds are of files in the `folder` of the table.
    """
    form = options.form or _form(columns)
    if form == 'table':
        return _table(columns)
    if form not in ('text', 'smiles', *FILES):
        raise ValueError(f'{option("form", form)} of columns; allowed: table, text, smiles, images or sounds')
    if len(columns) > 1:
        raise ValueError(
            f'{option("form", form)} of {len(columns)} input columns, {list(columns)[:5]}; allowed: one; name it: '
            f'{option("inputs")}'
        )
    ((name, values),) = columns.items()
    if form in FILES:
        return _files(name, values, folder, form, options)
    return _texts(name, values) if form == 'text' else _molecules(name, values)


def _form(columns: dict[str, Sequence[Value]]) -> str:
    """What columns hold: features, or by its name molecules; one column of texts is asked about."""
    if len(columns) > 1:
        return 'table'
    ((name, values),) = columns.items()
    if numbers_of(values) is not None:
        return 'table'
    if 'smiles' in name.lower():
        return 'smiles'
    check_categories('input', name, values)
    raise ValueError(
        f"input column '{name}' holds texts such as {str(next(one for one in values if one is not None))[:40]!r}: what they "
        f'are can not be known; give {option("form", "text")}, smiles, table (categories), images or sounds (paths of files)'
    )


def _table(columns: dict[str, Sequence[Value]]) -> Inputs:
    """Numbers as they are, each category as a feature of 1 or 0, and a feature for missing numbers."""
    features, gaps, names = [], [], []
    for name, values in columns.items():
        numbers = numbers_of(values)
        if numbers is None:
            check_categories('input', name, values)
            known = sorted({str(value) for value in values if value is not None})
            if len(known) > MOST_VALUES:
                raise ValueError(
                    f"input column '{name}' has {len(known)} different texts such as {known[0][:40]!r}; allowed: up to "
                    f'{MOST_VALUES} categories; leave it out ({option("inputs")} names the others), or give '
                    f'{option("inputs", name)} with its form'
                )
            if len(known) > MOST_CODES and 2 * len(known) > len(values):
                raise ValueError(
                    f"input column '{name}' has {len(known)} different texts in {len(values)} rows, such as {known[0][:40]!r}; "
                    f'allowed: categories that repeat; leave it out ({option("inputs")} names the others)'
                )
            texts = np.array(['' if value is None else str(value) for value in values])
            features += [(texts == one).astype(np.float64) for one in known]
            names += [f'{name} = {one}' for one in known]
            gaps += [np.zeros(len(texts), bool)] * len(known)
            continue
        with np.errstate(over='ignore'):
            narrow = numbers.astype(np.float32)
        if np.isinf(narrow).any():
            row = int(np.flatnonzero(np.isinf(narrow))[0])
            raise ValueError(f"input column '{name}', row {row + 1}: {numbers[row]:g}; allowed: finite numbers of float32")
        missing = np.isnan(narrow)
        if missing.all():
            raise ValueError(f"input column '{name}' is empty; leave it out: {option('inputs')} names the others")
        features.append(np.where(missing, 0, narrow))
        names.append(name)
        gaps.append(missing)
        if missing.any():
            features.append(missing.astype(np.float64))
            names.append(f'{name} is missing')
            gaps.append(np.zeros(len(missing), bool))
    return Inputs('tables', np.stack(features, 1).astype(np.float32), names, np.stack(gaps, 1))


def _files(name: str, values: Sequence[Value], folder: Path, form: str, options: Options) -> Inputs:
    """Images of one size, or recordings of one rate, in files whose paths a column holds."""
    xs, damaged, rate = [], {}, None
    for row, value in enumerate(values):
        path = folder / str(value)
        try:
            if value is None or not path.is_file():
                raise ValueError(f'no such file: {path}')
            if form == 'images':
                xs.append(decode(path.read_bytes(), options.size, 1 if options.grey else 3))
                continue
            own, samples = read_wav(path)
            rate = own if rate is None else rate
            if own != rate:
                raise ValueError(f'{path}: {own} Hz, those before have {rate} Hz; bring all recordings to one rate')
            xs.append(samples)
        except (ValueError, OSError) as error:
            damaged[row] = f"row {row + 1}: column '{name}': {error}"
            xs.append(np.zeros((0, 0, 1), np.uint8) if form == 'images' else np.zeros(0, np.int16))
    if form == 'images':
        shapes = {x.shape for row, x in enumerate(xs) if row not in damaged}
        if len(shapes) > 1:
            some = ', '.join(f'{width} x {height}' for height, width, _ in sorted(shapes)[:2])
            raise ValueError(
                f"column '{name}' names images of {len(shapes)} sizes, such as {some}; bring them to one: {option('size')}"
            )
    return Inputs(form, xs, damaged=damaged, rate=rate, files=[folder / str(value) for value in values if value is not None])


def _texts(name: str, values: Sequence[Value]) -> Inputs:
    xs, damaged = [], {}
    for row, value in enumerate(values):
        text = '' if value is None else str(value)
        if not text.strip():
            damaged[row] = f"row {row + 1}: no text in column '{name}'"
        try:
            xs.append(text_bytes(text))
        except UnicodeEncodeError:
            damaged[row] = f"row {row + 1}: half a character in column '{name}'"
            xs.append(np.zeros(0, np.uint8))
    return Inputs('texts', xs, damaged=damaged)


def _molecules(name: str, values: Sequence[Value]) -> Inputs:
    known, xs, damaged = frozenset(SMILES), [], {}
    for row, value in enumerate(values):
        text = '' if value is None else str(value)
        wrong = next((one for one in text if one not in known), None)
        if not text or wrong is not None:
            why = f'{wrong!r} in {text[:40]!r} is no character of SMILES' if text else 'nothing'
            damaged[row] = f"row {row + 1}: column '{name}': {why}"
            text = ''
        xs.append(text_bytes(text))
    return Inputs('molecules', xs, damaged=damaged)
