"""Sets of a user's own: each reader on a sound set, and each question or refusal on one that is not."""

import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import made_sets as made
import numpy as np
import pytest
from packed import as_tar
from packed_sets import colours

from ablations.task_files import declared_in
from ablations.tasks.own_task import READERS
from sweeps.datasets.formats.columns import read_table
from sweeps.datasets.own import OWN, options_of, prepare_declared, prepare_own
from sweeps.datasets.prepared import Prepared
from sweeps.datasets.sources.column_targets import targets_of


def prepared(tmp_path: Path, reader: str, source: Path, **options: object) -> Prepared:
    return prepare_own(reader, source, 'mine', options_of(reader, options), tmp_path)[0]


def examples(one: Prepared, split: str = 'pool') -> list[bytes]:
    part = getattr(one, split)()
    return [bytes(np.asarray(part.example(number))) for number in range(len(part))]


def test_every_reader_that_a_task_may_name_is_there():
    assert set(OWN) == set(READERS)


def npz(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)
    return path


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding='utf-8')
    return path


X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = np.arange(40) % 2
GREY = np.random.default_rng(1).integers(0, 256, (40, 8, 8), np.uint8)


def text_of(name: str, text: str) -> Callable[[Path], Path]:
    return lambda at: written(at / name, text)


def npz_of(**arrays: object) -> Callable[[Path], Path]:
    return lambda at: npz(at / 'a.npz', **arrays)


def IMAGES(at: Path) -> Path:
    return made.images(at / 'i', 8)


def TABLE(at: Path) -> Path:
    return made.rows(at / 'r.csv')


def listed(at: Path, ending: str) -> Path:
    """A table of the files below a folder, with the folder of each as its class."""
    files = sorted(at.rglob(f'*{ending}'))
    return made.table(at / 'files.csv', [['file', 'kind'], *([path.relative_to(at), path.parent.name] for path in files)])


def shard(path: Path) -> Path:
    """Documents of one to five tokens, each with the token 0 before it."""
    tokens = [token for number in range(60) for token in (0, *range(1 + number, 1 + number + number % 5))]
    np.array(tokens, np.uint16).tofile(path)
    return path


def tar(path: Path) -> Path:
    """A WebDataset shard of thirty images of two classes."""
    files = {
        f'{n}.{end}': content for n, x in enumerate(colours(30)) for end, content in (('png', x), ('cls', b'%d' % (n % 2)))
    }
    path.write_bytes(as_tar(files))
    return path


PATHS = {'inputs': ('file',), 'target': ('kind',)}


def REVIEWS(at: Path) -> Path:
    return made.reviews(at / 'r.jsonl')


def ESOL(at: Path) -> Path:
    return made.esol(at / 'e.csv')


