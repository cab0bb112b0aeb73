"""A task of a user's own as it is declared: how its source is read, which options a reader takes, and what its hash is of."""

import pytest

from ablations.option_words import in_a_file, option
from ablations.task_files import code_of, is_address
from ablations.tasks.own_task import ENDINGS, READERS, OwnTask, check_options, check_reader


@pytest.mark.parametrize(
    ('source', 'read', 'reader'),
    [
        *((f'data/rows{ending}', '', reader) for ending, reader in ENDINGS.items()),
        *((f'data/ROWS{ending.upper()}', '', reader) for ending, reader in ENDINGS.items()),
        ('shards.tar/', '', 'webdataset'),
        ('rows.csv', 'json_lines', 'json_lines'),
        ('photos', 'image-folder', 'image_folder'),
        ('photos', 'image_folder', 'image_folder'),
        (('a', 'b'), '', 'which_set'),
        (['a', 'b'], 'which-set', 'which_set'),
    ],
)
def test_the_reader_is_the_one_given_or_that_of_the_ending(source: object, read: str, reader: str):
    one = OwnTask(source=source, read=read)
    assert one.read == reader and one.sets == (tuple(source) if reader == 'which_set' else ())


def made() -> dict:
    return {}


@pytest.mark.parametrize('read', ['', 'function'])
def test_a_function_is_read_as_one(read: str):
    assert OwnTask(source=made, read=read).read == 'function' and OwnTask(source=made).sets == ()


@pytest.mark.parametrize(
    ('source', 'read', 'said'),
    [
        ('rows', '', "source='rows': how to read it is not told by its name; give read=, one of "),
        ('rows.csv.zip', '', 'how to read it is not told'),
        ('csv', '', 'how to read it is not told'),
        ('rows.csv_', '', 'how to read it is not told'),
        (made, 'csv', "read='csv' of a function; leave it out"),
        (('a', 'b'), 'csv', "read='csv' of several sets; leave it out"),
        ('photos', 'which_set', "read='which_set' of source='photos'; give source the names of prepared sets"),
        ('rows.csv', 'Csv', "no reader 'Csv'; allowed: .* Did you mean 'csv'"),
        (len, '', r'allowed: a path in quotes, a function of the file \(def\)'),
        (lambda: {}, '', r'allowed: a path in quotes, a function of the file \(def\)'),
        (('a',), '', 'the names of two or more prepared sets'),
    ],
    ids=['stem', 'zip', 'ending', 'more', 'function', 'sets', 'which_set', 'capital', 'built_in', 'lambda', 'one_set'],
)
def test_a_source_that_cannot_be_read_is_refused(source: object, read: str, said: str):
    with pytest.raises(ValueError, match=said):
        OwnTask(source=source, read=read)


def test_readers_that_a_source_chooses_itself_are_not_offered():
    with pytest.raises(ValueError) as caught:
        check_reader('nothing')
    offered = str(caught.value).partition('allowed: ')[2]
    assert "'csv'" in offered and 'which_set' not in offered and "'function'" not in offered
    assert [check_reader(name) for name in ('wav-folder', 'which_set', 'ts')] == ['wav_folder', 'which_set', 'ts']
    with pytest.raises(ValueError, match="no reader '3'"):
        check_reader(3)


TAKEN = [
    ('fasta', {'form': 'nucleotides'}),
    ('fasta', {'form': 'amino_acids', 'split': 'hash', 'share': 0.5}),
    ('arrays', {'form': 'table', 'predict': 'values'}),
    ('csv', {'split': 'column:fold', 'group': 'patient', 'grey': True, 'size': 1}),
    ('text', {'split': 'column:fold', 'inputs': ('a',), 'mark': ''}),
    ('image-folder', {'size': 8, 'split': 'names'}),
    ('tokens', {'token_type': 'uint16', 'separator': '0'}),
    ('which_set', {'jpeg': 90}),
    *((reader, {'partial': True, 'skip_damaged': True, 'share': 1e-9}) for reader in READERS),
    # What is not given is no option.
    *((reader, {'inputs': None, 'grey': False, 'mark': None}) for reader in READERS),
]


@pytest.mark.parametrize(('reader', 'options'), TAKEN, ids=str)
def test_options_that_a_reader_takes(reader: str, options: dict):
    check_options(reader, options)


REFUSED = [
    ('fasta', {'form': 'table'}, r"--form table; allowed: \['nucleotides', 'amino_acids'\]"),
    ('arrays', {'form': 'nucleotides'}, r"--form nucleotides; allowed: \['table', 'text'"),
    ('csv', {'form': 'Images'}, "Did you mean 'images'"),
    ('csv', {'predict': 'clas'}, r"--predict clas; allowed: \['class', .* Did you mean 'class'"),
    ('csv', {'split': 'random'}, r'--split random; allowed: names \(of files\), hash \(of content\) or column:NAME'),
    ('csv', {'split': 'names '}, 'allowed: names'),
    ('csv', {'split': 'column:'}, 'allowed: names'),
    ('csv', {'split': 3}, 'allowed: names'),
    ('image_folder', {'split': 'column:fold'}, "reader 'image_folder' reads no columns; allowed: names or hash"),
    *(('csv', {'share': share}, 'allowed: a share between 0 and 1') for share in (0, 1, -0.1, True, '.1', float('nan'))),
    *(('csv', {'size': size}, 'allowed: a whole number of pixels above 0') for size in (0, -1, True, 1.0, '8')),
    ('lines', {'inputs': ('a', 'b')}, "--inputs a,b: reader 'lines' takes no such option; it takes split, share, partial"),
    ('csv', {'mark': ''}, "--mark '': reader 'csv' takes no such option; it takes inputs, target, form"),
    ('image_folder', {'jpeg': 0}, "--jpeg 0: reader 'image_folder' takes no such option; it takes size, grey, split"),
]


