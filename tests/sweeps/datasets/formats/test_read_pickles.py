"""Pickles: plain data come back, and nothing that a pickle asks for is executed."""

import builtins
import collections
import os
import pickle
import struct
import subprocess

import numpy as np
import pytest

from sweeps.datasets.formats.pickles import load_pickle

PLAIN = {
    'numbers': [1, -5, 2**70, 1.5, True, None],
    'text': ('a', 'ü', b'bytes\xff', b''),
    'nested': {'a': {1: [(), [], {}]}},
}


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_come_back(protocol):
    assert load_pickle(pickle.dumps(PLAIN, protocol), 'file') == PLAIN


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    'array',
    [
        np.arange(12, dtype=np.uint8).reshape(3, 4),
        np.asfortranarray(np.arange(12, dtype=np.float32).reshape(3, 4)),
        np.arange(3, dtype='>i2'),
        np.array(['a', 'bc']),
        np.zeros((0, 5), np.int64),
        np.array([True, False]),
    ],
    ids=['uint8', 'columns_first', 'big_endian', 'text', 'empty', 'bool'],
)
def test_arrays_come_back(array, protocol):
    content = load_pickle(pickle.dumps({'data': [array, array]}, protocol), 'file')['data']
    for one in content:
        assert type(one) is np.ndarray
        assert one.dtype == array.dtype
        np.testing.assert_array_equal(one, array)


def test_scalars_come_back():
    assert load_pickle(pickle.dumps([np.float32(0.5), np.int64(-3)]), 'file') == [0.5, -3]


def test_shared_and_cyclic_parts():
    inner = [np.arange(3)]
    outer = [inner, inner]
    outer.append(outer)
    content = load_pickle(pickle.dumps(outer), 'file')
    assert content[0] is content[1]
    assert content[2] is content
    assert content[0][0].tolist() == [0, 1, 2]


def test_python_2_and_old_numpy():
    """As the official CIFAR files are: bytes for text, numpy.core, a type written as text of Python 2."""
    text = lambda x: b'U' + bytes([len(x)]) + x  # noqa: E731
    dtype = b'cnumpy\ndtype\n(' + text(b'u1') + b'K\0K\x01tR(K\x03' + text(b'|') + b'NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb'
    make = b'cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0t' + text(b'b') + b'tR'
    content = b'\x80\x02}(' + text(b'data') + make + b'(K\x01(K\x02K\x03t' + dtype + b'\x89' + text(b'abcdef') + b'tbu.'
    loaded = load_pickle(content, 'file')
    assert list(loaded) == [b'data']
    np.testing.assert_array_equal(loaded[b'data'], [[97, 98, 99], [100, 101, 102]])
    # The standard library agrees.
    np.testing.assert_array_equal(pickle.loads(content.replace(b'numpy.core', b'numpy._core'), encoding='bytes')[b'data'],
                                  loaded[b'data'])  # fmt: skip


