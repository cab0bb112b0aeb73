"""Sets of a user's own: what cannot be known is asked, and what is wrong is refused."""

import ast
import re
from collections.abc import Callable
from pathlib import Path

import made_sets as made
import numpy as np
import pytest
from own_sources import (
    ESOL,
    GREY,
    IMAGES,
    INPUTS,
    LYING_NPZ,
    PACKED_NPZ,
    PATHS,
    REVIEWS,
    ROWS,
    SHORT,
    SOLUBILITY,
    TABLE,
    X,
    Y,
    listed,
    npz_of,
    prepared,
    text_of,
)

import sweeps.datasets
from ablations.option_words import in_a_file
from ablations.task_files import declared_in
from ablations.tasks.own_task import COMMON, READERS
from sweeps.datasets.own import prepare_declared

READING = Path(sweeps.datasets.__file__).parent
OPTIONS = '|'.join(sorted({name for own in READERS.values() for name in own} | {*COMMON, 'source', 'dataset'}))


def column(form: str) -> Callable[[Path], Path]:
    """A table with a column of thirty numbers in some form, and a class."""
    return text_of('a.csv', 'a,c,b\n' + '\n'.join(f'{form.format(n)},{n % 3},{"xy"[n % 2]}' for n in range(30)))


def thirty(names: str, row: str) -> Callable[[Path], Path]:
    """A table of thirty rows, each with its number for `n` and one of two classes for `c`."""
    return text_of('a.csv', names + '\n' + '\n'.join(row.format(n=n, c='xy'[n % 2]) for n in range(1, 31)))