@pytest.mark.parametrize(('reader', 'options', 'said'), REFUSED, ids=str)
def test_options_that_a_reader_does_not_take(reader: str, options: dict, said: str):
    with pytest.raises(ValueError, match=said):
        check_options(reader, options)


def test_an_option_is_told_as_its_user_writes_it():
    assert option('skip_damaged', False) == option('skip_damaged') == '--skip-damaged'
    assert option('inputs', ['a b', 'c']) == "--inputs 'a b,c'" and option('size', 0) == '--size 0'
    with in_a_file():
        assert option('inputs', ('a',)) == "inputs=('a',)" and option('as', 'csv') == "read='csv'"
        assert option('grey', 'yes') == 'grey=True' and option('size', 0) == 'size=0'
        with in_a_file():
            pass
        assert option('size', 1) == 'size=1'
    assert option('size', 1) == '--size 1'


def test_options_of_a_set_that_is_prepared_already_are_named():
    assert OwnTask(dataset='eyes', steps=4, held=3).source is None
    with pytest.raises(
        ValueError, match=r"dataset='eyes' is prepared already, so \['read', 'grey', 'target'\] would not be read"
    ):
        OwnTask(dataset='eyes', read='csv', target='y', grey=True)
    with pytest.raises(ValueError, match=r"so \['split'\] would not be read; give source too"):
        OwnTask(dataset='eyes', split='hash')


def test_columns_are_names_each_once():
    one = OwnTask(source='a.csv', inputs='age', target=['y', 'z'])
    assert (one.inputs, one.target, OwnTask(source='a.csv').inputs) == (('age',), ('y', 'z'), None)


@pytest.mark.parametrize(
    ('fields', 'same'),
    [
        ({}, True),
        ({'grey': False, 'partial': False}, True),
        ({'steps': 9, 'held': 3, 'metric': 'auroc', 'data': {'a': 1}, 'name': 'other', 'dataset': 'other'}, True),
        ({'target': ('y',)}, True),
        ({'target': 'z'}, False),
        ({'grey': True}, False),
        ({'partial': True}, False),
        ({'size': 8}, False),
        ({'share': 0.2}, False),
        ({'read': 'parquet'}, False),
        ({'source': 'b.csv'}, False),
    ],
    ids=str,
)
def test_the_hash_of_data_is_of_their_source_and_how_it_is_read(fields: dict, same: bool):
    base = {'source': 'a.csv', 'read': 'csv', 'target': 'y'}
    assert (OwnTask(**{**base, **fields}).declared() == OwnTask(**base).declared('code of no function')) is same


def test_the_hash_of_a_function_is_of_its_name_and_its_code():
    def other() -> dict:
        return {}

    one = OwnTask(source=made)
    assert one.declared('x = 1') == OwnTask(source=made).declared('x = 1') != one.declared('x = 2')
    assert one.declared('x = 1') != OwnTask(source=other).declared('x = 1')
    assert (
        OwnTask(source=('a', 'b')).declared() == OwnTask(source=['a', 'b']).declared() != OwnTask(source=('b', 'a')).declared()
    )


@pytest.mark.parametrize(
    ('text', 'code'),
    [
        ('', ''),
        ('"About."\n', ''),
        ('print(3)\n', 'print(3)'),
        ('import numpy\nfrom numpy import array\nfrom . import x\n', 'import numpy\nfrom numpy import array\nfrom . import x'),
        ('from ablations.study import task\nfrom ablations import study\nimport ablations\n', 'import ablations'),
        ('from ablations_of_mine import x\n', 'from ablations_of_mine import x'),
        ('mine = task(\n    source=make,\n)\nx = 1\n', 'x = 1'),
        ('mine: object = task(source=make)\nstudy: object = 3\n', ''),
        ('mine = other = task(source=make)\n', ''),
        ('mine = x = task(source=make)\n', 'mine = x = task(source=make)'),
        ('a.mine = 3\nmine[0] = 3\n', 'a.mine = 3\nmine[0] = 3'),
        ('@cache\n@twice\ndef make():\n    return 3\n', '@cache\n@twice\ndef make():\n    return 3'),
        ('x = 1  # why\n\n\ny = 2\n', 'x = 1  # why\ny = 2'),
        ('class A:\n    mine = 3\n', 'class A:\n    mine = 3'),
        ("x = 'ä'\n", "x = 'ä'"),
    ],
    ids=repr,
)
def test_the_code_of_a_file_is_all_but_its_words_tasks_and_study(text: str, code: str):
    assert code_of(text.encode(), ['mine', 'other']) == code


def test_the_code_of_a_file_in_another_encoding_is_read_as_far_as_it_can_be():
    assert code_of(b"# coding: latin-1\nx = 'caf\xe9'\n", []) == "x = 'caf\ufffd'"


@pytest.mark.parametrize(
    ('item', 'names'),
    [('my.py:a', True), ('my.py', True), ('digits', False), ('my.pyc', False), ('my.py:', True), (3, False), (None, False)],
)
def test_a_task_of_a_file_is_told_by_its_address(item: object, names: bool):
    assert is_address(item) is names
