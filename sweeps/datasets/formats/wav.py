"""WAV: sounds as PCM samples in RIFF files."""

import struct
from pathlib import Path

import numpy as np

from sweeps.datasets.formats.archives import open_plain

PCM, EXTENSIBLE = 1, 0xFFFE
BITS = (8, 16, 24, 32)


def read_wav(path: Path) -> tuple[int, np.ndarray]:
    """Samples a second and the samples, int16 [n].

    8 bits are scaled to 16, of 24 and 32 bits the upper 16 are kept, and channels are averaged. Raises ValueError if the file
    is no RIFF/WAVE, is compressed or fractional, is cut short, or holds no sample.
    """
    with open_plain(path) as file:
        content = file.read()
    if len(content) < 12 or content[:4] != b'RIFF' or content[8:12] != b'WAVE':
        raise ValueError(
            f'{path}: starts with {content[:12]!r}; allowed: RIFF....WAVE; this is not a WAV file, or cut short; '
            'get the file again'
        )
    form, place = None, 12
    while place + 8 <= len(content):
        name, size = struct.unpack_from('<4sI', content, place)
        body = content[place + 8 : place + 8 + size]
        if len(body) < size:
            raise ValueError(f'{path}: its {name!r} part should have {size:,} bytes and has {len(body):,}; get the file again')
        if name == b'fmt ':
            form = _form(body, path)
        elif name == b'data':
            if form is None:
                raise ValueError(f'{path}: samples before their format; get the file again')
            return form[0], _samples(body, *form[1:], path)
        place += 8 + size + size % 2
    raise ValueError(f'{path}: no samples; it is cut short or empty; get the file again')


def _form(body: bytes, path: Path) -> tuple[int, int, int]:
    """Samples a second, channels and bits of a sample."""
    if len(body) < 16:
        raise ValueError(f'{path}: a format part of {len(body)} bytes; allowed: 16 or more; get the file again')
    code, channels, rate, _, frame, bits = struct.unpack_from('<HHIIHH', body)
    if code == EXTENSIBLE and len(body) >= 26:
        (code,) = struct.unpack_from('<H', body, 24)
    if code != PCM or bits not in BITS:
        raise ValueError(f'{path}: format {code} with {bits} bits; allowed: PCM (1) with {BITS} bits; convert it to 16-bit PCM')
    if not channels or not rate or frame != channels * bits // 8:
        raise ValueError(f'{path}: {channels} channels, {rate} samples a second, {frame} bytes a sample; get the file again')
    return rate, channels, bits


def _samples(body: bytes, channels: int, bits: int, path: Path) -> np.ndarray:
    if not body or len(body) % (channels * bits // 8):
        raise ValueError(
            f'{path}: {len(body):,} bytes of samples; allowed: a multiple of {channels * bits // 8}, above 0; '
            'get the file again'
        )
    if bits == 24:
        values = np.frombuffer(body, np.uint8).reshape(-1, 3)[:, 1:].copy().view('<i2')[:, 0]
    else:
        values = np.frombuffer(body, {8: 'u1', 16: '<i2', 32: '<i4'}[bits])
    if bits == 8:
        values = (values.astype(np.int16) - 128) << 8
    elif bits == 32:
        values = values >> 16
    return np.rint(values.reshape(-1, channels).mean(1)).astype(np.int16) if channels > 1 else values.astype(np.int16)
