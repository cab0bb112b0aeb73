"""Text: strict UTF-8, documents between marks wherever the chunks fall, lines."""

import pytest

from sweeps.datasets.formats import text_files as text
from sweeps.datasets.formats.text_files import documents, raw_lines, read_text

MARK = '<|endoftext|>'


@pytest.mark.parametrize('suffix', ['', '.gz', '.xz', '.bz2'])
def test_whole_texts(packed, suffix):
    content = 'Grüße\r\naus 東京\n\n🙂'
    path = packed(f'a.txt{suffix}', content.encode())
    assert read_text(path) == content
    assert list(raw_lines(path)) == ['Grüße\r\n', 'aus 東京\n', '\n', '🙂']
    assert list(documents(path)) == [content]


def test_a_byte_order_mark_is_no_text(packed):
    path = packed('a.txt', b'\xef\xbb\xbfa\nb' + b'\xef\xbb\xbf')
    assert read_text(path) == 'a\nb\ufeff'
    assert list(raw_lines(path)) == ['a\n', 'b\ufeff']
    assert list(documents(path, 'b')) == ['a', '\ufeff']


@pytest.mark.parametrize(
    ('content', 'offset', 'byte'),
    [
        ('Grüße'.encode('latin1'), 2, 'fc'),
        ('Text'.encode('utf-16'), 0, 'ff'),
        (b'a\nb\n' * 9 + b'ab\xff', 38, 'ff'),
        ('é'.encode()[:1], 0, 'c3'),
        (b'\xed\xa0\x80', 0, 'ed'),
        (b'x' * 5 + MARK.encode() + b'y\xc0\xaf', 5 + len(MARK) + 1, 'c0'),
    ],
    ids=['latin1', 'utf16', 'late', 'cut', 'surrogate', 'overlong'],
)
def test_other_encodings_are_errors_with_their_place(packed, content, offset, byte):
    path = packed('page.txt', content)
    message = rf'page\.txt: byte 0x{byte} at offset {offset} is not UTF-8 .*convert the file'
    for read in (read_text, lambda x: list(raw_lines(x)), lambda x: list(documents(x)), lambda x: list(documents(x, MARK))):
        with pytest.raises(ValueError, match=message):
            read(path)


def test_the_advice_for_another_encoding_is_of_that_one(packed):
    for encoding in ('latin1', 'utf-16'):
        with pytest.raises(ValueError, match=f'iconv -f {encoding} -t utf-8'):
            read_text(packed('a.txt', 'Grüße'.encode(encoding)))


@pytest.mark.parametrize('chunk', [1, 2, 7, 1 << 20])
def test_documents_between_marks(packed, monkeypatch, chunk):
    monkeypatch.setattr(text, 'CHUNK', chunk)
    wanted = ['One day, 東京.', '<|endof', 'two\n\nparts', ' spaces ', 'cut at the e']
    content = f'\n{MARK}\n'.join([wanted[0], '', *wanted[1:3]]) + f'{MARK}{MARK}\r\n{wanted[3]}\r\n{MARK}{wanted[4]}'
    assert list(documents(packed('a.txt', content.encode()), MARK)) == wanted


def test_folders_of_texts(packed, tmp_path):
    for name in ('b/2.txt', 'a/1.txt', 'a/10.txt', 'c.txt.gz', 'no.md'):
        packed(name, f'text of {name}'.encode())
    assert list(documents(tmp_path)) == [f'text of {name}' for name in ('a/1.txt', 'a/10.txt', 'b/2.txt', 'c.txt.gz')]
    packed('a/10.txt', b'a|b')
    assert list(documents(tmp_path, '|')) == ['text of a/1.txt', 'a', 'b', 'text of b/2.txt', 'text of c.txt.gz']


def test_wrong_calls(packed, tmp_path, monkeypatch):
    path = packed('a.txt', b'0123456789\n' * 3)
    with pytest.raises(ValueError, match='an empty mark'):
        list(documents(path, ''))
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match=r'no \.txt files'):
        list(documents(tmp_path / 'empty'))
    with pytest.raises(ValueError, match='no such file'):
        read_text(tmp_path / 'nothing')
    assert list(documents(packed('empty.txt', b''))) == []
    monkeypatch.setattr(text, 'LINE', 9)
    with pytest.raises(ValueError, match='a line of more than 9 bytes at offset 0'):
        list(raw_lines(path))
    with pytest.raises(ValueError, match="no '#' in 9 bytes from offset 0"):
        list(documents(path, '#'))


def test_the_real_texts(shared):
    """Counts as the folder's README has them."""
    play = read_text(shared('tinyshakespeare/input.txt'))
    assert len(play) == 1_115_394
    assert len(set(play)) == 65
    path = shared('tinystories/tinystories_sample.txt')
    stories = list(documents(path, MARK))
    # 2,316 whole stories, and one cut at the end.
    assert len(stories) == 2317
    assert all(story and MARK not in story for story in stories)
    assert sum(len(list(line.split())) for line in raw_lines(path)) == 406_378
