"""Token streams: what a vocabulary is learned from, where it lies, and how documents are cut and counted."""

import hashlib
import json
import locale
from pathlib import Path

import numpy as np
import pytest

from sweeps.datasets.prepared import Part, find, write
from sweeps.tasks import bpe, token_streams, vocabularies
from sweeps.tasks.token_streams import Spelling, Stream, batches

TEXTS = [b'abab', b'cdcd', b'abcd', 'Zoë'.encode(), b'dada', b'acac']


def part(texts: list[bytes]) -> Part:
    offsets = np.cumsum([0, *map(len, texts)]).astype(np.int64)
    return Part(np.frombuffer(b''.join(texts), np.uint8), None, np.arange(len(texts)), offsets)


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a set of six short texts."""
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    write(tmp_path / 'prepared' / 'few', {'kind': 'texts'}, part(TEXTS), part([b'ab']))
    return tmp_path


def test_tokens_are_counted_a_block_at_a_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(token_streams, 'BATCH', 3)
    stream = Stream(np.array([0, 1, 1, 3, 0, 1, 4]), np.array([0, 7]), np.array([0]), None, 6)
    assert stream.counts().tolist() == [2, 3, 0, 1, 1, 0]


@pytest.mark.parametrize(
    ('most', 'sizes'), [(10, [2, 2, 2]), (11, [3, 3]), (1, [1] * 6), (30, [6]), (31, [6])], ids=lambda value: str(value)
)
def test_documents_come_in_batches_of_so_many_bytes(monkeypatch: pytest.MonkeyPatch, most: int, sizes: list[int]):
    monkeypatch.setattr(token_streams, 'BATCH', most)
    made = list(batches(part([b'12345'] * 6), np.arange(6)))
    assert [len(batch) for batch in made] == sizes and all(batch == [(b'12345', True)] * len(batch) for batch in made)


def test_bytes_that_are_no_characters_are_cut_and_lost_nowhere(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(token_streams, 'PIECE', 4)
    texts = [b'\x80' * 9, b'ab\ncdefgh', b'', b'abcd']
    made = [piece for batch in batches(part(texts), np.array([0, 1, 2, 3])) for piece in batch]
    assert b''.join(piece for piece, _ in made) == b''.join(texts)
    assert [last for _, last in made].count(True) == 4 and made[-2:] == [(b'', True), (b'abcd', True)]
    assert [piece for piece, _ in made if b'\x80' not in piece] == [b'ab\n', b'cde', b'fgh', b'', b'abcd']


@pytest.mark.parametrize(('most', 'step'), [(2**28, 1), (12, 2), (11, 3)])
def test_a_large_pool_is_learned_from_by_each_kth_document(few: Path, monkeypatch: pytest.MonkeyPatch, most: int, step: int):
    """Characters are those of all documents, however many there are: 25 bytes."""
    monkeypatch.setattr(token_streams, 'LEARNED', most)
    made = Spelling('bpe', 262).read(find('few'))
    assert json.loads(made.text)['model'] == json.loads(bpe.trained(TEXTS[::step], 262))['model']
    assert Spelling('characters').read(find('few')).points.tolist() == sorted({ord(one) for one in b''.join(TEXTS).decode()})


@pytest.mark.parametrize(('tokens', 'size', 'told'), [('characters', 7, 0), ('bpe', 260, 260)])
def test_tokens_lie_in_a_folder_named_by_their_set_and_what_they_are_made_by(few: Path, tokens: str, size: int, told: int):
    """Another name, and all that was made lies unused."""
    prepared = find('few')
    Spelling(tokens, size).stream(prepared, 'pool')
    key = hashlib.sha256(json.dumps([2, prepared.about['digest'], tokens, told]).encode()).hexdigest()[:16]
    made = few / 'tokens' / f'few-{key}'
    assert [path.name for path in (few / 'tokens').iterdir() if path.is_dir()] == [made.name]
    assert sorted(path.name for path in made.iterdir() if path.is_dir()) == ['pool', 'vocabulary']
    learned = {'characters': 'characters.npy', 'bpe': 'tokenizer.json'}[tokens]
    sums = json.loads((made / 'pool' / 'checksums.json').read_text())
    assert list(sums) == ['group.npy', 'starts.npy', 'tokens.npy']
    assert sorted(path.name for path in (made / 'vocabulary').glob('[!.]*')) == sorted(['checksums.json', learned])
    assert sorted(path.name for path in (made / 'pool').glob('[!.]*')) == [
        'checksums.json',
        'group.npy',
        'starts.npy',
        'tokens.npy',
    ]


def test_tokens_of_another_tokenizer_lie_elsewhere(few: Path):
    for number, size in enumerate((257, 259)):
        (few / f'{number}.json').write_text(bpe.trained(TEXTS, size))
        Spelling('file', 0, str(few / f'{number}.json')).stream(find('few'), 'pool')
    folders = [path for path in (few / 'tokens').iterdir() if path.is_dir()]
    assert len(folders) == 2 and {path.name[:4] for path in folders} == {'few-'}


def test_what_is_learned_is_utf8_whatever_the_locale(few: Path):
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, 'C')
        stream = Spelling('bpe', 258).stream(find('few'), 'pool')
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    (path,) = few.glob('tokens/few-*/vocabulary/tokenizer.json')
    assert 'Ġ' in path.read_text(encoding='utf-8') and stream.size == 258


def test_a_mark_that_is_written_in_a_document_is_text():
    made = vocabularies.trained([b'abc'], 257)
    (ids,) = made.encode([b'a<|endoftext|>b'])
    assert len(ids) == 15 and made.mark not in ids


def test_a_tokenizer_that_cuts_fills_up_or_adds_marks_does_not_do_so_here():
    from tokenizers import Tokenizer, processors

    own = Tokenizer.from_str(bpe.trained([b'abc'], 257))
    plain = vocabularies.from_text(own.to_str(), 257).encode([b'abcabc', b'a'])
    own.enable_truncation(3)
    own.enable_padding(length=9)
    mark = own.token_to_id(bpe.MARK)
    own.post_processor = processors.TemplateProcessing(single=f'{bpe.MARK} $A', special_tokens=[(bpe.MARK, mark)])
    made = vocabularies.from_text(own.to_str(), 257).encode([b'abcabc', b'a'])
    assert [ids.tolist() for ids in made] == [ids.tolist() for ids in plain] and [len(ids) for ids in made] == [6, 1]


def test_learning_pairs_says_nothing_on_the_way(monkeypatch: pytest.MonkeyPatch):
    from tokenizers import trainers

    given, trainer = [], trainers.BpeTrainer
    monkeypatch.setattr(trainers, 'BpeTrainer', lambda **fields: given.append(fields) or trainer(**fields))
    bpe.trained([b'abc'], 258)
    (fields,) = given
    assert fields['show_progress'] is False and (fields['vocab_size'], fields['special_tokens']) == (258, [bpe.MARK])
    assert fields['initial_alphabet'] == sorted(fields['initial_alphabet']) and len(fields['initial_alphabet']) == 256


def test_documents_of_one_group_stand_side_by_side_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    texts = [f'{number:02}'.encode() for number in range(60)]
    given = part(texts)
    write(
        tmp_path / 'prepared' / 'pairs', {'kind': 'texts'}, Part(given.x, None, np.arange(60) % 2, given.offsets), part([b'ab'])
    )
    stream = Spelling('bytes').stream(find('pairs'), 'pool')
    wanted = [[*text, 256] for text in texts[::2] + texts[1::2]]
    assert stream.tokens.reshape(60, 3).tolist() == wanted and stream.group.tolist() == [0] * 30 + [1] * 30
    assert isinstance(stream.tokens, np.memmap) and stream.starts.tolist() == list(range(0, 181, 3))


@pytest.mark.parametrize(
    ('piece', 'end'), [('aé', 1), ('aaé', 2), ('a€', 1), ('ab', 1), ('a\nbé', 2), ('\naa', 1), ('aa\n', 3)]
)
def test_a_piece_is_cut_after_a_line_or_before_its_last_character(piece: str, end: int):
    assert token_streams._end(piece.encode()) == end
