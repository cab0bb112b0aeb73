"""Series and columns: UCR in both forms, CSV with quotes, and tables that are damaged."""

import numpy as np
import pytest

from sweeps.datasets.formats.series_files import read_columns, read_series

X, Y = [[0.5, -1.25, 3.0], [1e-3, 2.0, 4.0]], [2, -1]


@pytest.mark.parametrize(
    ('name', 'content', 'options'),
    [
        ('a.tsv', '2\t0.5\t-1.25\t3\n-1\t1e-3\t2\t4\n', {}),
        ('a.tsv.gz', '2.0000\t0.5\t-1.25\t3\r\n-1\t1e-3\t2\t4\r\n\r\n', {}),
        ('a.csv', '0.5,-1.25,3,2\n1e-3,2,4,-1', {'label': 'last'}),
        ('a.csv', 'class,a,b,c\n2,0.5, -1.25,3\n-1,1e-3,2,4', {'header': True}),
        ('a.txt', '  2.0e+00   0.5  -1.25 3\n -1 1e-3 2 4\n', {}),
        ('a.arff', "% a note\n@relation x\n@attribute a numeric\n@DATA\n% more\n0.5,-1.25,3,2\n0.001,2.0,4,'-1'\n", {}),
    ],
    ids=['tsv', 'packed', 'last', 'header', 'spaces', 'arff'],
)
def test_every_form(packed, name, content, options):
    x, y = read_series(packed(name, content.encode()), **options)
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(x, np.array(X, np.float32))
    assert y.tolist() == Y


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('', 'no rows'),
        ('class\ta\n1\t2\n', "line 1: 'class'; allowed: numbers; has it a header"),
        ('1\t2\t3\n1\t2\n', 'line 2: 1 values; allowed: 2, as in the lines before'),
        ('1\n', 'line 1: 0 values; allowed: 1 or more'),
        ('1\t2\n1\t\n', "line 2: ''; allowed: numbers; fill it in"),
        ('1\t2\n\n1\t?\n', r"line 3: '\?'"),
        ('1\t2\n1\tNaN\n', 'line 2: a value is missing or beyond float32'),
        ('1\t2\t3\n1\t2\tNaN\n', 'line 2: a value is missing or beyond float32'),
        ('1\t2\n1\t1e60\n', 'line 2: a value is missing or beyond float32'),
        ('1.5\t2\n', r'line 1: class 1\.5; allowed: a whole number; the class is in the first column'),
        ('NaN\t2\n', 'line 1: class nan'),
    ],
)
def test_damaged_tables(packed, content, message):
    with pytest.raises(ValueError, match=rf'a\.tsv: {message}'):
        read_series(packed('a.tsv', content.encode()))


def test_wrong_calls(packed):
    with pytest.raises(ValueError, match=r"suffix '\.xls'; allowed: \['\.tsv', "):
        read_series(packed('a.xls', b'1\t2\n'))
    with pytest.raises(ValueError, match="label 'middle'; allowed: 'first' or 'last'"):
        read_series(packed('a.tsv', b'1\t2\n'), label='middle')
    with pytest.raises(ValueError, match='not UTF-8'):
        read_series(packed('a.tsv', b'1\t2\xff\n'))


TABLE = 'smiles,logP,SAS\n"CCO\n",0.5, 1\n"C,""N""",2,3\n\nC,4,5\n'


def test_columns(packed):
    path = packed('a.csv', TABLE.encode())
    assert read_columns(path, ['smiles']) == {'smiles': ['CCO', 'C,"N"', 'C']}
    assert read_columns(path, ['SAS', 'logP']) == {'SAS': ['1', '3', '5'], 'logP': ['0.5', '2', '4']}
    assert read_columns(packed('b.tsv.gz', b'a\tb\n1\t2\n'), ['b']) == {'b': ['2']}


@pytest.mark.parametrize(
    ('content', 'columns', 'message'),
    [
        (TABLE, ['SMILES'], r"no column 'SMILES'; there: \['smiles', 'logP', 'SAS'\]"),
        (TABLE + 'C,4\n', ['smiles'], 'line 7: 2 values for 3 columns'),
        (TABLE + 'C,4,5,6\n', ['smiles'], 'line 7: 4 values'),
        (TABLE + '"C,4,5\n', ['smiles'], 'line 7: unexpected end of data'),
        ('', ['smiles'], 'no header'),
    ],
)
def test_damaged_columns(packed, content, columns, message):
    with pytest.raises(ValueError, match=rf'a\.csv: {message}'):
        read_columns(packed('a.csv', content.encode()), columns)


@pytest.mark.parametrize('columns', ['smiles', []])
def test_columns_are_a_list(packed, columns):
    with pytest.raises(ValueError, match='allowed: a list of one or more names'):
        read_columns(packed('a.csv', TABLE.encode()), columns)


SETS = {
    'Coffee': (28, 28, 286),
    'ECG200': (100, 100, 96),
    'GunPoint': (50, 150, 150),
    'ItalyPowerDemand': (67, 1029, 24),
    'SyntheticControl': (300, 300, 60),
    'Trace': (100, 100, 275),
    'TwoLeadECG': (23, 1139, 82),
}


@pytest.mark.parametrize('name', SETS)
def test_the_real_sets(shared, name):
    """Counts as the folder's README has them; numpy reads the same numbers."""
    *counts, length = SETS[name]
    for split, count in zip(('TRAIN', 'TEST'), counts, strict=True):
        path = shared(f'ucr/{name}/{name}_{split}.tsv')
        x, y = read_series(path)
        assert x.shape == (count, length)
        table = np.loadtxt(path)
        np.testing.assert_array_equal(x, table[:, 1:].astype(np.float32))
        np.testing.assert_array_equal(y, table[:, 0])


def test_the_real_arff_is_the_tsv_with_other_class_codes(shared):
    x, y = read_series(shared('ucr/ECG200/ECG200_TRAIN.arff'))
    other, codes = read_series(shared('ucr/ECG200/ECG200_TRAIN.tsv'))
    np.testing.assert_allclose(x, other, atol=1e-6)
    np.testing.assert_array_equal(np.where(y == -1, 0, y), codes)
