"""What is layout in a file is taken off, and nothing else: signs at the ends of lines, names, labels and documents stay."""

from collections import Counter
from pathlib import Path

import pytest
from packed import as_tar

from sweeps.datasets.formats.archives import checked_name, members
from sweeps.datasets.formats.lines import read_lines
from sweeps.datasets.formats.series_files import read_columns, read_series
from sweeps.datasets.formats.text_files import documents
from sweeps.datasets.formats.ts_files import read_ts
from sweeps.datasets.formats.webdataset import read_webdataset
from sweeps.datasets.material import Options
from sweeps.datasets.sources.texts import articles, wikitext
from sweeps.datasets.sources.texts import documents as documents_of


def test_lines_and_documents_keep_their_signs(packed):
    assert list(read_lines(packed('a.txt', b'_a_\r\n b \n\xc3\xa4'), None)) == ['_a_', ' b ', 'ä']
    path = packed('b.txt', b'_a_\n<m>\r\n_b_<m>\n<m>\n_c _\n')
    assert list(documents(path, '<m>')) == ['_a_', '_b_', '_c _']


def test_documents_of_a_source_keep_their_signs(packed):
    path = packed('a.txt', b'\n_a_\n<m>\n\n_b_<m>_ _<m>')
    material = documents_of(path, Options(mark='<m>'))
    assert [bytes(x) for xs, _ in material.pool for x in xs] == [b'_a_', b'_b_', b'_ _'] and material.test is None


@pytest.mark.parametrize('line', [' = Bob = _\n', '_ = Bob = \n', ' = = Bob = = \n', ' = Bob =\n', ' =  = \n'])
def test_only_a_title_alone_on_its_line_begins_an_article(line: str):
    lines = [' = Ada = \n', 'words\n', line, 'more']
    assert list(articles(lines)) == [''.join(lines) + '\n']
    assert list(articles([*lines[:2], ' = Bob = \n', 'more'])) == [' = Ada = \nwords\n', ' = Bob = \nmore\n']
    assert list(articles(['\n', ' = Ada = \n', ' \n'])) == ['\n = Ada = \n \n'] and list(articles([' \n', '\n'])) == []


@pytest.mark.parametrize('line', ['1\t_2', '1\t2_', '_1\t2', '1_\t2', "1\t'2_'", '1\t2 _'])
def test_a_number_of_a_series_has_nothing_beside_it(packed, line: str):
    with pytest.raises(ValueError, match=r'line 1: .*; allowed: numbers; has it a header'):
        read_series(packed('a.tsv', line.encode()))
    assert read_series(packed('a.tsv', b' 1\t "2" \t\'3\' \r\n'))[0].tolist() == [[2.0, 3.0]]


def test_columns_of_white_space(packed):
    assert read_columns(packed('a.txt', b'x y\n1 _2_\n'), ['y']) == {'y': ['_2_']}


def test_comments_of_series_files_may_stand_anywhere(packed):
    text = b'# a\n@problemName x\n\n@classLabel true a b_\n@data\n# b\n  # c\n1,2: a \n\n3,4:b_\n'
    one = read_ts(packed('a.ts', text))
    assert (one.words, one.classes, one.numbers) == (['a', 'b_'], ['a', 'b_'], False)
    assert [series.tolist() for series in one.series] == [[[1.0], [2.0]], [[3.0], [4.0]]]


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        (b'@classLabel false\n@data\n1:a\n', r'a\.ts: series without a class or a target'),
        (b'@timeStamps true\n', 'line 1: series with time stamps; allowed'),
        (b'@classLabel true a\n@data\n1,2\n', 'line 3: no class behind a colon; allowed: values, colon, class'),
        (b'@classLabel true a\n@data\n1,(2:a\n', r"line 3: '\('; allowed: numbers with commas"),
        (b'@classLabel true a\n@data\n1,?:a\n', r"line 3: '\?'; allowed: numbers with commas"),
        (b'@classLabel true a\n@data\n1,x:a\n', "line 3: '1,x'; allowed: numbers with commas"),
        (b'@classLabel true a\n@data\n1:2:a\n1:a\n', 'line 4: 1 dimensions, those before have 2; mend the line'),
        (b'@classLabel true a\n', r'a\.ts: no series below @data; get the file again'),
    ],
)
def test_series_files_that_cannot_be_read(packed, text: bytes, said: str):
    with pytest.raises(ValueError, match=said):
        read_ts(packed('a.ts', text))
    assert read_ts(packed('b.ts', b'@timeStamps false\n@targetLabel true\n@data\n1,2:3\n')).numbers


