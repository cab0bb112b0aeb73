"""Molecules, a line an example, and mixtures of languages: what is asked, what it costs, and whose example is whose."""

import math
import re
from pathlib import Path

import jax
import numpy as np
import pytest

from sweeps.datasets.prepared import Part, write
from sweeps.tasks.arrays import Arrays
from sweeps.tasks.coders import reference, reference_bits
from sweeps.tasks.losses import BITS_PER_NAT
from sweeps.tasks.mixture import Mixture
from sweeps.tasks.molecules import Molecules

LINES = [b'CCO', b'c1ccccc1', b'N#N', b'C', b'CC(=O)O', b'OCC', b'CCCCCC', b'C1CC1', b'Cl', b'BrBr']


def lines(texts: list[bytes], group: list[int] | None = None) -> Part:
    offsets = np.concatenate([[0], np.cumsum([len(line) for line in texts])]).astype(np.int64)
    return Part(np.frombuffer(b''.join(texts), np.uint8), None, np.array(group or range(len(texts)), np.int64), offsets)


def prose(count: int, seed: int, letters: bytes) -> Part:
    generator = np.random.default_rng(seed)
    return lines([bytes(generator.choice(list(letters), 2000).tolist()) for _ in range(count)])


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    folder = tmp_path / 'prepared'
    write(folder / 'few', {'kind': 'molecules'}, lines(LINES * 3, [*range(10)] * 3), lines([b'CNC', b'FCCCF']))
    write(folder / 'texts', {'kind': 'texts'}, prose(30, 1, b'abcd '), prose(3, 2, b'abcd '))
    write(folder / 'long', {'kind': 'texts'}, prose(1, 3, b'xyz'), prose(1, 4, b'xyz'))
    write(folder / 'more', {'kind': 'texts'}, prose(60, 5, b'stuvw'), prose(5, 6, b'stuvw'))
    return tmp_path


def test_a_molecule_is_read_behind_a_line_end_and_ends_with_one(data: Path):
    pool = Molecules('few', length=10, held=6).pool()
    assert pool.x.shape == pool.y.shape == (30, 10)
    for x, y, line in zip(pool.x, pool.y, LINES * 3, strict=True):
        assert x.tobytes() == (b'\n' + line).ljust(10, b'\n')
        assert bytes(y[: len(line) + 1].tolist()) == line + b'\n' and (y[len(line) + 1 :] == -1).all()


def test_bits_per_byte_count_every_character_and_line_end_the_same(data: Path):
    task = Molecules('few', length=12, held=6)
    pool, sealed = task.pool(), task.test()
    train, held = task.split(pool, 1)
    assert len(train) >= 30 - 9 and not set(pool.group[train]) & set(pool.group[held])
    generator = np.random.default_rng(0)
    for arrays in (pool, task.part(pool, held), sealed):
        scores = generator.normal(size=(*arrays.y.shape, 128)).astype(np.float32)
        logs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
        rows, places = np.nonzero(arrays.y >= 0)
        nats = -logs[rows, places, arrays.y[rows, places]]
        loss, metric = map(np.asarray, jax.jit(task.losses)(scores, arrays.y))
        assert float(loss.mean()) == pytest.approx(nats.mean(), rel=1e-5)
        assert float(metric.mean()) * arrays.scale == pytest.approx(nats.mean() / math.log(2), rel=1e-5)


def test_the_reference_coder_gets_the_lines(data: Path):
    ends = [line + b'\n' for line in LINES * 3]
    assert reference(Molecules('few', length=10)) == reference_bits(ends, [b'CNC\n', b'FCCCF\n'])


def test_molecules_refuse_what_they_cannot_hold(data: Path):
    with pytest.raises(ValueError, match="task 'molecules': 3 molecules of 'few' have 8 characters or more; give length=9"):
        Molecules('few', length=8).pool()
    with pytest.raises(ValueError, match="of kind 'texts'; allowed: molecules"):
        Molecules('texts').pool()
    write(data / 'prepared' / 'odd', {'kind': 'molecules'}, lines(['Zoë'.encode()]), lines([b'C']))
    with pytest.raises(ValueError, match='not lines of ASCII'):
        Molecules('odd').pool()
    for fields, said in (
        ({'unit': 'bits'}, "task 'molecules': unit 'bits'; allowed"),
        ({'length': 1}, "task 'molecules': length=1; allowed: 2 or more"),
        ({'held': 0}, 'held=0; allowed: 1 or more'),
    ):
        with pytest.raises(ValueError, match=said):
            Molecules(**fields)


