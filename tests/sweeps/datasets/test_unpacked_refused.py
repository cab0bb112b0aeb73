"""Archives that are damaged, unsafe or too large, and preparations that end half way: nothing unpacked is left, ever."""

import errno
import io
import tarfile
import threading
from pathlib import Path

import pytest
from killed import killed
from packed_sets import PACKERS, as_class_tars, as_tar, as_tar_gz, as_zip, colours, lay, left, pets, within

from sweeps.datasets import unpacked
from sweeps.datasets.formats import archives
from sweeps.datasets.material import Options
from sweeps.datasets.prepare import prepare


def many() -> dict[str, bytes]:
    return {f'{code}/{i}.png': x for code in ('cat', 'dog') for i, x in enumerate(colours(40))}


def cut(content: bytes, part: float = 0.6) -> bytes:
    return content[: int(len(content) * part)]


def encrypted() -> bytes:
    content = bytearray(as_zip(pets()))
    content[content.index(b'PK\x01\x02') + 8] |= 1
    return bytes(content)


def linking() -> bytes:
    target = io.BytesIO(as_tar(pets()))
    with tarfile.open(fileobj=target, mode='a') as archive:
        entry = tarfile.TarInfo('train/cat/link.png')
        entry.type, entry.linkname = tarfile.SYMTYPE, '/etc/passwd'
        archive.addfile(entry)
    return target.getvalue()


class Twice(dict):
    """Files of which the first comes again at the end."""

    def items(self):
        return [*super().items(), next(iter(super().items()))]


ZEROS = {'zeros': bytes(3 << 20)}
OUTSIDE = "leads outside the archive; allowed: relative paths without '..'; do not use this archive"
BOMB = 'it looks like a decompression bomb: do not use it'
MEGABYTE = '1,048,576 bytes'
RATIO = f'allowed: 200 times the packed size (at least {MEGABYTE}), 274,877,906,944 bytes at most; {BOMB}'
AGAIN = 'not a tar or zip archive, damaged or cut short ({}); get the file again'
TWICE = 'twice, or as file and folder; do not use this archive'
LONG = 'x' * 300
REFUSED = {
    'outside_zip': (lambda: as_zip(pets() | {'../up.png': b'1'}), f"member '../up.png' {OUTSIDE}"),
    'outside_tar': (lambda: as_tar(pets() | {'train/../../up.png': b'1'}), f"member 'train/../../up.png' {OUTSIDE}"),
    'outside_nested': (
        lambda: as_tar({'cat.tar': as_tar({'../../up.png': b'1'})}),
        f"cat.tar: member '../../up.png' {OUTSIDE}",
    ),
    'absolute': (lambda: as_tar(pets() | {'/up.png': b'1'}), f"member '/up.png' {OUTSIDE}"),
    'link': (
        linking,
        "member 'train/cat/link.png' is a link, a device or a sparse file; allowed: plain files and folders; do not use this "
        'archive',
    ),
    'encrypted': (
        encrypted,
        "member 'train/cat/0.png' is encrypted; allowed: archives without a password; unpack it first",
    ),
    'bomb_zip': (
        lambda: as_zip(dict.fromkeys('ab', bytes(3 << 19))),
        f'unpacks to 3,145,728 bytes; allowed: 1,048,576 (200 times the packed size); {BOMB}',
    ),
    'bomb_tar': (lambda: as_tar_gz(pets() | ZEROS), f'unpacks to more than {MEGABYTE}; {RATIO}'),
    'bomb_nested': (lambda: as_zip({'cat.tar.gz': as_tar_gz(ZEROS)}), f'cat.tar.gz: unpacks to more than {MEGABYTE}; {RATIO}'),
    'bombs_nested': (
        lambda: as_zip({f'{i}.tar.gz': as_tar_gz({f'{i}/a': bytes(800_000)}) for i in range(3)}),
        f'unpacks to more than {MEGABYTE}; {BOMB}',
    ),
    'cut_zip': (lambda: cut(as_zip(many())), 'damaged or cut short zip archive (File is not a zip file); get the file again'),
    'cut_tar': (lambda: cut(as_tar(many())), AGAIN.format('empty header')),
    'cut_tar_gz': (lambda: cut(as_tar_gz(many())), 'damaged or cut short (Compressed file ended before'),
    'cut_nested': (
        lambda: as_tar({'cat.tar': cut(as_class_tars(many()))}),
        'cat.tar: dog.tar: damaged or cut short (unexpected end of data); get the file again',
    ),
    'changed': (
        lambda: (content := bytearray(as_zip(pets()))).__setitem__(70, content[70] ^ 255) or content,
        'train/cat/0.png: damaged or cut short (Error -3 while decompressing data: ',
    ),
    'twice': (lambda: as_tar(Twice(pets())), f"holds 'train/cat/0.png' {TWICE}"),
    'file_and_folder': (lambda: as_tar({'cat': b'', **many()}), f"holds 'cat/0.png' {TWICE}"),
    'long_name': (
        lambda: as_tar(pets() | {f'train/cat/{LONG}.png': b''}),
        f"'train/cat/{LONG}.png' cannot be unpacked to ",
    ),
    'no_archive': (lambda: b'no archive at all' * 99, AGAIN.format('invalid header')),
    'empty': (lambda: b'', AGAIN.format('empty header')),
    'no_images': (
        lambda: as_zip({'a.txt': b'1', 'b.txt': b'2'}),
        '0 folders; allowed: a folder for each of two or more classes; give the folder that holds them',
    ),
}  # fmt: skip


