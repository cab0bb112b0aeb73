"""Vocabularies: how many tokens they have, the bytes of each, the mark, and which files of tokenizers are read."""

from pathlib import Path

import numpy as np
import pytest

from sweeps.datasets.prepared import Part
from sweeps.tasks import token_streams, vocabularies
from sweeps.tasks.vocabularies import Characters


def test_a_tokenizer_is_read_from_a_folder_of_either_form_and_needs_both_files(tmp_path: Path):
    from sweeps.tasks import bpe

    text = bpe.trained([b'abc abd'] * 9, 260)
    (tmp_path / 'whole').mkdir()
    (tmp_path / 'whole' / 'tokenizer.json').write_text(text)
    assert bpe.read(tmp_path / 'whole') == bpe.read(tmp_path / 'whole' / 'tokenizer.json')
    (tmp_path / 'half').mkdir()
    (tmp_path / 'half' / 'vocab.json').write_text('{}')
    with pytest.raises(ValueError, match=r'half: no tokenizer there; allowed: a tokenizer\.json, or a folder with vocab'):
        bpe.read(tmp_path / 'half')


def test_the_smallest_bpe_has_the_bytes_and_the_mark():
    from sweeps.tasks import bpe, vocabularies

    made = vocabularies.trained([b'abc'], 257)
    assert made.size == 257 and made.lengths.tolist() == [1] * 257
    with pytest.raises(ValueError, match=r"vocabulary=256 for tokens='bpe'; allowed: 257 \(256 bytes and the mark\) or more"):
        bpe.trained([b'abc'], 256)


@pytest.mark.parametrize(('vocabulary', 'fine'), [(6, True), (5, True), (4, False), (1, False)])
def test_tokens_are_below_their_vocabulary(vocabulary: int, fine: bool):
    part = Part(np.arange(5, dtype=np.uint16), None, np.arange(2), np.array([0, 2, 5]))
    spelling = token_streams.Spelling('bytes', vocabulary)
    if fine:
        stream = spelling._shards(part)
        assert stream.starts.tolist() == [0, 2, 5] and stream.size == vocabulary and stream.lengths is None
        return
    with pytest.raises(ValueError, match=f'hold token 4, and the vocabulary has {vocabulary}; give vocabulary=5 or more'):
        spelling._shards(part)


def test_shards_without_tokens_need_a_vocabulary_too():
    empty = Part(np.zeros(0, np.uint16), None, np.arange(1), np.array([0, 0]))
    assert token_streams.Spelling('bytes', 1)._shards(empty).size == 1
    with pytest.raises(ValueError, match=r'token shards: vocabulary=0; give the number of tokens \(GPT-2: 50257\)'):
        token_streams.Spelling('bytes')._shards(empty)


def test_characters_count_the_bytes_of_utf8_and_all_others_are_one_token():
    points = [0x41, 0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x1F600]
    known = Characters(np.array(points, np.uint32))
    assert known.lengths.tolist() == [*(len(chr(point).encode()) for point in points), 1, 0]
    assert (known.mark, known.unknown, known.size) == (8, 9, 10)
    text = 'A\U0001f600' + 'B@' + '\U0010ffff'
    assert [ids.tolist() for ids in known.encode([text.encode(), b'', b'A'])] == [[0, 7, 9, 9, 9], [], [0]]
    assert Characters.of([b'ba', 'a\xe9'.encode()]).points.tolist() == [0x61, 0x62, 0xE9]


def test_a_tokenizer_without_the_mark_gets_one_behind_its_tokens(tmp_path: Path):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    plain = Tokenizer(models.BPE(vocab={letter: number for number, letter in enumerate(alphabet)}, merges=[]))
    plain.pre_tokenizer, plain.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    plain.save(str(tmp_path / 'plain.json'))
    made = vocabularies.from_file(tmp_path / 'plain.json')
    assert (made.size, made.mark) == (257, 256) and made.lengths.tolist() == [1] * 257
    (ids,) = made.encode(['aé'.encode()])
    assert len(ids) == 3 and max(ids) < 256
    marked = vocabularies.trained([b'abc'], 258)
    (tmp_path / 'marked.json').write_text(marked.text)
    assert vocabularies.from_file(tmp_path / 'marked.json') == marked
