"""Coding: how a task's score becomes bits per raw byte, what is given and costs nothing, and the size of its data."""

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ablations.tasks import TASKS
from sweeps.datasets.prepared import Part, write
from sweeps.tasks.coders import order_probabilities, reference, reference_bits
from sweeps.tasks.coding import best_of, coding
from sweeps.tasks.kind import Kind
from sweeps.tasks.mixture import Mixture
from sweeps.tasks.text import Text
from sweeps.training.preflight import task_of

SMALL = {
    'balls_symbols': {'train': 64, 'held': 16},
    'doors_pixels': {'train': 64, 'held': 16, 'events': 8},
    'arithmetic': {'train': 256, 'held': 16},
    'regular_language': {'train': 256, 'held': 16},
}


def small(name: str) -> Kind:
    return task_of({**TASKS[name].data, **SMALL.get(name, {})})


@pytest.mark.parametrize('name', SMALL)
def test_messages_hold_what_is_read_and_asked_in_bytes(name: str):
    task = small(name)
    for sealed in (False, True):
        arrays, messages = task.test() if sealed else task.pool(), task.messages(sealed)
        rows = np.frombuffer(b''.join(messages), np.uint8).reshape(len(messages), -1)
        assert len(messages) == len(arrays.x) and rows.shape[1] == arrays.x.shape[1] + 1
        asked = rows[:, 1:][np.asarray(arrays.y) >= 0].reshape(len(rows), -1)
        # What is asked is what is not given, byte for token.
        np.testing.assert_array_equal(asked, rows[:, task.given() :])
        letters = dict(zip(np.asarray(arrays.y)[np.asarray(arrays.y) >= 0].tolist(), asked.ravel().tolist(), strict=True))
        assert len(set(letters.values())) == len(letters)


@pytest.mark.parametrize('name', ['balls_symbols', 'doors_pixels'])
def test_bits_of_an_event_are_those_of_its_bytes(name: str):
    task = small(name)
    tokens = (task.test().x.shape[1] + 1) // task.events
    bits = reference(task)
    assert task.bits_per_byte() == 1 / tokens and task.given() == tokens
    assert bits['source'] == pytest.approx(task.least_bits() / tokens) and bits['source'] < bits['best']
    last = dataclasses.replace(task, asked='last')
    assert last.given() == tokens * (task.events - 1) and last.bits_per_byte() == task.bits_per_byte()


def test_a_byte_that_is_given_costs_a_count_model_nothing():
    generator = np.random.default_rng(3)
    train, test = ([bytes(row) for row in generator.integers(97, 100, (60, 9), dtype=np.uint8)] for _ in range(2))
    bits = reference_bits(train, test, given=4)
    rest = order_probabilities(train, test, bits['k'])[bits['k']].reshape(60, 9)[:, 4:]
    assert bits['order_k'] == pytest.approx(float(-np.log2(rest).mean()), rel=1e-12)
    assert bits['lzma'] == reference_bits(train, test)['lzma']
    with pytest.raises(ValueError, match='the first 9 bytes of each test message are given, and none is longer'):
        reference_bits(train, test, given=9)


def test_nats_per_token_become_bits_per_byte_by_the_bytes_of_the_test_tokens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    words = np.random.default_rng(0).choice(['the ', 'cat ', 'Zoë ', 'sat '], 24_000).tolist()
    sides = [''.join(words[:20_000]).encode(), ''.join(words[20_000:]).encode()]
    parts = [Part(np.frombuffer(side, np.uint8), None, np.arange(1), np.array([0, len(side)], np.int64)) for side in sides]
    write(tmp_path / 'prepared' / 'cats', {'kind': 'texts'}, *parts)
    for tokens in ('bytes', 'characters', 'bpe'):
        nats = Text(
            'cats',
            tokens=tokens,
            vocabulary=264 if tokens == 'bpe' else 0,
            length=16,
            held=16,
            tested=32,
            unit='nats per token',
        )
        asked, lengths = nats.test().y, nats.lengths()
        in_bytes = asked.size if lengths is None else sum(int(lengths[token]) for token in asked.ravel())
        assert nats.bits_per_byte() == pytest.approx(asked.size / in_bytes / math.log(2))
        # The scale of the same arrays in bits per byte is the conversion.
        bits = dataclasses.replace(nats, unit='bits per byte')
        assert bits.bits_per_byte() == 1 and bits.test().scale == pytest.approx(nats.test().scale * nats.bits_per_byte())
        assert (tokens == 'bytes') == (in_bytes == asked.size)