NEEDED = {reader: {'target': ('a',)} if 'target' in options else {} for reader, options in READERS.items()}
"""Readers, each with the options that it does not do without."""
REFUSED: dict[str, tuple[str, Callable[[Path], Path], dict, str]] = {
    'no such column': ('csv', TABLE, {'target': ('rsk',)}, "no column 'rsk'.* Did you mean 'risk'"),
    'a line of names that is missing': (
        *('csv', text_of('a.csv', '1.5,x,g\n' + ROWS), {'target': ('b',)}),
        r"no column 'b'; there: \['1.5', 'x', 'g'\] \('1.5' is a number: is a line of names missing on top\?\)",
    ),
    'a form that columns have not': (
        *('csv', TABLE, {'target': ('risk',), 'form': 'series'}),
        "form='series' of columns; allowed: table, text, smiles, images or sounds",
    ),
    'both a test split and marks of one': (
        *('arrays', npz_of(x=GREY, y=Y, x_test=GREY, y_test=Y, is_test=Y > 0), {}),
        'both x_test and is_test; give one of them',
    ),
    'a test split of another shape': (
        *('arrays', npz_of(x=GREY, y=Y, x_test=GREY[:, :4], y_test=Y), {}),
        r'x \(8, 8, 1\) and x_test \(4, 8, 1\); allowed: examples of one shape',
    ),
    'marks that are numbers': (
        *('arrays', npz_of(x=GREY, y=Y, is_test=Y), {}),
        r'is_test int64 \[40\]; allowed: true and false for 40 examples',
    ),
    'a test target alone': ('arrays', npz_of(x=GREY, y_test=Y), {}, 'y_test without y; give both'),
    'texts of an unknown kind': (
        *('arrays', npz_of(x=np.array(['CCO'] * 20 + ['CO'] * 20), y=Y), {}),
        "x holds texts: what they are can not be known; form='text' or form='smiles'",
    ),
    'texts that are no molecules': (
        *('arrays', npz_of(x=np.array(['a word'] * 40), y=Y), {'form': 'smiles'}),
        "'a word' is no SMILES; give form='text'",
    ),
    'numbers as texts': (
        *('arrays', npz_of(x=X, y=Y), {'form': 'text'}),
        r"form='text' of x float32 \[40, 3\]; allowed: a list of texts",
    ),
    'fewer names than classes': (
        *('arrays', npz_of(x=GREY, y=Y, classes=np.array(['one'])), {}),
        'class 1 in y and 1 names in classes; name every class',
    ),
    'a number beyond float32': (
        *('csv', thirty('a,b', '{n}e300,{c}'), {**SHORT[1], 'form': 'table'}),
        "input column 'a', row 1: 1e[+]300; allowed: finite numbers of float32",
    ),
    'an input column without a value': (
        *('csv', thirty('a,c,b', ',{n},{c}'), {**SHORT[1], 'inputs': ('a', 'c')}),
        "input column 'a' is empty; leave it out: inputs= names the others",
    ),
    'a row without its text': (
        *('csv', thirty('a,b', ' ,{c}'), {**SHORT[1], 'form': 'text'}),
        "row 1: no text in column 'a'",
    ),
    'a row that is no molecule': (
        *('csv', thirty('a,b', 'C!O,{c}'), {**SHORT[1], 'form': 'smiles'}),
        "row 1: column 'a': '!' in 'C!O' is no character of SMILES",
    ),
    'a class for each place of a table': (
        *('csv', TABLE, {'inputs': ('age',), 'target': ('risk',), 'predict': 'map'}),
        "predict='map': a table has no class for each place; allowed: class, values or labels",
    ),
    'one class': (
        *('csv', text_of('a.csv', 'a,b\n' + '\n'.join(f'{n}.5,x' for n in range(30))), {**SHORT[1], 'form': 'table'}),
        "target column 'b' has 1 class; allowed: two or more; name another column",
    ),
    'several targets that are texts': (
        *('csv', TABLE, {'inputs': ('age',), 'target': ('risk', 'city')}),
        r"targets \['risk', 'city'\] are no numbers; allowed: one column of classes, or several of numbers; name one",
    ),
    'a target beyond float32': (
        *('csv', thirty('a,b', '{n}.5,{n}e300'), {**SHORT[1], 'form': 'table'}),
        "target column 'b', row 1: 1e[+]300; allowed: finite numbers of float32",
    ),
    'a split of one kind': (
        *('csv', thirty('a,b,s', '{n}.5,{c},train'),
          {**SHORT[1], 'split': 'column:s'}),
        r"split column 's' says \['train'\] only; allowed: both training and test examples",
    ),
    'no column is left': (
        *('csv', thirty('a,b', '{n},{c}'), {'target': ('b',), 'group': 'a'}),
        'no column is left for the inputs; name them: inputs',
    ),
    'series without a line': ('ts', text_of('a.ts', '@classLabel true a b\n@data\n'), {}, 'no series below @data'),
    'series of which no class is said': ('ts', text_of('a.ts', '@data\n1,2:a\n'), {}, 'series without a class or a target'),
    'a series without a colon': ('ts', text_of('a.ts', '@classLabel true a b\n@data\n1,2\n'), {}, 'no class behind a colon'),
    'a value beyond float32': (
        *('ts', text_of('a.ts', '@classLabel true a b\n@data\n1e300,2:a\n'), {}),
        'a value is missing or beyond float32; allowed: finite numbers; fill it in',
    ),
    'a target that is no number': (
        *('ts', text_of('a.ts', '@targetLabel true\n@data\n' + '1,2:high\n' * 4), {}),
        r'a target is no number \(@targetLabel true\); mend the line',
    ),
    'a split that is none': (
        *('arrays', npz_of(x=GREY, y=Y), {'split': 'half'}),
        r"split='half'; allowed: names \(of files\), hash \(of content\) or column:NAME",
    ),
    'numbers with a comma': (
        *('csv', text_of('a.csv', 'a;b\n' + '\n'.join(f'{n},5;{"xy"[n % 2]}' for n in range(30))), SHORT[1]),
        "input column 'a' has numbers with a comma such as '0,5'; write them with a point",
    ),
    'targets with a comma': (
        *('csv', text_of('a.csv', 'a;b\n' + '\n'.join(f'{n};{n % 5},5' for n in range(30))), SHORT[1]),
        "target column 'b' has numbers with a comma such as '0,5'",
    ),
    'dates': (
        *('csv', text_of('a.csv', 'a,b\n' + '\n'.join(f'2026-01-{n + 1:02},{"xy"[n % 2]}' for n in range(30))),
          {**SHORT[1], 'form': 'table'}),
        "input column 'a' has dates such as '2026-01-01'; allowed: numbers and categories; make columns of year",
    ),
    'numbers and a text': (
        *('csv', text_of('a.csv', f'a,b,g\n{ROWS}\nunknown,x,g0\n'), {**SHORT[1], 'form': 'table'}),
        r"input column 'a' has 30 numbers and 1 texts such as 'unknown' \(row 31\); allowed: numbers, empty where",
    ),
    'a target without a value': (
        *('csv', text_of('a.csv', 'a,b\n1,\n2,\n'), SHORT[1]),
        "target column 'b' is empty; name another",
    ),
    'a target of one value': (
        *('csv', text_of('a.csv', 'a,b\n' + '\n'.join(f'{n},3.5' for n in range(30))), SHORT[1]),
        "target column 'b' is 3.5 in every row; leave it out of target",
    ),
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
        "what they are can not be known; give form='text', smiles, table",
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
    'a table of recordings of two rates': (
        'csv',
        lambda at: listed(made.sounds(made.sounds(at / 'a').parent / 'b', 2, 8000).parent, '.wav'),
        {**PATHS, 'form': 'sounds'},
        r'0\.wav: 8000 Hz, those before have 4000 Hz; bring all recordings to one rate, and 3 more such rows',
    ),
    'a split by names that tell none': (*SHORT[:1], text_of('a.csv', 'a,b,g\n' + ROWS), {**SHORT[1], 'split': 'names'},
                                        'do not tell both a training and a test split'),
    'a split by folders that tell none': ('image_folder', IMAGES, {'split': 'names'}, 'no folder test or val beside train'),
    'a share of a split by names': (
        *('ts', lambda at: made.series(at / 'w'), {'share': 0.3}),
        r'share=0\.3, and the test split is by the names of files: 1 of 2 .*; leave share out, or take it by hash',
    ),
    'a size of a table': ('csv', TABLE, {'target': ('risk',), 'size': 8}, 'size and grey are of images'),
    **{
        f'numbers such as {form}': ('csv', column(form), {'target': ('b',)}, said)
        for form, said in (
            ('{}%', "input column 'a' has numbers with a unit or a sign such as '0%'; write them as numbers alone: 0$"),
            ('${}.50', r"with a unit or a sign such as '\$0\.50'; write them as numbers alone: 0\.50"),
            ('{} kg', "with a unit or a sign such as '0 kg'"),
            ('<{}', "with a unit or a sign such as '<0'"),
            ('1 {:03}', "numbers in groups such as '1 000'; write them without gaps: 1000"),
            ('{:02}:30', "has dates such as '00:30'"),
            ('2026/01/{}', "has dates such as '2026/01/0'"),
            ('word {} of it', "has 30 different texts in 30 rows, such as 'word 0 of it'; allowed: categories that repeat"),
        )
    },
    'targets with a unit': (
        *('csv', text_of('a.csv', 'a,b\n' + '\n'.join(f'{n},{n % 5}%' for n in range(30))), {'target': ('b',)}),
        "target column 'b' has numbers with a unit or a sign such as '0%'",
    ),
    'a mark that nobody named': (
        *('text', text_of('a.txt', 'Once.\n<|endoftext|>\n' * 30), {}),
        r"<\|endoftext\|> stands in it 30 times: whether it ends documents .* give mark='<.endoftext.>', or mark='none'",
    ),
    'channels that come first': (
        *('arrays', npz_of(x=np.zeros((30, 3, 8, 8), np.uint8), y=Y[:30]), {}),
        r'x is uint8 \[30, 3, 8, 8\], as of images with their channels first; .* give x\.transpose\(0, 2, 3, 1\)',
    ),
    'nested JSON': ('json_lines', text_of('a.jsonl', '{"a": [1]}\n'), {'target': ('a',)}, "field 'a' is a list"),
    'lines that are no JSON': ('json_lines', text_of('a.jsonl', 'a\n'), {'target': ('a',)}, 'line 1: not JSON'),
    'features or series': ('arrays', npz_of(x=X, y=Y), {}, "form='table' or form='series'"),
    'arrays of another length': ('arrays', npz_of(x=GREY, y=Y[:3]), {}, '40 examples and 3 of y'),
    'arrays without x': ('arrays', npz_of(y=Y), {}, 'without x; allowed: x '),
    'arrays that unpack without end': ('arrays', PACKED_NPZ, {}, 'looks like a decompression bomb: do not use it'),
    'an array of no machine': ('arrays', LYING_NPZ, {}, 'no arrays that can be read'),
    'an array of another name': ('arrays', npz_of(x=GREY, yy=Y), {}, "array 'yy'; allowed: x "),
    'numbers beyond float32': ('arrays', npz_of(x=X.astype(float) * 1e60, y=Y), {'form': 'table'}, 'beyond float32'),
    'x and x_test of two kinds': (
        *('arrays', npz_of(x=GREY, y=Y, x_test=GREY.astype(float), y_test=Y), {}),
        'x is of images and x_test of series; give both one type',
    ),
    'arrays without a split by names': ('arrays', npz_of(x=GREY, y=Y), {'split': 'names'}, 'neither x_test nor is_test'),
    'x_test without y_test': ('arrays', npz_of(x=GREY, y=Y, x_test=GREY), {}, 'x_test without y_test'),
    'missing numbers': ('arrays', npz_of(x=X * np.nan), {'form': 'table'}, 'missing or infinite'),
    'arrays without examples': ('arrays', npz_of(x=X[:0], y=Y[:0]), {'form': 'table'}, 'x has no examples; give one or more'),
    'classes with large gaps': (
        *('arrays', npz_of(X=GREY, Y=np.where(Y > 0, 900, 5)), {}),
        r'y has 2 different whole numbers from 5 to 900: whether they are classes .* predict=',
    ),
    'a comment on top': (
        *('csv', text_of('a.csv', '# of 2024\n' + ROWS), {'inputs': ('a',), 'target': ('b',)}),
        "its first line is '# of 2024', as a comment is; .* take comments out",
    ),
    'a pointer of Git LFS': (
        *('parquet', text_of('a.parquet', 'version https://git-lfs.github.com/spec/v1\noid sha256:1\n'), {'target': ('b',)}),
        'a.parquet: a pointer of Git LFS, not the file; get the files: git lfs pull',
    ),
    'a web page': ('csv', text_of('a.csv', '\n<!DOCTYPE html>\n'), {'target': ('b',)}, 'a.csv: a web page, not data; get it'),
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
    **{
        f'no source of {reader}': (reader, lambda at: at / 'none.csv', needed, "no such file or folder '.*none.csv'; give the")
        for reader, needed in NEEDED.items()
    },
    'an empty line': ('lines', text_of('n.txt', 'Ann\n\nBob\n'), {}, 'n.txt: line 2 is empty; allowed: an example on'),
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
    there = source(tmp_path)
    with in_a_file(), pytest.raises(ValueError, match=said) as in_words_of_a_file:
        prepared(tmp_path, reader, there, **options)
    with pytest.raises(ValueError) as in_words_of_a_command:
        prepared(tmp_path, reader, there, **options)
    assert not re.search(rf'--({OPTIONS.replace("_", "-")})\b', str(in_words_of_a_file.value))
    assert not re.search(rf'\b({OPTIONS})=', str(in_words_of_a_command.value))
    assert not (tmp_path / 'prepared' / 'mine').exists()


def test_a_place_that_is_not_there_is_told_as_the_file_says_it(tmp_path: Path):
    (tmp_path / 'mine.py').write_text("from ablations.study import task\nmine = task(source='nowhere', read='image_folder')\n")
    with pytest.raises(ValueError, match=r"nowhere'; give the place where the files lie: source=$"):
        prepare_declared(declared_in(tmp_path / 'mine.py')['mine'], tmp_path)


@pytest.mark.parametrize('path', sorted([*READING.glob('[sf]o*/*.py'), *map(READING.joinpath, ('material.py', 'prepare.py'))]))
def test_whoever_reads_a_set_tells_options_in_the_words_of_its_user(path: Path):
    """By `option` of ablations/option_words.py, never by a word of one user that stands in the text."""
    raised = [one for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.Raise)]
    texts = [one.value for where in raised for one in ast.walk(where) if isinstance(one, ast.Constant)]
    word = re.compile(rf'--({OPTIONS.replace("_", "-")}|name)\b|\b({OPTIONS})=')
    # A set without a name, or without files in the data folder, is one of the catalogue, which no file declares.
    told = [text for text in texts if isinstance(text, str) and word.search(text)]
    assert not [text for text in told if 'PATH' not in text and 'my_set' not in text]