def shard(packed, name: str, label: bytes) -> Path:
    return packed('a.tar', as_tar({f'{name}.jpg': b'x', f'{name}.cls': label}))


@pytest.mark.parametrize('label', [b'_5', b'5_', b'--5', b'5 5'])
def test_a_label_is_a_number_alone(packed, label: bytes):
    with pytest.raises(ValueError) as caught:
        list(read_webdataset(shard(packed, 'deep/_k', label)))
    said = f"deep/_k.cls: label '{label.decode()}'; allowed: a whole number; make the shard again"
    assert str(caught.value).endswith(f'a.tar: {said}') or label == b'--5'
    assert list(read_webdataset(shard(packed, '_k', b' 5\n'), unread=Counter())) == [(b'x', 5)]


def test_a_key_is_named_as_it_is(packed):
    path = packed('a.tar', as_tar({'_k.cls': b'1'}))
    with pytest.raises(ValueError, match=r"a\.tar: _k: has \['cls'\]; allowed: one image of jpg, jpeg, png, webp and a label"):
        list(read_webdataset(path))


@pytest.mark.parametrize(
    ('name', 'clean'),
    [('./a/b', 'a/b'), ('a\\b', 'a/b'), ('a//b/', 'a/b'), ('a/..b', 'a/..b'), ('_a', '_a'), ('a:b', 'a:b')],
)
def test_names_of_members_without_what_says_nothing(packed, name: str, clean: str):
    assert checked_name(name, 'x') == clean
    assert [one for one, _ in members(packed('a.tar', as_tar({name.rstrip('/'): b'1'})))] == [clean]


@pytest.mark.parametrize('name', ['', '.', './', '/a', '\\a', 'a/../b', '..', 'C:/a', 'a\0b'])
def test_names_that_lead_outside(name: str):
    with pytest.raises(ValueError, match=r"x: member '.*' leads outside the archive; allowed: relative paths without"):
        checked_name(name, 'x')


def pool_of(path: Path, **options: object) -> list[bytes]:
    return [bytes(x) for xs, _ in documents_of(path, Options(**options)).pool for x in xs]


def test_marks_that_nobody_told_of_are_asked_about_and_may_be_text(packed):
    text = b'one\n</s>\ntwo\n</s>\n' + b'<eos>' * 3
    with pytest.raises(ValueError) as caught:
        pool_of(packed('a.txt', text))
    assert str(caught.value).endswith(
        "a.txt: </s> stands in it 2 times: whether it ends documents can not be known; give --mark '</s>', or --mark none "
        'where it is text like any other'
    )
    (whole,) = [b''.join(pool_of(path, mark='none')) for path in [packed('b.txt', b'\n' + text)]]
    assert (b'\n' + text).startswith(whole) and whole.startswith(b'\none'), 'the last tenth is the test split'
    assert pool_of(packed('c.txt', b'once </s> and <eos> only, which is no mark'))[0].startswith(b'once </s>')


def test_a_document_that_lacks_its_mark_is_left_out_where_there_are_others(packed):
    notes = ['a.txt: the last document is cut off (no <m> after it) and was left out']
    for text, wanted, said in (
        (b'a<m>b<m>c', [b'a', b'b'], notes),
        (b'a<m>b<m>c<m>', [b'a', b'b', b'c'], []),
        (b'a<m>b<m>c<m>\n \n', [b'a', b'b', b'c'], []),
    ):
        path = packed('a.txt', text)
        material = documents_of(path, Options(mark='<m>'))
        assert [bytes(x) for xs, _ in material.pool for x in xs] == wanted and material.notes == said


def test_articles_keep_the_ends_of_their_lines(packed):
    for split in ('train', 'valid', 'test'):
        path = packed(f'wiki.{split}.raw', f' = Ada {split} = \n words\r\nmore\n = Bob = \nlast'.encode())
    material = wikitext(path.parent, Options())
    pool, test = ([bytes(x) for xs, _ in blocks for x in xs] for blocks in (material.pool, material.test))
    first = [b' = Ada %s = \n words\r\nmore\n' % split for split in (b'train', b'valid')]
    assert pool == [first[0], b' = Bob = \nlast\n', first[1], b' = Bob = \nlast\n']
    assert test == [b' = Ada test = \n words\r\nmore\n', b' = Bob = \nlast\n']