class Asks:
    """Pickles as a call of a function: what an attacker writes."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Plain:
    pass


def attacks(mark: str) -> dict[str, object]:
    return {
        'system': Asks(os.system, f'touch {mark}'),
        'eval': Asks(builtins.eval, f'open({mark!r}, "w")'),
        'exec': Asks(builtins.exec, f'open({mark!r}, "w")'),
        'open': Asks(builtins.open, mark, 'w'),
        'popen': Asks(subprocess.Popen, ['touch', mark]),
        'getattr': Asks(builtins.getattr, os, 'system'),
        'import': Asks(builtins.__import__, 'os'),
        'nested': {'data': [1, (2, Asks(os.system, f'touch {mark}'))]},
        'in_array': np.array([Asks(os.system, f'touch {mark}')], dtype=object),
        'object_array': np.array([1, 'a'], dtype=object),
        'structured': np.zeros(3, [('a', 'i4'), ('b', 'O')]),
        'records': np.zeros(3, [('a', 'i4')]),
        'instance': Plain(),
        'counter': collections.Counter('ab'),
        'function': os.system,
        'class': np.ndarray,
        'dtype': np.dtype('u1'),
        'load': Asks(pickle.loads, pickle.dumps(Asks(os.system, f'touch {mark}'))),
        'numpy_load': Asks(np.load, mark),
        'many_bytes': Asks(bytes, 1 << 40),
        'many_bytes_array': Asks(bytearray, 1 << 40),
    }


@pytest.mark.parametrize('protocol', [0, 2, 4, 5])
@pytest.mark.parametrize('name', list(attacks('')))
def test_nothing_is_executed(tmp_path, name, protocol):
    if name == 'getattr':
        content = b'cbuiltins\ngetattr\n(cos\nsystem\nS"x"\ntR.'
    else:
        content = pickle.dumps(attacks(str(tmp_path / 'executed'))[name], protocol)
    with pytest.raises(ValueError, match=r'batch: not a pickle of plain data.*nothing in it was executed'):
        load_pickle(content, 'batch')
    assert list(tmp_path.iterdir()) == []


RECONSTRUCT = b'cnumpy._core.multiarray\n_reconstruct\n'
BYTE = b'(cnumpy\ndtype\n(S"u1"\ntR'


WRONG = [
    b'cos\nsystem\n(S"true"\ntR.',
    b'(ios\nsystem\nS"true"\n.',
    b'(cos\nsystem\nS"true"\no.',
    b'\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.',
    b'cnumpy\nndarray\n(I5\ntR.',
    b'\x80\x02cnumpy\nndarray\n(K\x05t\x81.',
    # Attributes of what is allowed: they would change the reader for all later files.
    RECONSTRUCT + b'}S"__call__"\nNsb.',
    RECONSTRUCT + b'(N}S"__defaults__"\nNstb.',
    b'cnumpy\ndtype\n(N}S"__setstate__"\nNstb.',
    # Arrays whose content is not what their shape says, or is a list of objects.
    RECONSTRUCT + b'(NNNtR(I1\n(I1000000000000\nt' + BYTE[1:] + b'I00\nS"abc"\ntb.',
    RECONSTRUCT + b'(NNNtR(I1\n(I-1\nt' + BYTE[1:] + b'I00\nS"abc"\ntb.',
    RECONSTRUCT + b'(NNNtR(I1\n(I1\nt' + BYTE[1:] + b'I00\n(lI1\natb.',
    RECONSTRUCT + b'(NNNtR.',
    RECONSTRUCT + b'.',
    # A place in the memory of values that would take gigabytes.
    b'I1\nr\xff\xff\xff\x7f.',
    b'I1\np2000000000\n.',
    b'\x80\x02Pid\n.',
    b'\x82\x01.',
    # Damaged.
    b'',
    b'.',
    b'not a pickle',
    b'\x80\x09N.',
    pickle.dumps(PLAIN)[:-20],
    b'\x8e' + struct.pack('<Q', 1 << 62) + b'abc.',
]


@pytest.mark.parametrize('content', WRONG, ids=range(len(WRONG)))
def test_wrong_instructions(content):
    with pytest.raises(ValueError, match='batch: not a pickle of plain data'):
        load_pickle(content, 'batch')
    # The reader is as it was.
    assert load_pickle(pickle.dumps([np.arange(2)]), 'file')[0].tolist() == [0, 1]


def test_depth_is_bounded():
    with pytest.raises(ValueError, match='too deep or too large'):
        load_pickle(b'(l' + b'(l' * 100_000 + b'a' * 100_000 + b'.', 'batch')


def test_doubling_references_are_visited_once():
    """Thirty lists, each twice in the next, are a billion values when written out."""
    value = []
    for _ in range(60):
        value = [value, value]
    assert load_pickle(pickle.dumps(value), 'batch') is not None


@pytest.mark.parametrize(
    ('content', 'said'),
    [
        (b'cnumpy.core.multiarray\n_reconstruct\n(tR.', 'it holds an array without content'),
        (b'cnumpy\ndtype\n.', 'it holds a type or function as a value'),
        (b'cnumpy\nndarray\n(tR.', 'it holds an array made in an unusual way'),
        (b'cos\nsystem\n.', 'it holds the name os.system'),
        (b'c__builtin__\nbytes\n(I3\ntR.', 'it holds bytes in an unusual form'),
        (b'cbuiltins\nbytearray\n(I3\ntR.', 'it holds a gap'),
    ],
)
def test_what_a_pickle_holds_is_told(content: bytes, said: str):
    with pytest.raises(ValueError) as caught:
        load_pickle(content, 'a file')
    assert str(caught.value) == (
        f'a file: not a pickle of plain data ({said}); allowed: containers, text, bytes, numbers and numpy arrays of numbers; '
        'nothing in it was executed; get the file from its official source'
    )
