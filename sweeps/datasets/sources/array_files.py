"""Array files: examples that are arrays already, of an .npz or .npy file or of a function of a user's own."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from ablations.config import closest
from ablations.option_words import option
from ablations.user_file import STOPS, in_words, of_user
from sweeps.datasets.formats.allowance import own_allowance
from sweeps.datasets.formats.archives import check_zip
from sweeps.datasets.formats.lines import SMILES
from sweeps.datasets.material import ROWS, Block, Material, Options
from sweeps.datasets.sources.column_targets import targets_of
from sweeps.datasets.sources.division import divided
from sweeps.datasets.sources.locate import check
from sweeps.datasets.sources.tables import SHARE
from sweeps.datasets.writing import example_hash

NAMES = ('x', 'y', 'group', 'x_test', 'y_test', 'group_test', 'is_test', 'classes', 'targets')
OTHER = {'x_train': 'x', 'y_train': 'y', 'images': 'x', 'labels': 'y', 'test_x': 'x_test', 'test_y': 'y_test'}
OTHER |= {name.capitalize(): OTHER.get(name, name) for name in ('x', 'y', 'x_train', 'x_test', 'y_train', 'y_test')}
"""Names that files of others use."""
ABOUT = (
    'x (inputs), y (targets), and where there are: x_test, y_test, or is_test (true for each example of the test split), '
    'group, classes (names)'
)


def arrays_of_file(source: Path, options: Options) -> Material:
    """The arrays of an .npz file by name, or of a folder (or a file x.npy with others beside it) of .npy files."""
    check(source)
    try:
        if source.is_file() and source.suffix == '.npz':
            check_zip(source)
            paths = [source]
            with np.load(source, allow_pickle=False) as content:
                arrays = {name: content[name] for name in content.files}
        else:
            folder = source if source.is_dir() else source.parent
            paths = [
                path for path in sorted(folder.glob('*.npy')) if path.is_file() and OTHER.get(path.stem, path.stem) in NAMES
            ]
            arrays = {path.stem: np.load(path, mmap_mode='r', allow_pickle=False) for path in paths}
    except (OSError, ValueError, EOFError, MemoryError) as error:
        raise ValueError(f'{source}: no arrays that can be read ({error}); give an .npz file without objects in it') from None
    allowance = own_allowance()
    allowance.grow(paths)
    inputs = [array for name, array in arrays.items() if OTHER.get(name, name) in ('x', 'x_test') and array.ndim]
    allowance.take(source, rows=sum(map(len, inputs)))
    return of_arrays_by_name(arrays, options, str(source), paths)


def of_function(source: Path, options: Options, function: Callable[[], Mapping]) -> Material:
    """The arrays that a function of a user's own gives; `source` is its file."""
    name = f'{source}: {getattr(function, "__name__", "function")}'
    try:
        with of_user():
            arrays = function()
    except STOPS as error:
        raise ValueError(f'{name}: {in_words(error)}; mend the function') from error
    if not isinstance(arrays, Mapping):
        raise ValueError(f'{name} gives a {type(arrays).__name__}; allowed: a dictionary of {ABOUT}')
    return of_arrays_by_name(arrays, options, name, [source])