PARTS = ({'kind': 'text', 'dataset': 'texts', 'length': 16, 'held': 60}, {'kind': 'text', 'dataset': 'more', 'length': 16})


def mixture(**fields) -> Mixture:
    return Mixture(**{'parts': PARTS, 'held': 60, 'tested': 40, **fields})


def letters(task: Mixture, arrays, chosen) -> np.ndarray:
    """Which domain each example reads like: by the alphabets, which share nothing."""
    return np.isin(arrays.x[chosen], list(b'stuvw')).any(1).astype(int)


@pytest.mark.parametrize(('weights', 'shares'), [((), (0.5, 0.5)), ((3, 1), (0.75, 0.25))])
def test_domains_come_in_their_shares(data: Path, weights: tuple, shares: tuple):
    task = mixture(weights=weights)
    pool, sealed = task.pool(), task.test()
    np.testing.assert_array_equal(letters(task, pool, slice(None)), task.domains(pool))
    train, held = task.split(pool, 1)
    assert not set(pool.group[train]) & set(pool.group[held]) and len(set(train.tolist())) == len(train)
    for domains, size in ((task.domains(pool)[held], 60), (task.domains(sealed), 40), (task.domains(pool)[train], len(train))):
        np.testing.assert_allclose(np.bincount(domains), np.array(shares) * size, atol=1)
    # Nothing is repeated, and the scarcer domain is used up.
    own = task.components[0]
    assert np.bincount(task.domains(pool)[train])[0] == len(own.split(own.pool(), 0)[0]) or weights
    assert len(mixture(weights=weights, train=200).split(pool, 1)[0]) == 200


def test_windows_across_blocks_of_a_domain_are_never_used(data: Path):
    task = mixture()
    pool = task.pool()
    across = np.concatenate([component.pool().group < 0 for component in task.components])
    assert across.any() and not across[np.concatenate(task.split(pool, 2))].any()


def test_the_metric_is_the_weighted_mean_of_the_domains(data: Path):
    task = mixture(weights=(3, 1))
    sealed = task.test()
    scores = np.random.default_rng(0).normal(size=(*sealed.y.shape, 257)).astype(np.float32)
    metric = np.asarray(jax.jit(task.losses)(scores, sealed.y)[1]) * sealed.scale
    domains = task.domains(sealed)
    assert metric.mean() == pytest.approx(0.75 * metric[domains == 0].mean() + 0.25 * metric[domains == 1].mean())
    parts = [reference(component)['best'] for component in task.components]
    assert reference(task)['best'] == pytest.approx(0.75 * parts[0] + 0.25 * parts[1])


def test_other_languages_mix_where_every_position_is_a_byte(data: Path):
    task = mixture(parts=(PARTS[0], {'kind': 'pixels', 'size': 4, 'dataset': 'digits'}), tested=40)
    pool = task.pool()
    assert pool.x.shape[1] == 16 and (pool.x[task.domains(pool) == 1][:, 0] == 0).all()
    train, held = task.split(pool, 0)
    assert len(train) and np.bincount(task.domains(pool)[held]).tolist() == [30, 30]


BAD = [
    ({'parts': ()}, 'give parts'),
    ({'weights': (1,)}, '2 parts, 1 weights'),
    ({'weights': (1, 0)}, 'numbers above 0'),
    ({'held': 61}, r'held=61 gives the domains \[30.5, 30.5\]'),
    ({'train': 7}, 'train=7'),
    ({'tested': 0}, 'tested=0'),
    ({'tested': 4000}, 'part 0 .* test examples, 2000 are wanted'),
    ({'train': 20_000}, 'training examples, 10000 are wanted'),
    ({'parts': (PARTS[0], {**PARTS[1], 'length': 8})}, 'part 1 .* one length for all parts'),
    ({'parts': (PARTS[0], {**PARTS[1], 'unit': 'nats per token'})}, 'part 1 .* has a metric that is 1 times'),
    ({'parts': (PARTS[0], {'kind': 'molecules', 'dataset': 'few', 'length': 16})}, 'has tokens from -1'),
    ({'parts': (PARTS[0], {'kind': 'digits'})}, 'part 1 .* has examples'),
    ({'parts': (PARTS[0], {'kind': 'tixt'})}, "unknown kind 'tixt'"),
]


