"""WAV: every PCM width, channels, other parts in between, and files that are damaged or compressed."""

import struct
import wave

import numpy as np
import pytest

from sweeps.datasets.formats.wav import read_wav

VALUES = [0, 1, -1, 1000, -1000, 32767, -32768]


def part(name: bytes, body: bytes) -> bytes:
    return name + struct.pack('<I', len(body)) + body + b'\0' * (len(body) % 2)


def form(bits: int = 16, channels: int = 1, rate: int = 8000, code: int = 1, frame: int | None = None) -> bytes:
    frame = channels * bits // 8 if frame is None else frame
    return part(b'fmt ', struct.pack('<HHIIHH', code, channels, rate, rate * frame, frame, bits))


def riff(*parts: bytes) -> bytes:
    body = b'WAVE' + b''.join(parts)
    return b'RIFF' + struct.pack('<I', len(body)) + body


SIXTEEN = struct.pack(f'<{len(VALUES)}h', *VALUES)
GOOD = riff(form(), part(b'data', SIXTEEN))


@pytest.mark.parametrize(
    ('bits', 'body', 'wanted'),
    [
        (8, bytes([0, 1, 127, 128, 129, 255]), [-32768, -32512, -256, 0, 256, 32512]),
        (16, SIXTEEN, VALUES),
        (24, b''.join(b'\x80' + struct.pack('<h', value) for value in VALUES), VALUES),
        (32, b''.join(b'\x80\x80' + struct.pack('<h', value) for value in VALUES), VALUES),
    ],
    ids=['8', '16', '24', '32'],
)
def test_every_width(packed, bits, body, wanted):
    rate, samples = read_wav(packed('a.wav', riff(form(bits, rate=44_100), part(b'data', body))))
    assert rate == 44_100
    assert samples.dtype == np.int16
    assert samples.tolist() == wanted


def test_channels_are_averaged(packed):
    body = struct.pack('<6h', 100, 300, -32768, -32768, 32767, 32767)
    assert read_wav(packed('a.wav', riff(form(channels=2), part(b'data', body))))[1].tolist() == [200, -32768, 32767]


def test_other_parts_and_the_extensible_form(packed):
    extensible = struct.pack('<HHIIHHHHI', 0xFFFE, 1, 8000, 16_000, 2, 16, 22, 16, 4) + struct.pack('<H', 1) + bytes(14)
    content = riff(part(b'LIST', b'odd'), part(b'fmt ', extensible), part(b'fact', bytes(4)), part(b'data', SIXTEEN), b'tail')
    assert read_wav(packed('a.wav', content))[1].tolist() == VALUES


def test_as_the_standard_library_writes_it(tmp_path):
    with wave.open(str(tmp_path / 'a.wav'), 'wb') as file:
        file.setparams((1, 2, 16_000, 0, 'NONE', ''))
        file.writeframes(SIXTEEN)
    rate, samples = read_wav(tmp_path / 'a.wav')
    assert (rate, samples.tolist()) == (16_000, VALUES)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'allowed: RIFF'),
        (b'ID3\x04' + bytes(99), 'this is not a WAV file'),
        (b'RIFX' + GOOD[4:], 'this is not a WAV file'),
        (GOOD[:-1], r"its b'data' part should have 14 bytes and has 13"),
        (GOOD[:30], r"its b'fmt ' part should have 16 bytes and has 10"),
        (GOOD[:36], 'no samples'),
        (GOOD[:40], 'no samples'),
        (riff(part(b'data', SIXTEEN), form()), 'samples before their format'),
        (riff(form(), part(b'data', b'')), '0 bytes of samples'),
        (riff(form(channels=2), part(b'data', SIXTEEN)), '14 bytes of samples; allowed: a multiple of 4'),
        (riff(form(code=2, bits=4), part(b'data', SIXTEEN)), 'format 2 with 4 bits; allowed: PCM'),
        (riff(form(code=3, bits=32), part(b'data', SIXTEEN)), 'format 3 with 32 bits'),
        (riff(form(code=0x55), part(b'data', SIXTEEN)), 'format 85'),
        (riff(form(bits=12), part(b'data', SIXTEEN)), 'with 12 bits'),
        (riff(form(channels=0, frame=2), part(b'data', SIXTEEN)), '0 channels'),
        (riff(form(rate=0), part(b'data', SIXTEEN)), '0 samples a second'),
        (riff(form(frame=3), part(b'data', SIXTEEN)), '3 bytes a sample'),
        (riff(part(b'fmt ', bytes(6)), part(b'data', SIXTEEN)), 'a format part of 6 bytes'),
    ],
    ids=lambda value: 'file' if isinstance(value, bytes) else value,
)
def test_wrong_files(packed, content, message):
    with pytest.raises(ValueError, match=rf'a\.wav: .*{message}'):
        read_wav(packed('a.wav', content))


def test_a_missing_file(tmp_path):
    with pytest.raises(ValueError, match='no such file'):
        read_wav(tmp_path / 'nothing.wav')


def test_the_real_recordings(shared):
    """All 1,500, against the standard library's reader; lengths as the folder's README has them."""
    seconds = []
    for path in sorted(shared('fsdd/recordings').glob('*.wav')):
        rate, samples = read_wav(path)
        with wave.open(str(path)) as file:
            assert rate == file.getframerate() == 8000
            assert samples.tobytes() == file.readframes(file.getnframes())
        seconds.append(len(samples) / rate)
    assert len(seconds) == 1500
    np.testing.assert_allclose([min(seconds), max(seconds), np.mean(seconds)], [0.144, 2.283, 0.437], atol=6e-4)
