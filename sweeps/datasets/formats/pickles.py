"""Pickles, read so that nothing in them is executed: plain containers, text, bytes, numbers and numpy arrays of numbers.

A pickle is a program, and the standard library's loader runs whatever it names. Here a first pass refuses all instructions that
such data do not need. Then stand-ins replace the few names that the data need; they only take notes. At last the notes are
checked and made into arrays. Anything else raises ValueError.
"""

import io
import math
import pickle
import pickletools

import numpy as np

REFUSED = (
    'EXT1',
    'EXT2',
    'EXT4',
    'PERSID',
    'BINPERSID',
    'INST',
    'OBJ',
    'NEWOBJ',
    'NEWOBJ_EX',
    'NEXT_BUFFER',
    'READONLY_BUFFER',
)
"""Instructions that make objects of classes or refer to data outside the file."""
KINDS = 'biufcSU'
"""Kinds of numpy types that hold no objects."""


class _DType:
    """A note of a numpy type, as a pickle describes it."""

    __slots__ = ('dtype',)

    def __init__(self, name, *_):
        self.dtype = np.dtype(name.decode() if isinstance(name, bytes) else name)
        _refuse(self.dtype.kind not in KINDS, f'a numpy type {self.dtype}')

    def __setstate__(self, state):
        _, order, subarray, names, fields = state[:5]
        _refuse(bool(subarray or names or fields), 'a numpy type with fields')
        self.dtype = self.dtype.newbyteorder(order.decode() if isinstance(order, bytes) else order)


class _Array:
    """A note of a numpy array, as a pickle describes it."""

    __slots__ = ('array',)

    def __setstate__(self, state):
        _, shape, dtype, columns_first, content = state
        self.array = _array(content, dtype, shape, 'F' if columns_first else 'C')


class _Name:
    """The stand-in for a name in a pickle: a callable without attributes, so that a pickle can set none."""

    __slots__ = ('_function',)

    def __init__(self, function):
        self._function = function

    def __call__(self, *arguments):
        return self._function(*arguments)


def _refuse(wrong: bool, what: str) -> None:
    if wrong:
        raise pickle.UnpicklingError(f'it holds {what}')


def _array(content: bytes, dtype: _DType, shape: tuple, order: str = 'C') -> np.ndarray:
    _refuse(not isinstance(dtype, _DType) or not isinstance(content, bytes | bytearray), 'an array that is no plain data')
    whole = isinstance(shape, tuple) and all(type(length) is int and length >= 0 for length in shape)
    _refuse(not whole or len(content) != math.prod(shape) * dtype.dtype.itemsize, f'{len(content)} bytes for an array {shape}')
    return np.frombuffer(content, dtype.dtype).reshape(shape, order=order)


def _scalar(dtype: _DType, content: bytes) -> np.generic:
    return _array(content, dtype, ())[()]


def _encode(text: str = '', encoding: str = 'latin1') -> bytes:
    _refuse(not isinstance(text, str) or encoding not in ('latin1', 'latin-1'), 'bytes in an unusual form')
    return text.encode('latin1')


_NAMES = {
    ('numpy', 'ndarray'): lambda *_: _refuse(True, 'an array made in an unusual way'),
    ('numpy', 'dtype'): _DType,
    ('_codecs', 'encode'): _encode,
    ('__builtin__', 'bytes'): _encode,
    ('builtins', 'bytes'): _encode,
    ('builtins', 'bytearray'): lambda content=b'': bytearray(content) if isinstance(content, bytes) else _refuse(True, 'a gap'),
}
for _core in ('numpy.core', 'numpy._core'):
    _NAMES[f'{_core}.multiarray', '_reconstruct'] = lambda *_: _Array()
    _NAMES[f'{_core}.multiarray', 'scalar'] = _scalar
    _NAMES[f'{_core}.numeric', '_frombuffer'] = _array


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> _Name:
        _refuse((module, name) not in _NAMES, f'the name {module}.{name}')
        return _Name(_NAMES[module, name])


def _settled(value: object, seen: dict) -> object:
    """The value with arrays instead of notes; shared parts are visited once."""
    if id(value) in seen:
        return seen[id(value)]
    if isinstance(value, _Array):
        _refuse(not hasattr(value, 'array'), 'an array without content')
        return value.array
    if isinstance(value, _DType | _Name):
        _refuse(True, 'a type or function as a value')
    seen[id(value)] = value
    if isinstance(value, list):
        value[:] = [_settled(item, seen) for item in value]
    elif isinstance(value, dict):
        for key, item in value.items():
            value[key] = _settled(item, seen)
    elif isinstance(value, tuple):
        seen[id(value)] = tuple(_settled(item, seen) for item in value)
    return seen[id(value)]


def load_pickle(content: bytes, name: str) -> object:
    """The plain data in a pickle; text of Python 2 comes as bytes.

    Raises ValueError, which names the file (`name`), on a damaged pickle and on anything but plain data.
    """
    try:
        for instruction, argument, _ in pickletools.genops(content):
            _refuse(instruction.name in REFUSED, f'the instruction {instruction.name}')
            # A number far beyond the count of values would make the loader ask for gigabytes.
            _refuse(instruction.name in ('PUT', 'LONG_BINPUT') and argument > len(content), f'a value with number {argument}')
        return _settled(_Plain(io.BytesIO(content), encoding='bytes').load(), {})
    except (MemoryError, RecursionError) as error:
        raise ValueError(f'{name}: a pickle that is too deep or too large; do not use it') from error
    # A damaged pickle fails in whichever instruction comes to a wrong value.
    except Exception as error:
        raise ValueError(
            f'{name}: not a pickle of plain data ({error}); allowed: containers, text, bytes, numbers and numpy arrays of '
            'numbers; nothing in it was executed; get the file from its official source'
        ) from error
