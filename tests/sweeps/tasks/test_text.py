"""Text: tokens, blocks, splits and units, on small prepared sets made here."""

import math
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import pytest

from sweeps.datasets.prepared import Part, find, write
from sweeps.tasks import token_streams
from sweeps.tasks.text import Text

WORDS = ['the', 'cat', 'sat', 'on', 'a', 'mat', 'and', 'saw', 'Zoë', 'dog', 'ran', 'far', 'away', 'over', 'hills', 'home']


def documents(count: int, seed: int, words: int = 120) -> list[bytes]:
    generator = np.random.default_rng(seed)
    return [' '.join(generator.choice(WORDS, words)).encode() for _ in range(count)]


def part(texts: list[bytes], group: list[int] | None = None) -> Part:
    offsets = np.concatenate([[0], np.cumsum([len(document) for document in texts])]).astype(np.int64)
    return Part(
        np.frombuffer(b''.join(texts), np.uint8), None, np.array(group or range(len(texts)), np.int64).reshape(-1), offsets
    )


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with `one` (one document), `many`, `numbers` (a shard whose tokens are their places) and `pictures`."""
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    folder = tmp_path / 'prepared'
    write(folder / 'one', {'kind': 'texts'}, part([b'\n'.join(documents(60, 1))]), part([b'\n'.join(documents(6, 2))]))
    write(folder / 'many', {'kind': 'texts'}, part(documents(80, 3)), part(documents(8, 4)))
    places = np.arange(60_000, dtype=np.uint32)
    write(folder / 'numbers', {'kind': 'tokens'}, shard(places, [0, 60_000]), shard(places[:9000] + 60_000, [0, 9000]))
    pictures = Part(np.zeros((4, 2, 2, 1), np.uint8), None, np.arange(4))
    write(folder / 'pictures', {'kind': 'images'}, pictures, pictures)
    return tmp_path


def shard(tokens: np.ndarray, offsets: list[int], group: list[int] | None = None) -> Part:
    return Part(tokens, None, np.array(group or range(len(offsets) - 1), np.int64), np.array(offsets, np.int64))


def numbers(**fields) -> Text:
    return Text('numbers', **{'vocabulary': 70_000, 'unit': 'nats per token', 'held': 100, 'tested': 0, **fields})


def seen(arrays, chosen: np.ndarray | slice) -> np.ndarray:
    """Every token of some windows, read or predicted."""
    return np.concatenate([arrays.x[chosen].ravel(), arrays.y[chosen].ravel()])


@pytest.mark.parametrize('length', [16, 50])
@pytest.mark.parametrize('spacing', [0, 5, 16])
def test_no_token_is_both_learned_and_scored(data: Path, length: int, spacing: int):
    task = numbers(length=length, spacing=spacing)
    pool, sealed = task.pool(), task.test()
    np.testing.assert_array_equal(pool.x[:, 1:], pool.y[:, :-1])
    for seed in (1, 2):
        train, held = task.split(pool, seed)
        assert len(held) == 100 and (pool.group[held] >= 0).all()
        assert not np.intersect1d(seen(pool, train), seen(pool, held)).size
        assert not np.intersect1d(seen(pool, slice(None)), seen(sealed, slice(None))).size
        # Every token of the held windows is predicted once.
        assert len(np.unique(pool.y[held])) == pool.y[held].size
    # Blocks cost few windows: most of the text is learned from.
    assert len(np.unique(seen(pool, train))) > 0.75 * 60_000


def test_large_shards_are_not_copied(data: Path):
    pool = numbers(length=16).pool()
    stored = np.load(data / 'prepared' / 'numbers' / 'pool' / 'x.npy', mmap_mode='r')
    base = pool.x
    while base.base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap) and base.filename == stored.filename
    assert pool.x.dtype == np.uint32 and pool.x.shape == (60_000 // 17, 16)


def test_a_document_and_its_copies_stay_on_one_side(data: Path):
    # 300 documents of 100 tokens each, numbered; number 7 stands again far away.
    tokens = np.repeat(np.arange(300), 100)
    tokens[25_000:25_100] = 7
    group = [*range(250), 7, *range(251, 300)]
    write(
        data / 'prepared' / 'copies', {'kind': 'tokens'}, shard(tokens.astype(np.uint16), [*range(0, 30_001, 100)], group),
        shard(np.full(500, 301, np.uint16), [0, 500]),
    )  # fmt: skip
    task = Text('copies', vocabulary=302, unit='nats per token', length=8, held=50)
    pool = task.pool()
    for seed in range(6):
        train, held = task.split(pool, seed)
        assert not np.intersect1d(seen(pool, train), seen(pool, held)).size
    first, again = (set(pool.group[(pool.x == 7).any(1) & (where(pool) // 10_000 == place)]) - {-1} for place in (0, 2))
    assert first == again and len(first) == 1


def where(pool) -> np.ndarray:
    return np.arange(len(pool.x)) * 9


def test_windows_that_read_the_same_are_in_one_split(data: Path):
    """Two phrases over and over: what is held out or sealed is taken out of what is learned from, or left out itself."""
    phrase, other = np.arange(20), np.arange(20, 40)
    tokens = np.concatenate([phrase if i % 3 else np.roll(other, i) for i in range(6000)]).astype(np.uint16)
    write(data / 'prepared' / 'phrases', {'kind': 'tokens'}, shard(tokens, [0, len(tokens)]), shard(tokens[:4000], [0, 4000]))
    task = Text('phrases', vocabulary=40, unit='nats per token', length=9, held=40)
    pool = task.pool()
    train, held = task.split(pool, 0)
    rows = [{row.tobytes() for row in np.hstack([pool.x, pool.y])[chosen]} for chosen in (train, held)]
    assert rows[0] and rows[1] and not rows[0] & rows[1]
    assert len(task.test().x) == 0


@pytest.mark.parametrize(
    ('dataset', 'fields'),
    [
        ('one', {'tokens': 'bytes'}),
        ('many', {'tokens': 'bytes'}),
        ('one', {'tokens': 'characters'}),
        ('many', {'tokens': 'characters'}),
        ('one', {'tokens': 'bpe', 'vocabulary': 300}),
        ('many', {'tokens': 'bpe', 'vocabulary': 300}),
    ],
)
def test_bits_per_byte_are_exact(data: Path, dataset: str, fields: dict):
    """An even guess over V tokens costs log2 V bits a token; the bytes are counted by spelling the targets out again."""
    task = Text(dataset, **fields, length=24, held=20, unit='bits per byte')
    pool = task.pool()
    _, held = task.split(pool, 3)
    for arrays in (task.part(pool, held), task.test()):
        y = np.asarray(arrays.y)
        spelled = sum(len(spell(task, number)) for number in y.ravel())
        metric = np.asarray(jax.jit(task.losses)(np.zeros((*y.shape, task.size), np.float32), y)[1])
        assert float(metric.mean()) * arrays.scale == pytest.approx(y.size * math.log2(task.size) / spelled, rel=1e-5)
    whole = sum(len(document) for document in task.messages(sealed=False))
    assert pool.scale * math.log(2) == pytest.approx(len(task._stream('pool').tokens) / whole)
    assert Text(dataset, **fields, length=24, unit='nats per token').test().scale == 1


def spell(task: Text, number: int) -> bytes:
    """The bytes of one token, a line end for the mark."""
    vocabulary = token_streams.Spelling(task.tokens, task.vocabulary).read(task.prepared)
    if number == vocabulary.mark:
        return b'\n'
    if task.tokens == 'bytes':
        return bytes([number])
    if task.tokens == 'characters':
        return chr(vocabulary.points[number]).encode()
    from tokenizers import Tokenizer, pre_tokenizers

    token = Tokenizer.from_str(vocabulary.text).id_to_token(int(number))
    assert set(token) <= set(pre_tokenizers.ByteLevel.alphabet())
    return b'.' * len(token)


def test_tokens_spell_the_text(data: Path):
    from tokenizers import Tokenizer

    task = Text('many', tokens='bpe', vocabulary=300)
    stream = task._stream('test')
    vocabulary = token_streams.Spelling('bpe', 300).read(task.prepared)
    assert int(stream.tokens.max()) < 300 == task.size
    for number, document in enumerate(documents(8, 4)):
        ids = stream.tokens[stream.starts[number] : stream.starts[number + 1]]
        assert ids[-1] == vocabulary.mark
        assert Tokenizer.from_str(vocabulary.text).decode(ids[:-1].tolist()) == document.decode()
    letters = Text('many', tokens='characters')
    tokens, points = letters._stream('pool').tokens, sorted(set(' '.join(WORDS)))
    first = documents(80, 3)[0].decode()
    assert ''.join(points[i] for i in tokens[: len(first)]) == first and tokens[len(first)] == len(points)


def test_training_again_gives_the_same_tokens(data: Path):
    from sweeps.tasks import bpe

    assert bpe.trained(documents(30, 5), 320) == bpe.trained(documents(30, 5), 320)


def test_unknown_characters_are_read_but_not_asked_for(data: Path):
    write(data / 'prepared' / 'odd', {'kind': 'texts'}, part([b'abcd' * 300]), part(['abcd\u00e9'.encode() * 40]))
    task = Text('odd', tokens='characters', length=10, held=1, unit='bits per byte')
    sealed = task.test()
    assert task.size == 6 and set(np.unique(sealed.x)) == {0, 1, 2, 3, 5} and set(np.unique(sealed.y)) == {-1, 0, 1, 2, 3}
    assert sealed.x.dtype == task.pool().x.dtype and sealed.y.dtype == task.pool().y.dtype
    asked = int((sealed.y >= 0).sum())
    assert sealed.scale == pytest.approx(sealed.y.size / asked / math.log(2))


def test_the_vocabulary_comes_from_the_pool_and_is_made_once(data: Path, monkeypatch: pytest.MonkeyPatch):
    task = Text('many', tokens='bpe', vocabulary=300)
    pool = task.pool()
    made = sorted(path.name for path in data.glob('tokens/many-*/*') if path.is_dir())
    assert made == ['pool', 'vocabulary']
    task.test()
    monkeypatch.setattr(token_streams, 'batches', None)
    again = Text('many', tokens='bpe', vocabulary=300)
    np.testing.assert_array_equal(again.pool().x, pool.x)
    again.test()
    with pytest.raises(TypeError):
        Text('many', tokens='bpe', vocabulary=310).pool()


@pytest.mark.parametrize(
    'name', ['vocabulary/characters.npy', 'pool/tokens.npy', 'pool/checksums.json', 'vocabulary/checksums.json']
)
@pytest.mark.parametrize('harm', [lambda path: path.write_bytes(path.read_bytes()[:-1] + b'?'), os.mkfifo])
def test_what_was_learned_from_a_set_is_compared_and_named(data: Path, name: str, harm: Callable):
    Text('many', tokens='characters').pool()
    (path,) = data.glob(f'tokens/many-*/{name}')
    if harm is os.mkfifo:
        path.unlink()
    harm(path)
    with pytest.raises(ValueError, match=f'{name}.*remove .*made again from the set'):
        Text('many', tokens='characters').pool()
    shutil.rmtree(path.parent)
    Text('many', tokens='characters').pool()


def test_gpt2_files_give_the_same_tokens(data: Path, tmp_path: Path):
    """vocab.json and merges.txt of a trained BPE, by name in the data folder and by path, and its tokenizer.json."""
    import json

    trained = Text('many', tokens='bpe', vocabulary=300, unit='nats per token')
    wanted = trained.pool()
    text = next(data.glob('tokens/many-*/vocabulary/tokenizer.json')).read_text(encoding='utf-8')
    model = json.loads(text)['model']
    folder = data / 'tokenizers' / 'mine'
    folder.mkdir(parents=True)
    (folder / 'vocab.json').write_text(json.dumps(model['vocab']), encoding='utf-8')
    merges = [' '.join(pair) for pair in model['merges']]
    (folder / 'merges.txt').write_text('\n'.join(['#version: 0.2', *merges]) + '\n', encoding='utf-8')
    (tmp_path / 'whole.json').write_text(text, encoding='utf-8')
    for given in ('mine', str(folder), str(tmp_path / 'whole.json')):
        task = Text('many', tokens='file', tokenizer=given)
        np.testing.assert_array_equal(task.pool().x, wanted.x)
        assert task.size == 300
    # The bytes of shards are known where their tokenizer is.
    stream = trained._stream('pool')
    whole = shard(np.array(stream.tokens), [0, len(stream.tokens)])
    write(data / 'prepared' / 'shards', {'kind': 'tokens'}, whole, whole)
    task = Text('shards', tokens='file', tokenizer='mine', unit='bits per byte')
    assert task.pool().scale == pytest.approx(Text('many', tokens='bpe', vocabulary=300).pool().scale)


def test_a_token_outside_the_vocabulary_is_refused_with_both_sizes(data: Path):
    whole = shard(np.arange(700, dtype=np.uint16), [0, 700])
    write(data / 'prepared' / 'shards', {'kind': 'tokens'}, whole, whole)
    with pytest.raises(ValueError, match=r'token 699, and the vocabulary has 650; give vocabulary=700 or more'):
        Text('shards', vocabulary=650, unit='nats per token').pool()
    assert Text('shards', vocabulary=700, unit='nats per token').size == 700


def test_long_documents_are_cut_at_line_ends_and_lose_nothing(data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(token_streams, 'PIECE', 100)
    monkeypatch.setattr(token_streams, 'BATCH', 1000)
    texts = [b'\n'.join(documents(3, 6)), b'', 'ë'.encode() * 333]
    pieces = [pair for batch in token_streams.batches(part(texts), np.arange(3)) for pair in batch]
    assert b''.join(piece for piece, _ in pieces) == b''.join(texts) and sum(last for _, last in pieces) == 3
    assert max(len(piece) for piece, _ in pieces) <= 100
    assert all(piece.decode('utf-8') is not None for piece, _ in pieces)


BAD = [
    ({'unit': 'bits'}, "unit 'bits'; allowed"),
    ({'tokens': 'words'}, "tokens 'words'; allowed"),
    ({'length': 0}, 'length=0; allowed: 1 or more'),
    ({'spacing': -1}, 'spacing=-1; allowed: 0 or more'),
    ({'dataset': 'nothing'}, 'archlab data prepare .* --name nothing'),
    ({'dataset': 'pictures'}, "of kind 'images'; allowed: texts"),
    ({'dataset': 'numbers'}, 'give the number of tokens'),
    ({'dataset': 'numbers', 'vocabulary': 70_000}, 'are not known; give tokenizer=PATH'),
    ({'tokens': 'bpe', 'vocabulary': 100}, 'vocabulary=100'),
    ({'tokens': 'file'}, 'without a tokenizer'),
    ({'tokens': 'file', 'tokenizer': 'no/such'}, 'no tokenizer there; allowed'),
    ({'tokens': 'file', 'tokenizer': '{data}/broken.json'}, 'no tokenizer that can be read'),
    ({'tokens': 'file', 'tokenizer': '{data}/words.json'}, r"not byte-level \(token '(naïve words|\?)'\); allowed"),
    ({'dataset': 'latin', 'tokens': 'characters'}, 'not UTF-8'),
    ({'dataset': 'latin', 'tokens': 'bpe', 'vocabulary': 300}, 'not UTF-8'),
    ({'held': 0}, 'held=0; allowed: 1 or more'),
    ({'length': 10**6}, 'give no window of length=1000000'),
    (
        {'held': 10**6},
        r'\d+ windows in \d+ blocks of text do not give 1000000 held-out and any training windows; ask for fewer',
    ),
    ({'train': 10**6}, 'do not give 20 held-out and 1000000 training windows; ask for fewer'),
]


@pytest.mark.parametrize(('fields', 'message'), BAD, ids=range(len(BAD)))
def test_bad_input_is_refused(data: Path, fields: dict, message: str):
    from tokenizers import Tokenizer, models

    (data / 'broken.json').write_text('{"model": 3}', encoding='utf-8')
    Tokenizer(models.WordLevel({'naïve words': 0, '?': 1}, unk_token='?')).save(str(data / 'words.json'))
    write(data / 'prepared' / 'latin', {'kind': 'texts'}, part(['Zoë'.encode('latin-1') * 99]), part([b'Zoe' * 99]))
    fields = {name: value.format(data=data) if isinstance(value, str) else value for name, value in fields.items()}
    with pytest.raises(ValueError, match=message):
        task = Text(**{'dataset': 'one', 'held': 20, **fields})
        task.split(task.pool(), 0)


def test_sizes_and_types_are_told_of_sets_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    sizes = {
        ('tinystories', 'bytes', 0): (257, np.uint16),
        ('tinystories', 'bpe', 300): (300, np.uint16),
        ('tinystories', 'bpe', 256): (256, np.uint8),
        ('tinystories', 'characters', 0): (None, np.int32),
        ('fineweb', 'bytes', 70_000): (70_000, np.uint32),
        ('fineweb', 'bytes', 0): (None, np.int32),
    }
    for (dataset, tokens, vocabulary), (size, dtype) in sizes.items():
        task = Text(dataset, tokens=tokens, vocabulary=vocabulary, unit='nats per token')
        assert task.declared_size == size and task.declared().dtype == dtype and task.declared().shape == (1, 64)


def test_the_size_of_what_is_there_is_that_of_its_tokens(data: Path):
    assert Text('many', tokens='characters').declared_size == Text('many', tokens='characters').size


def test_a_coder_of_bytes_gets_none_of_a_set_of_tokens(data: Path):
    with pytest.raises(ValueError, match="'numbers' holds tokens, not text; a reference coder needs its bytes"):
        numbers().messages(sealed=False)
    assert Text('one').messages(sealed=True)[0][-1:] != b'\n' == Text('many').messages(sealed=True)[0][-1:]


@pytest.mark.parametrize(('tested', 'size'), [(5, 5), (0, None)])
def test_as_many_windows_are_tested_as_are_asked_for(data: Path, tested: int, size: int | None):
    task = numbers(tested=tested, length=16)
    assert task.test_size() == size and len(task.test().x) == (size or 9000 // 17)


@pytest.mark.parametrize('content', ['{}', '[]', '["tokens.npy"]', '7'])
def test_sums_that_name_no_file_are_refused(data: Path, content: str):
    Text('many').pool()
    (path,) = data.glob('tokens/many-*/pool/checksums.json')
    path.write_text(content)
    with pytest.raises(ValueError, match=r'checksums.json is damaged: it names no file; remove .*made again from the set'):
        Text('many').pool()


def test_only_text_becomes_tokens(data: Path):
    with pytest.raises(ValueError, match="dataset 'pictures' is of kind 'images'; allowed: texts, molecules, tokens"):
        token_streams.Spelling('bytes').stream(find('pictures'), 'pool')


def test_a_tokenizer_that_adds_bytes_is_refused(data: Path):
    import json

    from sweeps.tasks import bpe

    whole = json.loads(bpe.trained(documents(9, 5), 257))
    whole['pre_tokenizer']['add_prefix_space'] = True
    (data / 'spaced.json').write_text(json.dumps(whole))
    with pytest.raises(ValueError, match=r'(\d+) bytes came out of the tokenizer as (\d+); allowed: a byte-level BPE') as told:
        Text('many', tokens='file', tokenizer=str(data / 'spaced.json')).pool()
    there, came = map(int, re.match(r'(\d+) bytes .* as (\d+)', str(told.value)).groups())
    assert came == there + 1