SOLUBILITY = 'measured log solubility in mols per litre'
INPUTS = ('age', 'city', 'weight')
SOUND: dict[str, tuple[str, Callable[[Path], Path], dict, dict]] = {
    'images': ('image_folder', IMAGES, {}, {'kind': 'images', 'shape': [16, 16, 3]}),
    'smaller grey images': (
        *('image_folder', IMAGES),
        {'size': 8, 'grey': True, 'share': 0.4},
        {'shape': [8, 8, 1], 'classes': ['disc', 'square']},
    ),
    'images in a table': (
        *('csv', lambda at: listed(made.images(at / 'i', 8), '.png').parent, {**PATHS, 'form': 'images'}),
        {'kind': 'images', 'shape': [16, 16, 3], 'classes': ['disc', 'square'], 'notes': []},
    ),
    'sounds in a table': (
        *('csv', lambda at: listed(made.sounds(at / 's'), '.wav'), {**PATHS, 'form': 'sounds'}),
        {'kind': 'sounds', 'rate': 4000, 'classes': ['high', 'low']},
    ),
    'a table': (
        *('csv', TABLE, {'inputs': INPUTS, 'target': ('risk',)}),
        {'kind': 'tables', 'shape': [6], 'classes': ['high', 'low'], 'features': ['age', *(f'city = {one}' for one in
         ('bern', 'oslo', 'rome')), 'weight', 'weight is missing']},
    ),
    'a table split by a column': (
        *('csv', TABLE),
        {'inputs': INPUTS, 'target': ('risk',), 'split': 'column:fold'},
        {'sizes': {'pool': 96, 'test': 24}, 'test_split': "by the column 'fold'"},
    ),
    'values of molecules': (
        *('csv', ESOL, {'inputs': ('smiles',), 'target': (SOLUBILITY,)}),
        {'kind': 'molecules', 'target': 'values', 'targets': [SOLUBILITY]},
    ),
    'labels of molecules': (
        *('csv', lambda at: made.tox21(at / 't.csv'), {'inputs': ('smiles',), 'target': made.TASKS}),
        {'kind': 'molecules', 'target': 'labels', 'targets': list(made.TASKS)},
    ),
    'classes of texts': (
        *('json_lines', REVIEWS, {'inputs': ('text',), 'target': ('stars',), 'form': 'text'}),
        {'kind': 'texts', 'classes': ['bad', 'good']},
    ),
    'texts alone': ('text', lambda at: written(at / 't.txt', 'To be or not.\n' * 40), {}, {'kind': 'texts', 'characters': 10}),
    'documents': (
        *('text', lambda at: written(at / 't.txt', ''.join(f'Story {n}.<|end|>' for n in range(40))), {'mark': '<|end|>'}),
        {'kind': 'texts'},
    ),
    'lines': ('lines', lambda at: made.names(at / 'n.txt'), {}, {'kind': 'texts', 'longest': 8}),
    'molecules': ('smiles', lambda at: written(at / 'm.smi', '\n'.join('C' * n for n in range(1, 60))), {}, {'longest': 59}),
    'series': ('ts', lambda at: made.series(at / 'w'), {}, {'kind': 'series', 'shape': [20, 2], 'classes': ['fast', 'slow']}),
    'series by hash': (
        *('ts', lambda at: made.series(at / 'w'), {'split': 'hash', 'share': 0.3}),
        {'test_split': '0.3 of the examples, by hash of content'},
    ),
    'sounds': ('wav_folder', lambda at: made.sounds(at / 's'), {}, {'rate': 4000, 'classes': ['high', 'low']}),
    'shards of tokens': (
        *('tokens', lambda at: shard(at / 't.bin'), {'token_type': 'uint16', 'separator': '0', 'share': 0.3}),
        {'kind': 'tokens', 'longest': 5},
    ),
    'shards of images': ('webdataset', lambda at: tar(at / 'w.tar'), {'grey': True}, {'kind': 'images', 'shape': [6, 6, 1]}),
    'arrays of features': ('arrays', npz_of(x=X, y=Y), {'form': 'table'}, {'kind': 'tables', 'shape': [3]}),
    'arrays of values': (
        *('arrays', npz_of(x=X, y=X[:, :2]), {'form': 'table'}),
        {'target': 'values', 'targets': ['0', '1']},
    ),
    'arrays with a test split': (
        *('arrays', npz_of(x_train=GREY[:30], y_train=Y[:30], x_test=GREY[30:], y_test=Y[30:]), {}),
        {'kind': 'images', 'shape': [8, 8, 1], 'sizes': {'pool': 30, 'test': 10}},
    ),
    'arrays by hash all the same': (
        *('arrays', npz_of(x=GREY[:30], y=Y[:30], x_test=GREY[30:], y_test=Y[30:]), {'split': 'hash', 'share': 0.4}),
        {'test_split': '0.4 of the examples, by hash'},
    ),
    'arrays with a map': ('arrays', npz_of(x=GREY, y=GREY // 128), {}, {'target': 'map'}),
}  # fmt: skip


@pytest.mark.parametrize(('reader', 'source', 'options', 'about'), SOUND.values(), ids=SOUND)
def test_a_sound_set_is_prepared(tmp_path: Path, reader: str, source: Callable, options: dict, about: dict):
    one = prepared(tmp_path, reader, source(tmp_path), **options)
    assert {name: one.about.get(name) for name in about} == about
    assert not set(examples(one)) & set(examples(one, 'test')) and min(one.about['sizes'].values()) > 0
    again = prepare_own(reader, source_of(one, tmp_path), 'mine', options_of(reader, options), tmp_path, force=True)[0]
    assert again.about['digest'] == one.about['digest']


def source_of(one: Prepared, tmp_path: Path) -> Path:
    return next(path for path in sorted(tmp_path.iterdir()) if path.name not in ('prepared', 'tokens'))


SHORT = ('csv', {'inputs': ('a',), 'target': ('b',)})
ROWS = '\n'.join(f'{n / 7:.2f},{"xy"[n % 2]},g{n % 3}' for n in range(30))
REFUSED: dict[str, tuple[str, Callable[[Path], Path], dict, str]] = {
    'no such column': ('csv', TABLE, {'target': ('rsk',)}, "no column 'rsk'.* Did you mean 'risk'"),
    'no such group': ('csv', TABLE, {'target': ('risk',), 'group': 'sit'}, "no column 'sit'"),
    'the answer among the inputs': (
        *('csv', TABLE, {'inputs': ('risk',), 'target': ('risk',)}),
        'an answer in the question',
    ),
    'whole numbers': (
        *('csv', TABLE, {'inputs': ('city',), 'target': ('age',), 'form': 'table'}),
        "whether they are classes or numbers can not be known; give predict='class' or predict='values'",
    ),
    'values that are texts': (
        *('csv', TABLE, {'inputs': ('age',), 'target': ('risk',), 'predict': 'values'}),
        "target column 'risk' has 'high'|'low'; allowed: numbers",
    ),
    'a text column': (
        *('json_lines', REVIEWS, {'inputs': ('text',), 'target': ('stars',)}),
        "what they are can not be known; give form='text', 'smiles', 'table'",
    ),
    'a column of names among features': (
        *('csv', ESOL, {'inputs': ('Compound ID', 'smiles'), 'target': (SOLUBILITY,)}),
        "'Compound ID' has 120 different texts such as 'molecule 0'; allowed: up to 100 categories; leave it out",
    ),
    'a group in both splits': (
        *('csv', TABLE, {'inputs': ('age',), 'target': ('risk',), 'group': 'city', 'split': 'column:fold'}),
        "3 values of the group column 'city' stand in the test split and outside it",
    ),
    'one group': (*SHORT[:1], text_of('a.csv', 'a,b,g\n' + ROWS.replace('g1', 'g0').replace('g2', 'g0')),
                  {**SHORT[1], 'group': 'g'}, 'into one group'),
    'rows without a group': (
        *('csv', text_of('a.csv', 'a,b,g\n' + ROWS + '\n1,x,\n'), {**SHORT[1], 'group': 'g'}),
        "group column 'g' is empty in 1 rows",
    ),
    'no words of splits': (
        *('csv', TABLE, {'inputs': INPUTS, 'target': ('risk',), 'split': 'column:site'}),
        r"split column 'site' has \['s0', .*allowed: train, valid",
    ),
    'no names of columns': ('csv', text_of('a.csv', '1,2\n3,4\n'), {'target': ('b',)}, 'the names of the columns'),
    'a short line': ('csv', text_of('a.csv', 'a,b\n1,2\n3\n'), {'target': ('b',)}, 'line 3: 1 values for 2 columns'),
    'two columns of a name': ('csv', text_of('a.csv', 'a,a\n1,2\n'), {'target': ('a',)}, "columns are called 'a'"),
    'no rows': ('csv', text_of('a.csv', 'a,b\n'), {'target': ('b',)}, 'no rows'),
    'no target in a row': (
        *('csv', text_of('a.csv', f'a,b,g\n{ROWS}\n1,,g0\n'), SHORT[1]),
        'row 31: no target; mend them, or leave them out, counted: skip_damaged=True',
    ),
    'a class of its own for each row': (
        *('csv', text_of('a.csv', 'a,b\n' + '\n'.join(f'{n},c{n}' for n in range(9))), SHORT[1]),
        '9 different values in 9 rows; allowed: classes that repeat',
    ),
    'an image that is not there': (
        *('csv', text_of('a.csv', 'a,b,g\n' + ROWS), {**SHORT[1], 'form': 'images'}),
        "row 1: column 'a': no such file: .*and 29 more such rows",
    ),
    'a table of images of two sizes': (
        'csv',
        lambda at: listed(made.images(made.images(at / 'i', 2).parent / 'i' / 'more', 2, 20).parent, '.png'),
        {**PATHS, 'form': 'images'},
        'names images of 2 sizes, such as 16 x 16, 20 x 20; bring them to one: size=',
    ),
    'a split by names that tell none': (*SHORT[:1], text_of('a.csv', 'a,b,g\n' + ROWS), {**SHORT[1], 'split': 'names'},
                                        'do not tell both a training and a test split'),
    'a split by folders that tell none': ('image_folder', IMAGES, {'split': 'names'}, 'no folder test or val beside train'),
    'a share of a split by names': (
        *('ts', lambda at: made.series(at / 'w'), {'share': 0.3}),
        r'share=0\.3, and the test split is by the names of files: 1 of 2 .*; leave share out, or take it by hash',
    ),
    'a size of a table': ('csv', TABLE, {'target': ('risk',), 'size': 8}, 'size and grey are of images'),
    'nested JSON': ('json_lines', text_of('a.jsonl', '{"a": [1]}\n'), {'target': ('a',)}, "field 'a' is a list"),
    'lines that are no JSON': ('json_lines', text_of('a.jsonl', 'a\n'), {'target': ('a',)}, 'line 1: not JSON'),
    'features or series': ('arrays', npz_of(x=X, y=Y), {}, "form='table' or form='series'"),
    'arrays of another length': ('arrays', npz_of(x=GREY, y=Y[:3]), {}, '40 examples and 3 of y'),
    'arrays without x': ('arrays', npz_of(y=Y), {}, 'without x; allowed: x '),
    'an array of another name': ('arrays', npz_of(x=GREY, yy=Y), {}, "array 'yy'; allowed: x "),
    'numbers beyond float32': ('arrays', npz_of(x=X.astype(float) * 1e60, y=Y), {'form': 'table'}, 'beyond float32'),
    'x and x_test of two kinds': (
        *('arrays', npz_of(x=GREY, y=Y, x_test=GREY.astype(float), y_test=Y), {}),
        'x is of images and x_test of series; give both one type',
    ),
    'arrays without a split by names': ('arrays', npz_of(x=GREY, y=Y), {'split': 'names'}, 'neither x_test nor is_test'),
    'x_test without y_test': ('arrays', npz_of(x=GREY, y=Y, x_test=GREY), {}, 'x_test without y_test'),
    'missing numbers': ('arrays', npz_of(x=X * np.nan), {'form': 'table'}, 'missing or infinite'),
    'classes below 0': ('arrays', npz_of(x=GREY, y=Y - 1), {}, 'class -1 in y; allowed: 0 and up'),
    'objects': ('arrays', npz_of(x=np.array([{}])), {}, 'without objects in it'),
    'series with time stamps': (
        *('ts', text_of('a.ts', '@timeStamps true\n@classLabel true a b\n@data\n(1,2):a\n'), {}),
        'line 1: series with time stamps',
    ),
    'series with gaps': ('ts', text_of('a.ts', '@classLabel true a b\n@data\n1,?:a\n'), {}, "line 3: '\\?'; allowed"),
    'series of other dimensions': (
        *('ts', text_of('a.ts', '@classLabel true a b\n@data\n1,2:3,4:a\n1,2:b\n'), {}),
        'line 4: 1 dimensions, those before have 2',
    ),
    'series without a class': ('ts', text_of('a.ts', '@classLabel false\n@data\n1,2\n'), {}, 'without a class'),
    'one folder': ('image_folder', lambda at: made.images(at / 'i', 2) / 'disc', {}, '0 folders; allowed: a folder for each'),
    'no such source': ('csv', lambda at: at / 'none.csv', {'target': ('a',)}, 'no such file or folder'),
    'columns of a reader without any': ('ts', lambda at: at, {'target': ('a',)}, "reader 'ts' takes no such option"),
    'a split by column without columns': ('ts', lambda at: at, {'split': 'column:a'}, "reader 'ts' reads no columns"),
    'a split of no kind': ('csv', lambda at: at, {'split': 'random'}, "split='random'; allowed"),
    'a share above 1': ('csv', lambda at: at, {'share': 1.5}, 'share=1.5; allowed: a share between 0 and 1'),
    'no reader of the name': ('cvs', lambda at: at, {}, "no reader 'cvs'.*Did you mean 'csv'"),
}  # fmt: skip


@pytest.mark.parametrize(('reader', 'source', 'options', 'said'), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_known_is_asked_and_what_is_wrong_is_refused(
    tmp_path: Path, reader: str, source: Callable, options: dict, said: str
):
    with pytest.raises(ValueError, match=said):
        prepared(tmp_path, reader, source(tmp_path), **options)
    assert not (tmp_path / 'prepared' / 'mine').exists()


def test_what_is_missing_of_a_number_is_the_mean_of_the_pool_and_told(tmp_path: Path):
    one = prepared(
        tmp_path, 'csv', made.rows(tmp_path / 'r.csv'), inputs=('weight', 'age'), target=('risk',), split='column:fold'
    )
    pool, test = np.asarray(one.pool().x), np.asarray(one.test().x)
    gaps = pool[:, 1] == 1
    assert gaps.any() and np.allclose(pool[gaps, 0], pool[~gaps, 0].mean(), rtol=1e-5)
    assert np.allclose(test[test[:, 1] == 1, 0], pool[~gaps, 0].mean(), rtol=1e-5)
    assert 'columns that are not used: id, city, site' in ' '.join(one.about['notes'])


def test_only_the_columns_that_are_named_are_read(tmp_path: Path):
    lines = [json.dumps({'a': n / 7, 'b': 'xy'[n % 2], 'more': [n]}) for n in range(60)]
    one = prepared(tmp_path, 'json_lines', written(tmp_path / 'a.jsonl', '\n'.join(lines)), inputs=('a',), target=('b',))
    assert one.about['shape'] == [1] and 'columns that are not used: more' in one.about['notes']


@pytest.mark.parametrize(('reader', 'source'), [('image_folder', made.images), ('wav_folder', made.sounds)])
def test_folders_may_be_split_by_hash_all_the_same(tmp_path: Path, reader: str, source: Callable):
    source(tmp_path / 'set' / 'train', 40)
    for path in sorted((tmp_path / 'set' / 'train').glob('*/1*')):
        place = tmp_path / 'set' / 'val' / path.parent.name
        place.mkdir(parents=True, exist_ok=True)
        path.rename(place / path.name)
    by_names = prepared(tmp_path, reader, tmp_path / 'set')
    assert by_names.about['test_split'] == 'the folder val'
    by_hash = prepare_own(reader, tmp_path / 'set', 'other', options_of(reader, {'split': 'hash', 'share': 0.4}), tmp_path)[0]
    assert (
        by_hash.about['test_split'] == '0.4 of the examples, by hash of content' and sum(by_hash.about['sizes'].values()) == 80
    )


@pytest.mark.parametrize('name', ['cifar10', 'friedman', 'digits'])
def test_a_set_of_the_lab_is_never_replaced(tmp_path: Path, name: str):
    with pytest.raises(ValueError, match=f"'{name}' is that of a set of the lab"):
        prepare_own('csv', made.rows(tmp_path / 'r.csv'), name, options_of('csv', {'target': ('risk',)}), tmp_path)


def test_no_split_tears_a_group(tmp_path: Path):
    options = options_of('csv', {'inputs': ('age',), 'target': ('risk',), 'group': 'site'})
    one = prepare_own('csv', made.rows(tmp_path / 'r.csv'), 'mine', options, tmp_path)[0]
    lines = (tmp_path / 'r.csv').read_text().splitlines()[1:]
    sites = {line.split(',')[4] for line in lines}
    assert len(sites) == 12 and one.about['sizes']['test'] in (10, 20) and len(set(one.test().group.tolist())) in (1, 2)
    # Ages that only rows of the pool have are left; those of a test row are left out, and counted.
    assert not set(examples(one)) & set(examples(one, 'test'))
    assert 'identical to a test example and were left out' in ' '.join(one.about['notes'])
    assert "by the values of the column 'site'" in ' '.join(one.about['notes'])


def test_molecules_of_one_content_belong_together_through_their_groups(tmp_path: Path):
    lines = [['m', 'y', 'scaffold'], *([f'C{"C" * (n % 20)}', n % 2, f's{n}'] for n in range(40))]
    one = prepared(tmp_path, 'csv', made.table(tmp_path / 'm.csv', lines), inputs=('m',), target=('y',), group='scaffold',
                   form='smiles', share=0.3)  # fmt: skip
    assert one.about['sizes'] == {'pool': 28, 'test': 12} and len(set(one.pool().group.tolist())) == 14


def test_rows_for_testing_without_a_target_are_left_aside_and_counted(tmp_path: Path):
    folder = tmp_path / 'set'
    folder.mkdir()
    written(folder / 'train.csv', f'a,b,g\n{ROWS}\n')
    written(folder / 'test.csv', 'a,g\n1,2\n3,4\n')
    one = prepared(tmp_path, 'csv', folder, inputs=('a',), target=('b',))
    assert sum(one.about['sizes'].values()) == 30
    assert '2 rows for testing have no target: they are left aside' in one.about['notes']
    assert one.about['test_split'] == '0.1 of the rows, by hash of content'


def test_damaged_rows_are_left_out_where_that_is_said_and_counted(tmp_path: Path):
    path = written(tmp_path / 'a.csv', f'a,b,g\n{ROWS}\n1,,g0\n2,?,g1\n')
    one = prepared(tmp_path, 'csv', path, inputs=('a',), target=('b',), skip_damaged=True)
    assert sum(one.about['sizes'].values()) == 30 and '2 damaged examples were left out' in ' '.join(one.about['notes'])


def test_shorter_series_are_filled_and_counted(tmp_path: Path):
    lines = '\n'.join(','.join(['1.5'] * (3 + n % 2)) + f',{n}:{"ab"[n % 2]}' for n in range(30))
    one = prepared(tmp_path, 'ts', written(tmp_path / 'a.ts', f'@classLabel true a b\n@data\n{lines}\n'))
    assert one.about['shape'] == [5] and '15 of 30 series are shorter than 5 and were filled with zeros' in one.about['notes']


def test_parquet_is_read_as_csv_is(tmp_path: Path):
    import pyarrow
    from pyarrow import parquet

    columns = {
        'a': [n / 7 for n in range(60)],
        'b': [n % 2 for n in range(60)],
        'c': [None if n % 3 else 'x' for n in range(60)],
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / 'a.parquet')
    written(tmp_path / 'a.jsonl', '\n'.join(json.dumps({key: own[n] for key, own in columns.items()}) for n in range(60)))
    ones = [
        prepare_own(reader, tmp_path / f'a.{ending}', ending, options_of(reader, {'target': ('b',)}), tmp_path)[0]
        for reader, ending in (('parquet', 'parquet'), ('json_lines', 'jsonl'))
    ]
    assert ones[0].about['digest'] == ones[1].about['digest'] and ones[0].about['features'] == ['a', 'c = x']


@pytest.mark.parametrize(
    ('numbers', 'form'),
    [
        ((0, 1, 2), 'class'),
        ((1, 2, 3), 'class'),
        ((0.5, 1, 2), 'values'),
        ((0, 2, 3), None),
        ((2, 3, 4), None),
        (range(25), None),
        ((-1, 0, 1), None),
    ],
)
def test_whole_numbers_are_classes_only_where_they_count(numbers: Iterable, form: str | None):
    columns = {'y': [str(number) for number in numbers] * 8}
    if form is not None:
        assert targets_of(columns, None, 8 * len(numbers)).form == form
        return
    with pytest.raises(ValueError, match='whether they are classes or numbers can not be known'):
        targets_of(columns, None, 8 * len(numbers))
    assert targets_of(columns, 'values', 8 * len(numbers)).form == 'values'


def test_a_declaration_that_has_changed_is_prepared_again_only_where_that_is_said(tmp_path: Path):
    made.rows(tmp_path / 'r.csv')
    digests = []
    for inputs, force in ((INPUTS, False), (INPUTS, False), (INPUTS[:1], True)):
        text = f"from ablations.study import task\nrisk = task(source='r.csv', inputs={inputs!r}, target='risk')\n"
        one = declared_in(Path(written(tmp_path / 'my_task.py', text)))['risk']
        if force:
            with pytest.raises(ValueError, match=r'prepared already, from another declaration than this one; add --force'):
                prepare_declared(one, tmp_path)
        two, new = prepare_declared(one, tmp_path, force)
        digests.append(two.about['digest'])
        assert new == (len(digests) != 2) and two.about['declared'] == one.hash
    assert digests[0] == digests[1] != digests[2]


def test_long_texts_in_a_table_are_read_and_leave_the_process_as_it_was(tmp_path: Path):
    before = csv.field_size_limit()
    (tmp_path / 'long.csv').write_text(f'text,y\n{"a" * 200_000},1\n')
    columns, _ = read_table(tmp_path / 'long.csv')
    assert len(columns['text'][0]) == 200_000 and csv.field_size_limit() == before < 200_000
    (tmp_path / 'bad.csv').write_text('text,y\na\n')
    with pytest.raises(ValueError, match='1 values for 2 columns'):
        read_table(tmp_path / 'bad.csv')
    assert csv.field_size_limit() == before