def of_arrays_by_name(given: Mapping[str, object], options: Options, name: str, paths: list[Path]) -> Material:
    """Material of arrays by their names. Raises ValueError if they do not fit, or their meaning can't be known."""
    arrays = {OTHER.get(key, key): value for key, value in given.items()}
    unknown = [key for key in arrays if key not in NAMES]
    if unknown or 'x' not in arrays:
        told = f"array '{unknown[0]}'" if unknown else f'arrays {list(arrays)} without x'
        raise ValueError(f'{name}: {told}; allowed: {ABOUT}.{closest(unknown[0], NAMES) if unknown else ""}')
    if isinstance(arrays['x'], np.ndarray | list | tuple) and getattr(arrays['x'], 'ndim', 1) and not len(arrays['x']):
        raise ValueError(f'{name}: x has no examples; give one or more')
    kind, xs = _inputs(arrays['x'], options.form, name)
    rows, held = len(xs), None
    if 'x_test' in arrays:
        if 'is_test' in arrays:
            raise ValueError(f'{name}: both x_test and is_test; give one of them')
        other, more = _inputs(arrays['x_test'], options.form, name)
        if other != kind:
            raise ValueError(f'{name}: x is of {kind} and x_test of {other}; give both one type')
        if getattr(xs, 'shape', (0, 0))[1:] != getattr(more, 'shape', (0, 0))[1:]:
            raise ValueError(f'{name}: x {xs.shape[1:]} and x_test {more.shape[1:]}; allowed: examples of one shape')
        held = np.arange(rows + len(more)) >= rows
        xs = np.concatenate([xs, more]) if isinstance(xs, np.ndarray) else [*xs, *more]
    elif 'is_test' in arrays:
        held = np.asarray(arrays['is_test'])
        if held.dtype != bool or held.shape != (rows,) or held.all() or not held.any():
            raise ValueError(f'{name}: is_test {held.dtype} {list(held.shape)}; allowed: true and false for {rows} examples')
    y, keys = (_both(arrays, key, held, rows, len(xs), name) for key in ('y', 'group'))
    if options.split == 'names' and held is None:
        raise ValueError(
            f'{name}: {option("split", "names")}, and there is neither x_test nor is_test; leave it out for one by hash'
        )
    held = None if options.split == 'hash' else held
    form, y, names, said = _targets(y, arrays, options.predict, xs, kind, name)
    own = [example_hash(x) for x in xs]
    division = divided(own, None if keys is None else [repr(key).encode() for key in keys.tolist()], held,
                        options.share or SHARE, 'group')  # fmt: skip

    test, own, pool = division.test, division.own, np.setdiff1d(np.flatnonzero(~division.test), division.known)
    left = f'{len(division.known):,} examples of the pool are identical to a test example and were left out'

    def stream(chosen: np.ndarray) -> Iterator[Block]:
        for start in range(0, len(chosen), ROWS):
            places = chosen[start : start + ROWS]
            block = xs[places] if isinstance(xs, np.ndarray) else [xs[place] for place in places]
            yield block, None if y is None else y[places], [own[place] for place in places]

    return Material(
        kind,
        stream(pool),
        stream(np.flatnonzero(test)),
        paths,
        names if form in ('class', 'map') else None,
        counts={'pool': len(pool), 'test': int(test.sum())},
        notes=[left] * bool(len(division.known)) + [said] * bool(said),
        split='as the arrays say' if held is not None else f'{options.share or SHARE:g} of the examples, by hash',
        target=form or 'class',
        targets=names if form in ('values', 'labels') else None,
        grouped='by the array group' if keys is not None else '',
        by_hash=held is None,
    )


def _both(arrays: Mapping, key: str, held: np.ndarray | None, rows: int, count: int, name: str) -> np.ndarray | None:
    """An array of all examples, those of the test split behind the others; None where there is none."""
    if key not in arrays:
        if f'{key}_test' in arrays:
            raise ValueError(f'{name}: {key}_test without {key}; give both')
        return None
    array = _array(arrays[key])
    if count > rows:
        if f'{key}_test' not in arrays:
            raise ValueError(f'{name}: x_test without {key}_test; give both')
        array = np.concatenate([array, _array(arrays[f'{key}_test'])])
    if len(array) != count:
        raise ValueError(f'{name}: {count} examples and {len(array)} of {key}; give one for each example')
    return array


def _array(given: object) -> np.ndarray:
    """An array; of rows that differ in length an array of arrays."""
    try:
        return np.asarray(given)
    except ValueError:
        rows = np.empty(len(given), object)
        rows[:] = [np.asarray(row) for row in given]
        return rows


def _classes_of_places(y: np.ndarray, xs: object, name: str) -> np.ndarray:
    """A class for each place of examples of any length, as an array of arrays; raises ValueError where one has other places."""
    rows = np.empty(len(y), object)
    rows[:] = [np.asarray(row) for row in y]
    wrong = next((n for n, (x, row) in enumerate(zip(xs, rows, strict=True)) if row.shape != (len(x),)), None)
    if wrong is not None:
        raise ValueError(
            f'{name}: example {wrong} has {len(xs[wrong])} places (bytes of a text) and y {list(rows[wrong].shape)}; give a '
            'class for each of them, -1 for none'
        )
    if any(row.dtype.kind not in 'iub' for row in rows):
        raise ValueError(f'{name}: y has other values than whole numbers; allowed: the class of each place, -1 for none')
    rows[:] = [row.astype(np.int32) for row in rows]
    return rows