def test_the_windows_of_the_library_are_judged_after_their_first_byte():
    task = task_of(TASKS['stdlib_bytes'].data)
    x, y, messages = task.test().x, task.test().y, task.messages(True)
    assert messages[3] == bytes([x[3, 0], *y[3]]) and task.given() == 1
    assert task.bits_per_byte() == pytest.approx(1 / math.log(2))


def test_the_size_of_the_data_is_what_a_replicate_trains_on():
    task = small('regular_language')
    facts = coding(task, reference(task))
    assert facts['pool_bytes'] == 32 * len(task.pool().x) and facts['test_bytes'] == 32 * 512
    assert facts['train_bytes'] == 32 * 256 and facts['test'] == task.test().checksum
    assert facts['floor'] == task.least_bits() and facts['coder'].startswith('Kneser-Ney over the last ')


def test_a_mixture_is_as_large_as_what_it_takes_of_its_domains():
    parts = (
        {'kind': 'pixels', 'dataset': 'digits', 'train': 50},
        {'kind': 'origin_bytes', 'dataset': 'writers', 'origin': '000', 'length': 64, 'train': 100},
    )
    task = Mixture(parts=parts, held=100, tested=200, lessons='shares')
    facts = coding(task, {'best': 2.0})
    assert facts['train_bytes'] == 64 * (50 + 100) and facts['bits_per_byte'] == 1.0
    assert facts['coder'] == 'the best coder of each domain' and facts['floor'] is None
    assert facts['pool_bytes'] == sum(map(len, [m for part in task.components for m in part.messages(False)]))


def test_a_score_that_nobody_can_convert_is_refused(monkeypatch: pytest.MonkeyPatch):
    task = small('regular_language')
    monkeypatch.setattr(type(task), 'bits_per_byte', Kind.bits_per_byte)
    assert 'source' not in reference(task)
    with pytest.raises(ValueError, match="'regular_language': how many bytes its score stands for is not known; allowed"):
        coding(task, {'best': 1.0})


def test_the_command_writes_what_the_plane_reads(called: Callable, tmp_path: Path):
    from results.abstraction.coded import read

    (tmp_path / 'mine.py').write_text(
        '"""Which?"""\nfrom ablations.study import Study, swap, task\n'
        "few = {**task('regular_language').data, 'length': 8, 'train': 64, 'held': 16}\n"
        "study = Study(name='mine', question=__doc__, arms={'a': (), 'b': swap('mixer', 'identity')},\n"
        "              tasks=('digits', task('regular_language', data=few)))\n"
    )
    done = called('data', 'reference', '--study', 'mine.py', '--out', 'coders.json', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('regular_language: a model has to beat') and done.stdout.endswith('coders.json\n')
    (one,) = read(tmp_path / 'coders.json').values()
    assert (one.task, one.unit, one.train_bytes) == ('regular_language', 'bits per symbol', 64 * 8)
    both = called('data', 'reference', 'regular_language', '--study', 'mine.py', '--json', cwd=tmp_path)
    # The lab's own task and the study's version of it are two.
    assert set(json.loads(both.stdout)) == {'regular_language', 'mine/regular_language'}
    none = called('data', 'reference', cwd=tmp_path)
    assert none.returncode == 2 and 'no task in bits or nats is named; give TASK, or --study STUDY' in none.stderr
    (tmp_path / 'notes.txt').write_text('mine')
    done = called('data', 'reference', 'arithmetic', '--out', 'notes.txt', cwd=tmp_path)
    assert done.returncode == 2 and 'is no file of reference coders' in done.stderr
    assert (tmp_path / 'notes.txt').read_text() == 'mine'


@pytest.mark.parametrize(
    ('bits', 'said'),
    [
        ({'lzma': 1.0, 'order_k': 2.0}, 'lzma after the training bytes'),
        ({'lzma': 2.0, 'order_k': 1.0}, 'Kneser-Ney over the last 7 bytes'),
        ({'lzma': 2.0, 'order_k': 3.0, 'last': 1.0, 'linear': 2.0}, 'the last value'),
        ({'lzma': 2.0, 'order_k': 3.0, 'last': 2.0, 'linear': 1.0}, 'linear extrapolation'),
        ({'lzma': 2.0, 'order_k': 3.0, 'quadratic': 1.0}, 'quadratic extrapolation'),
        ({'lzma': 2.0, 'order_k': 3.0, 'fitted': 1.0, 'adapted': 2.0}, 'a linear product of earlier observations'),
        ({'lzma': 2.0, 'order_k': 3.0, 'fitted': 2.0, 'adapted': 1.0}, 'a linear product that adapts'),
    ],
)
def test_the_best_coder_has_a_name(bits: dict, said: str):
    assert best_of({**bits, 'k': 7, 'best': 1.0}) == said