@pytest.mark.parametrize(('fields', 'message'), BAD, ids=range(len(BAD)))
def test_bad_mixtures_are_refused(data: Path, fields: dict, message: str):
    with pytest.raises(ValueError, match=message) as error:
        task = mixture(**fields)
        task.split(task.pool(), 0)
        task.test()
    if told := re.search(r'part (\d) \((.*?)\)', str(error.value)):
        assert told[2] == str(fields.get('parts', PARTS)[int(told[1])]), 'the part is shown as it was given'


def test_what_is_said_of_parts_that_are_not_prepared(data: Path):
    text = {'kind': 'text', 'length': 16}
    absent = Mixture(parts=({**text, 'dataset': 'zinc'}, {**text, 'dataset': 'tinystories'}, {'kind': 'molecules'}))
    assert absent.absent() == ['zinc', 'tinystories'], 'each once'
    same = Mixture(parts=({**text, 'dataset': 'zinc'}, {**text, 'dataset': 'tinystories'}))
    assert same.declared().shape == (1, 16) and same.declared().dtype == np.uint16
    longer = Mixture(parts=({**text, 'dataset': 'zinc'}, {**text, 'dataset': 'tinystories', 'length': 8}))
    with pytest.raises(ValueError, match=r"part 1 \(.*'tinystories'.*\) has examples \[1, 8\]; allowed: one length"):
        longer.declared()
    with pytest.raises(ValueError, match=r'part 0 \(.*\) has examples \[1, 28, 28, 1\]'):
        Mixture(parts=({'kind': 'images', 'dataset': 'mnist'},) * 2).declared()


@pytest.mark.parametrize(('fields', 'size'), [({'tested': 7}, 7), ({'tested': 0}, 2)])
def test_as_many_molecules_are_tested_as_are_asked_for(data: Path, fields: dict, size: int):
    assert Molecules('few', length=10, **fields).test_size() == size
    assert len(Molecules('few', length=10, **fields).test().x) == 2, 'there are no more'
    assert Molecules('few', length=10, tested=1).test().x.shape[0] == 1


def test_as_many_molecules_are_learned_as_are_asked_for(data: Path):
    task = Molecules('few', length=10, held=6, train=5)
    train, held = task.split(task.pool(), 0)
    assert (len(train), len(held)) == (5, 6)


@pytest.mark.parametrize(('letter', 'fine'), [(127, True), (128, False), (ord('\n'), False)])
def test_molecules_are_lines_of_ascii(data: Path, letter: int, fine: bool):
    write(data / 'prepared' / 'odd', {'kind': 'molecules'}, lines([b'CC', bytes([67, letter, 67])]), lines([b'C']))
    if fine:
        assert Molecules('odd', length=4).pool().y.tolist() == [[67, 67, 10, -1], [67, letter, 67, 10]]
        return
    with pytest.raises(ValueError, match="'odd' is not lines of ASCII; use task 'text' with tokens='bytes'"):
        Molecules('odd', length=4).pool()


@pytest.mark.parametrize(
    ('x', 'y', 'scale', 'said'),
    [
        ([[0, 256]], [[256, 0]], BITS_PER_NAT, ''),
        ([[0, 257]], [[1, 0]], BITS_PER_NAT, 'tokens from 0 to 257'),
        ([[0, 3]], [[1, 257]], BITS_PER_NAT, 'tokens from 1 to 257'),
        ([[0, 3]], [[-1, 4]], BITS_PER_NAT, 'tokens from -1 to 4'),
        ([[0, 3]], [[1, 2]], 1.0, 'a metric that is 1 times nats per token'),
        ([[0, 3, 1]], [[1, 2, 3]], BITS_PER_NAT, 'examples [1, 3] with targets [1, 3]'),
        ([[0, 3]], [[1]], BITS_PER_NAT, 'examples [1, 2] with targets [1, 1]'),
        ([[[0], [3]]], [[[1], [3]]], BITS_PER_NAT, 'examples [1, 2, 1] with targets [1, 2, 1]'),
    ],
)
def test_parts_are_mixed_where_they_hold_bytes_and_marks_of_one_length(x: list, y: list, scale: float, said: str):
    first = Arrays(np.zeros((1, 2), int), np.zeros((1, 2), int), np.zeros(1), BITS_PER_NAT)
    assert mixture().wrong_of(None, Arrays(np.array(x), np.array(y), np.zeros(1), scale), first) == said
