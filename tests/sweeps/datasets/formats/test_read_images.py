"""Images: every mode comes as 8 bits, sizes as asked, damaged files are named, bombs are errors."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from sweeps.datasets.formats.image_files import decode, decode_all

GENERATOR = np.random.default_rng(0)
RED, GREY = (200, 30, 40), 120


def stored(image: Image.Image, form: str = 'PNG', **options) -> bytes:
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


def plain(mode: str, colour: object, size: tuple[int, int] = (8, 8)) -> Image.Image:
    return Image.new(mode, size, colour)


def halves() -> Image.Image:
    """Left half black, right half white; wider than tall."""
    values = np.zeros((10, 20), np.uint8)
    values[:, 10:] = 255
    return Image.fromarray(values)


@pytest.mark.parametrize(
    ('content', 'wanted', 'tolerance'),
    [
        (stored(plain('RGB', RED)), RED, 0),
        (stored(plain('RGB', RED), 'JPEG', quality=95), RED, 4),
        (stored(plain('RGB', RED), 'WEBP', lossless=True), RED, 0),
        (stored(plain('RGB', RED), 'BMP'), RED, 0),
        (stored(plain('RGB', RED), 'PPM'), RED, 0),
        (stored(plain('RGB', RED), 'TIFF'), RED, 0),
        (stored(plain('L', GREY)), (GREY,) * 3, 0),
        (stored(plain('L', GREY), 'JPEG', quality=95), (GREY,) * 3, 2),
        (stored(plain('1', 1)), (255,) * 3, 0),
        (stored(plain('RGB', RED).quantize(4)), RED, 1),
        (stored(plain('RGB', RED).quantize(4), 'GIF'), RED, 1),
        (stored(plain('RGB', RED).quantize(4), transparency=bytes([0, 9])), RED, 1),
        (stored(plain('RGBA', (*RED, 128))), RED, 0),
        (stored(plain('LA', (GREY, 0))), (GREY,) * 3, 0),
        (stored(plain('CMYK', (0, 255, 255, 0)), 'JPEG', quality=95), (255, 0, 0), 4),
        (stored(Image.fromarray(np.full((8, 8), GREY * 257, np.uint16))), (GREY,) * 3, 0),
        (stored(Image.fromarray(np.full((8, 8), 40_000, np.int32)), 'TIFF'), (round(40_000 / 257),) * 3, 0),
    ],
    ids=['png', 'jpeg', 'webp', 'bmp', 'ppm', 'tiff', 'grey', 'grey_jpeg', 'bilevel', 'palette', 'gif', 'transparent', 'alpha',
         'grey_alpha', 'cmyk', '16_bit', '32_bit'],
)  # fmt: skip
def test_every_mode(content, wanted, tolerance):
    for size in (None, 8, 5):
        image = decode(content, size)
        assert image.dtype == np.uint8
        assert image.shape == (size or 8, size or 8, 3)
        assert np.abs(image.astype(int) - wanted).max() <= tolerance
    grey = decode(content, None, channels=1)
    assert grey.shape == (8, 8, 1)
    # ITU-R 601: the weights of a grey value.
    assert np.abs(grey.astype(int) - np.dot(wanted, [0.299, 0.587, 0.114])).max() <= tolerance + 1


def test_pixels_are_untouched_where_the_size_fits():
    values = GENERATOR.integers(0, 256, (16, 16, 3), np.uint8)
    for how in ('crop', 'stretch'):
        np.testing.assert_array_equal(decode(stored(Image.fromarray(values)), 16, how=how), values)
    wide = GENERATOR.integers(0, 256, (5, 9, 3), np.uint8)
    np.testing.assert_array_equal(decode(stored(Image.fromarray(wide)), None), wide)


def test_cropping_and_stretching():
    values = np.zeros((10, 30, 3), np.uint8)
    values[:, 10:20] = 250
    content = stored(Image.fromarray(values))
    # The centre third of the width is all that a crop keeps.
    assert decode(content, 10).min() == 250
    image = decode(content, 30, how='stretch')
    assert image.shape == (30, 30, 3)
    assert image[:, 15].min() == 250
    assert image[:, 3].max() == 0
    tall = decode(stored(Image.fromarray(values.transpose(1, 0, 2).copy())), 10)
    assert tall.min() == 250
    assert decode(stored(plain('RGB', RED, (1, 90))), 4).shape == (4, 4, 3)


def test_the_camera_is_held_upright():
    """Orientation 6: the camera was turned, the picture has to be turned by 90 degrees clockwise."""
    exif = Image.Exif()
    exif[0x0112] = 6
    image = decode(stored(halves(), 'JPEG', exif=exif, quality=95), None, 1)[..., 0]
    assert image.shape == (20, 10)
    assert image[:9].max() < 30
    assert image[11:].min() > 220


def test_a_damaged_note_of_the_camera_is_ignored():
    content = stored(halves(), 'JPEG', quality=95, exif=b'Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01\x03\0')
    assert decode(content, None, 1).shape == (10, 20, 1)


def cut(content: bytes, part: float) -> bytes:
    return content[: int(len(content) * part)]


NOISE = Image.fromarray(GENERATOR.integers(0, 256, (40, 40, 3), np.uint8))


@pytest.mark.parametrize('form', ['JPEG', 'PNG', 'WEBP', 'GIF', 'BMP', 'TIFF'])
@pytest.mark.parametrize('part', [0.0, 0.01, 0.1, 0.5, 0.9])
def test_cut_images(form, part):
    with pytest.raises(ValueError, match='not a readable image'):
        decode(cut(stored(NOISE, form), part), 8)


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack('>I', len(body)) + name + body + struct.pack('>I', zlib.crc32(name + body))


def png_head(width: int, height: int) -> bytes:
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0))


@pytest.mark.parametrize(
    'content',
    [
        b'<html>not found</html>',
        b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n',
        stored(plain('F', 0.5), 'TIFF'),
        stored(Image.fromarray(np.full((8, 8), 1 << 20, np.int32)), 'TIFF'),
        png_head(10_000, 10_000) + chunk(b'IDAT', zlib.compress(bytes(10))),
        png_head(60_000, 60_000) + chunk(b'IDAT', zlib.compress(bytes(10))),
        png_head(8, 8) + chunk(b'zTXt', b'a\0\0' + zlib.compress(bytes(1 << 27))) + chunk(b'IEND', b''),
    ],
    ids=['page', 'eps', 'fractions', 'large_values', 'bomb', 'large_bomb', 'text_bomb'],
)
def test_what_is_no_image(content):
    with pytest.raises(ValueError, match=r'not a readable image \((?!.*object at)'):
        decode(content, 8)


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'size': 0}, 'size 0; allowed: 1 or more'),
        ({'channels': 4}, '4 channels; allowed: 1'),
        ({'how': 'pad'}, "how 'pad'; allowed: 'crop'"),
    ],
)
def test_wrong_calls(fields, message):
    with pytest.raises(ValueError, match=message):
        decode(stored(NOISE), **({'size': 8} | fields))


@pytest.mark.parametrize('threads', [1, 3])
def test_many_images_come_in_order(tmp_path, threads):
    examples = []
    for label in range(30):
        content = stored(plain('L', label))
        path = tmp_path / f'{label}.png'
        path.write_bytes(content)
        examples.append((path if label % 2 else content, label))
    image = list(decode_all(iter(examples), 4, channels=1, threads=threads))
    assert [label for _, label in image] == list(range(30))
    assert [x[0, 0, 0] for x, _ in image] == list(range(30))


def test_examples_are_taken_only_as_they_are_needed():
    taken = []

    def examples():
        for label in range(1000):
            taken.append(label)
            yield stored(plain('L', 0)), label

    stream = decode_all(examples(), None, threads=2)
    for _ in range(3):
        next(stream)
    stream.close()
    assert len(taken) < 20


def test_damaged_examples_are_errors_or_counted(tmp_path):
    good, bad = stored(plain('L', 1)), tmp_path / 'bad.JPEG'
    bad.write_bytes(cut(stored(NOISE, 'JPEG'), 0.5))
    examples = [(good, 0), (bad, 1), (b'nothing', 2), (tmp_path / 'missing.JPEG', 3), (good, 4)]
    with pytest.raises(ValueError, match=r'bad\.JPEG: not a readable image.*take it out, or leave damaged images out'):
        list(decode_all(examples, 8))
    skipped = []
    assert [label for _, label in decode_all(examples, 8, skipped=skipped)] == [0, 4]
    assert len(skipped) == 3
    assert [name in line for name, line in zip(['bad.JPEG', 'example 2', 'missing.JPEG'], skipped, strict=True)] == [True] * 3


def test_mixed_sizes_need_a_size(tmp_path):
    path = tmp_path / 'other.png'
    path.write_bytes(stored(plain('L', 2, (6, 4))))
    examples = [(stored(plain('L', 1)), 0), (path, 1)]
    with pytest.raises(ValueError, match=r'other\.png: 6 x 4 pixels, those before are 8 x 8; .*give a size'):
        list(decode_all(examples, None, skipped=[]))
    assert len(list(decode_all(examples, 5))) == 2


def test_a_palette_with_transparent_colours_is_read_without_a_warning(tmp_path):
    image = Image.fromarray(np.array([[0, 1]], np.uint8), 'P')
    image.putpalette(bytes([9, 8, 7, 200, 100, 50]))
    content = io.BytesIO()
    image.save(content, 'PNG', transparency=bytes([0, 128]))
    assert decode(content.getvalue(), None).tolist() == [[[9, 8, 7], [200, 100, 50]]]


@pytest.mark.parametrize(('value', 'read'), [(0, 0), (65535, 255), (32768, 128), (128, 0), (129, 1)])
def test_sixteen_bits_become_eight(value: int, read: int):
    content = io.BytesIO()
    Image.fromarray(np.full((2, 2), value, np.uint16)).save(content, 'PNG')
    assert decode(content.getvalue(), None, 1).tolist() == [[[read]] * 2] * 2