def _inputs(x: object, form: str | None, name: str) -> tuple[str, np.ndarray | list[np.ndarray]]:
    """The kind of set, and the examples as it stores them."""
    if isinstance(x, (list, tuple)) and all(isinstance(one, str) for one in x):
        x = np.array(x, object)
    x = np.asarray(x)
    if 0 in x.shape[1:]:
        raise ValueError(f'{name}: x {list(x.shape)}: examples without a value; allowed: one or more values each')
    if x.dtype.kind in 'UO' and x.ndim == 1 and all(isinstance(one, str) for one in x.tolist()):
        if form not in ('text', 'smiles'):
            raise ValueError(
                f'{name}: x holds texts: what they are can not be known; {option("form", "text")} or {option("form", "smiles")}'
            )
        wrong = next((one for one in x if form == 'smiles' and not set(one) <= set(SMILES)), None)
        if wrong is not None:
            raise ValueError(f'{name}: {wrong[:40]!r} is no SMILES; give {option("form", "text")}')
        return {'text': 'texts', 'smiles': 'molecules'}[form], [np.frombuffer(one.encode(), np.uint8) for one in x]
    if form in ('text', 'smiles'):
        raise ValueError(f'{name}: {option("form", form)} of x {x.dtype} {list(x.shape)}; allowed: a list of texts')
    if x.dtype == np.uint8 and x.ndim in (3, 4) and (x.ndim == 3 or x.shape[3] in (1, 3)):
        return 'images', x if x.ndim == 4 else x[..., None]
    if x.dtype.kind in 'fiu' and x.ndim in (2, 3, 4):
        if not np.isfinite(x).all():
            raise ValueError(f'{name}: x has numbers that are missing or infinite; fill them in')
        if x.ndim == 2 and form not in ('table', 'series'):
            raise ValueError(
                f'{name}: x is {x.dtype} {list(x.shape)}: whether a row is features or a series can not be known; give '
                f'{option("form", "table")} or {option("form", "series")}'
            )
        if x.ndim == 4 and x.shape[1] in (1, 3) and x.shape[2] == x.shape[3] > 4:
            raise ValueError(
                f'{name}: x is {x.dtype} {list(x.shape)}, as of images with their channels first; allowed: [n, H, W, C]; give '
                'x.transpose(0, 2, 3, 1)'
            )
        kind = 'maps' if x.ndim == 4 else 'tables' if form == 'table' else 'series'
        with np.errstate(over='ignore'):
            narrow = x.astype(np.float32)
        if not np.isfinite(narrow).all():
            raise ValueError(f'{name}: x has numbers beyond float32; bring them to smaller ones')
        return kind, narrow
    raise ValueError(
        f'{name}: x is {x.dtype} {list(x.shape)}; allowed: uint8 [n, H, W] or [n, H, W, 1 or 3] (images), numbers [n, F], '
        '[n, N, F] or [n, H, W, C], or a list of texts'
    )


def _classes(
    y: np.ndarray, given: list[str] | None, predict: str | None, name: str
) -> tuple[str, np.ndarray, list[str] | None]:
    """Numbers of classes and their names. Numbers of which most are not there are names themselves, if they are classes."""
    known = np.unique(y)
    if given is not None or 2 * len(known) > int(y.max()) + 1:
        return 'class', y.astype(np.int64), given
    if predict is None:
        raise ValueError(
            f'{name}: y has {len(known)} different whole numbers from {known[0]} to {known[-1]}: whether they are classes or '
            f'numbers can not be known; give {option("predict", "class")} or {option("predict", "values")}'
        )
    return 'class', np.searchsorted(known, y), [str(one) for one in known.tolist()]


def _targets(
    y: np.ndarray | None, arrays: Mapping, predict: str | None, xs: object, kind: str, name: str
) -> tuple[str, np.ndarray | None, list[str] | None, str]:
    """The form of the targets, the targets, the names of classes or of targets, and how the form was told."""
    if y is None or predict == 'tokens':
        return '', None, None, ''
    given = [str(one) for one in np.asarray(arrays['classes' if 'classes' in arrays else 'targets']).tolist()] if (
        'classes' in arrays or 'targets' in arrays
    ) else None  # fmt: skip
    whole = y.dtype.kind in 'iub'
    if predict == 'map' and isinstance(xs, list):
        return 'map', _classes_of_places(y, xs, name), given, ''
    if y.dtype == object and y.ndim == 1 and not isinstance(y[0], (str, bytes)):
        raise ValueError(
            f'{name}: y of rows that differ in length; allowed of texts: {option("predict", "map")}, a class a byte'
        )
    of_places = whole and y.ndim > 1 and kind != 'tables' and y.shape == (None if isinstance(xs, list) else xs.shape[: y.ndim])
    if predict == 'map' or (predict is None and of_places and (y.ndim > 2 or kind == 'series')):
        said = (
            f'y is taken for a class of each step; {option("predict")} says otherwise'
            if kind == 'series' and not predict
            else ''
        )
        return 'map', y.astype(np.int32), given, said
    if y.ndim == 1 and whole and predict in (None, 'class'):
        if y.min() < 0:
            raise ValueError(f'{name}: class {y.min()} in y; allowed: 0 and up; leave examples without a class out')
        if given is not None and y.max() >= len(given):
            raise ValueError(f'{name}: class {y.max()} in y and {len(given)} names in classes; name every class')
        return *_classes(y, given, predict, name), ''
    if y.ndim > 2:
        raise ValueError(
            f'{name}: y {y.dtype} {list(y.shape)}; allowed: [n], [n, T], or a class for each place ({option("predict", "map")})'
        )
    table = y[:, None] if y.ndim == 1 else y
    names = given if given and len(given) == table.shape[1] else [str(number) for number in range(table.shape[1])]
    columns = {one: [None if value != value else value for value in table[:, i].tolist()] for i, one in enumerate(names)}
    try:
        targets = targets_of(columns, predict, len(y))
    except ValueError as error:
        raise ValueError(f'{name}: y: {error}') from None
    if not targets.there.all():
        raise ValueError(f'{name}: {int((~targets.there).sum())} examples have no target; leave them out')
    return targets.form, targets.y, targets.names, targets.said