@pytest.mark.parametrize('case', REFUSED)
def test_what_is_damaged_or_unsafe_is_refused_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str):
    make, message = REFUSED[case]
    # Less than the 2.4 MB of three archives in one, each of which is within its own limit.
    monkeypatch.setattr(archives, 'FREE', 1 << 20)
    path = tmp_path / 'set.zip'
    path.write_bytes(make())
    with pytest.raises(ValueError) as raised:
        prepare('image_folder', path, tmp_path / 'data', called='pets')
    assert str(raised.value).startswith(f'{path}: {message}') and left(tmp_path / 'data') == []
    assert case != 'long_name' or str(raised.value).endswith(' (File name too long); give an unpacked folder: --source')
    assert sorted(entry.name for entry in tmp_path.rglob('*')) == ['.pets.lock', 'data', 'prepared', 'set.zip']


def test_a_damaged_image_is_named_by_its_place_in_the_archive(tmp_path: Path):
    path = tmp_path / 'pets.zip'
    path.write_bytes(as_zip(within('pets', pets() | {'train/dog/3.png': b'no image'})))
    with pytest.raises(ValueError, match=r'/pets\.zip/train/dog/3\.png: not a readable image .*--skip-damaged'):
        prepare('image_folder', path, tmp_path, called='pets')
    dataset, _ = prepare('image_folder', path, tmp_path, called='pets', options=Options(skip_damaged=True))
    assert len(dataset.pool()) == 5 and dataset.about['skipped'][0].startswith(f'{path}/train/dog/3.png: ')
    assert 'unpacked-' not in (dataset.folder / 'about.json').read_text()


@pytest.mark.parametrize('packer', PACKERS)
def test_without_room_nothing_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packer: str):
    path = tmp_path / f'pets.{packer}'
    path.write_bytes(PACKERS[packer](pets()))
    usage = type('Usage', (), {'free': 500})
    with monkeypatch.context() as patched:
        patched.setattr(unpacked.shutil, 'disk_usage', lambda place: usage)
        patched.setattr(unpacked, '_unpack', None)
        with pytest.raises(ValueError, match=r'0 MB are free on the disk of .*make room there'):
            prepare('image_folder', path, tmp_path, called='pets')

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(unpacked, 'open', full, raising=False)
    with pytest.raises(ValueError, match=r"'train/cat/0.png' cannot be unpacked .*No space left .*make room there"):
        prepare('image_folder', path, tmp_path, called='pets')
    assert left(tmp_path) == []


@pytest.mark.parametrize('stage', ['unpacking pets.tar (MB)', 'looking at the files', 'examples'])
def test_an_exception_half_way_leaves_nothing(tmp_path: Path, stage: str):
    path = tmp_path / 'pets.tar'
    path.write_bytes(as_tar(pets()))

    def tell(now: str, done: int, total: int | None) -> None:
        if now == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare('image_folder', path, tmp_path, called='pets', progress=tell)
    assert left(tmp_path) == []


SLOW = """
import sys, time
from pathlib import Path
from sweeps.datasets.prepare import prepare

def told(stage, done, total):
    if stage.startswith(sys.argv[3]):
        Path(sys.argv[2], 'begun').touch()
        time.sleep(60)

prepare('image_folder', Path(sys.argv[1]), Path(sys.argv[2]), called='pets', force=True, progress=told)
"""


@pytest.mark.parametrize(('stage', 'there'), [('unpacking', 1), ('examples', 2)])
@pytest.mark.parametrize('prepared', [False, True], ids=['new', 'kept'])
def test_what_a_killed_preparation_has_unpacked_goes_with_the_next(tmp_path: Path, stage: str, there: int, prepared: bool):
    path = lay(tmp_path, {'pets.tar': as_tar(pets())}) / 'pets.tar'
    if prepared:
        prepare('image_folder', path, tmp_path, called='pets')
    killed(SLOW, path, tmp_path, stage)
    half = [name for name in left(tmp_path) if name != 'pets']
    assert len(half) == there and half[-1].startswith('.pets.unpacked-')
    dataset, new = prepare('image_folder', path, tmp_path, called='pets')
    assert new != prepared and left(tmp_path) == ['pets'] and dataset.damaged() == [] and len(dataset.pool()) == 6


def test_two_at_the_same_time_unpack_once(tmp_path: Path):
    path = lay(tmp_path, {'pets.tar': as_tar(pets())}) / 'pets.tar'
    inside, waited, made, stages = threading.Event(), threading.Event(), {}, []

    def tell(stage: str, done: int, total: int | None) -> None:
        stages.append((stage, done == 0))
        if 'waiting' in stage:
            waited.set()
        elif stage == 'looking at the files':
            inside.set()
            assert waited.wait(20)

    def work(number: int) -> None:
        made[number] = prepare('image_folder', path, tmp_path, called='pets', progress=tell)

    workers = [threading.Thread(target=work, args=(number,)) for number in (1, 2)]
    workers[0].start()
    assert inside.wait(20)
    workers[1].start()
    for worker in workers:
        worker.join(30)
    assert (made[1][1], made[2][1]) == (True, False) and left(tmp_path) == ['pets']
    assert [stage for stage, _ in stages].count('looking at the files') == 1
