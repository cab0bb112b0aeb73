"""Archives: content by its first bytes, damage named, bombs and what leads outside refused, nothing written."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pytest
from packed import as_tar, as_zip

from sweeps.datasets.formats import archives
from sweeps.datasets.formats.archives import is_archive, members, open_stream, read_exactly, tar_members, unpacked_bytes

TEXT = b'in real life data are damaged\n' * 400


def zstandard(content: bytes) -> bytes:
    import pyarrow

    return pyarrow.compress(content, codec='zstd', asbytes=True)


FILES = {'a.txt': b'first', 'folder/b.bin': bytes(range(256)) * 40, 'c': b''}


ARCHIVES = {
    'tar': as_tar,
    'tar.gz': lambda files: as_tar(files, 'w:gz'),
    'tar.xz': lambda files: as_tar(files, 'w:xz'),
    'tar.bz2': lambda files: as_tar(files, 'w:bz2'),
    'zip': as_zip,
}


def read_all(path) -> dict[str, bytes]:
    return {name: stream.read() for name, stream in members(path)}


@pytest.mark.parametrize(
    'pack', [bytes, gzip.compress, lzma.compress, bz2.compress, zstandard], ids=['plain', 'gzip', 'xz', 'bzip2', 'zstd']
)
@pytest.mark.parametrize('name', ['file', 'file.gz'])
def test_content_decides_not_the_name(tmp_path, pack, name):
    path = tmp_path / name
    path.write_bytes(pack(TEXT))
    with open_stream(path) as stream:
        assert stream.read(7) == TEXT[:7]
        assert stream.readline() == TEXT[7 : TEXT.index(b'\n') + 1]
        assert stream.read() == TEXT[TEXT.index(b'\n') + 1 :]


@pytest.mark.parametrize('pack', [gzip.compress, lzma.compress, bz2.compress, zstandard], ids=['gzip', 'xz', 'bzip2', 'zstd'])
@pytest.mark.parametrize('damage', ['cut', 'changed', 'nothing'])
def test_damaged_files_are_named(tmp_path, pack, damage):
    content = bytearray(pack(bytes(range(256)) * 999))
    if damage == 'cut':
        content = content[: len(content) * 2 // 3]
    elif damage == 'changed':
        # Without a checksum, which this writer leaves out, only the head of a Zstandard file tells.
        content[4 if pack is zstandard else len(content) // 2] ^= 255
    else:
        content = b''
    path = tmp_path / 'broken.gz'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'broken\.gz: damaged or cut short'), open_stream(path) as stream:
        stream.read()


def test_a_missing_file_is_a_value_error(tmp_path):
    for function in (open_stream, lambda path: next(members(path))):
        with pytest.raises(ValueError, match='nothing: no such file'):
            function(tmp_path / 'nothing')
        with pytest.raises(ValueError, match='cannot be read'):
            function(tmp_path)


@pytest.mark.parametrize('pack', [gzip.compress, lzma.compress, bz2.compress, zstandard], ids=['gzip', 'xz', 'bzip2', 'zstd'])
def test_bombs_are_refused_before_they_unpack(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(archives, 'FREE', 1 << 20)
    path = tmp_path / 'bomb'
    path.write_bytes(pack(bytes(archives.FREE * 3)))
    given = 0
    with pytest.raises(ValueError, match='decompression bomb'), open_stream(path) as stream:
        while chunk := stream.read(1 << 16):
            given += len(chunk)
    assert given <= archives.FREE


def test_what_packs_well_is_no_bomb(tmp_path):
    path = tmp_path / 'zeros.gz'
    path.write_bytes(gzip.compress(bytes(10_000_000)))
    with open_stream(path) as stream:
        assert len(stream.read()) == 10_000_000


def test_an_absolute_limit(tmp_path):
    path = tmp_path / 'text.gz'
    path.write_bytes(gzip.compress(TEXT))
    with pytest.raises(ValueError, match='more than 999 bytes'), open_stream(path, limit=999) as stream:
        stream.read()


@pytest.mark.parametrize('kind', ARCHIVES)
def test_members_of_every_kind(tmp_path, kind):
    path = tmp_path / 'archive'
    path.write_bytes(ARCHIVES[kind](FILES))
    assert read_all(path) == FILES
    # Members may be skipped, and the rest may be left.
    assert [name for name, _ in members(path)] == list(FILES)
    stream = members(path)
    assert next(stream)[0] == 'a.txt'
    stream.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ['archive']


@pytest.mark.parametrize('kind', ['tar', 'tar.gz', 'zip'])
@pytest.mark.parametrize('name', ['/etc/passwd', '../up', 'a/../../up', 'C:\\windows', 'a\\..\\..\\up'])
def test_paths_outside_are_refused(tmp_path, kind, name):
    path = tmp_path / 'archive'
    path.write_bytes(ARCHIVES[kind]({'good': b'1', name: b'2'}))
    with pytest.raises(ValueError, match='leads outside the archive'):
        read_all(path)


@pytest.mark.parametrize('kind', [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_tar_are_refused(tmp_path, kind):
    path = tmp_path / 'archive.tar'
    with tarfile.open(path, 'w') as archive:
        entry = tarfile.TarInfo('entry')
        entry.type, entry.linkname = kind, '/etc/passwd'
        archive.addfile(entry)
    with pytest.raises(ValueError, match=r"member 'entry' is a link, a device"):
        read_all(path)


def test_sparse_files_in_tar_are_refused(tmp_path):
    # A gap of a terabyte takes one header: 1.0 of the PAX form.
    path = tmp_path / 'archive.tar'
    with tarfile.open(path, 'w', format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo('sparse')
        entry.pax_headers = {'GNU.sparse.map': '0,1', 'GNU.sparse.size': str(1 << 40)}
        entry.size = 1
        archive.addfile(entry, io.BytesIO(b'x'))
    with pytest.raises(ValueError, match='sparse'):
        read_all(path)


def test_links_and_encryption_in_zip_are_refused(tmp_path):
    path = tmp_path / 'archive.zip'
    with zipfile.ZipFile(path, 'w') as archive:
        entry = zipfile.ZipInfo('link')
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, '/etc/passwd')
    with pytest.raises(ValueError, match=r"member 'link' is a link"):
        read_all(path)
    content = bytearray(as_zip({'secret': b'x'}))
    content[content.index(b'PK\x01\x02') + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match='encrypted'):
        read_all(path)


@pytest.mark.parametrize('kind', ['tar.gz', 'tar.xz', 'zip'])
def test_archive_bombs_are_refused(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(archives, 'FREE', 1 << 20)
    path = tmp_path / 'archive'
    path.write_bytes(ARCHIVES[kind]({'zeros': bytes(archives.FREE * 3)}))
    with pytest.raises(ValueError, match='decompression bomb'):
        read_all(path)


@pytest.mark.parametrize('kind', ARCHIVES)
@pytest.mark.parametrize('part', [0.3, 0.6, 0.9])
def test_cut_archives_are_errors(tmp_path, kind, part):
    content = ARCHIVES[kind]({f'file{i}': bytes(range(256)) * 30 for i in range(9)})
    path = tmp_path / 'archive'
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(ValueError, match='damaged or cut short'):
        read_all(path)


def test_a_tar_cut_between_members_or_with_a_broken_header_is_an_error(tmp_path):
    content = bytearray(as_tar({'a': bytes(512), 'b': bytes(512)}))
    path = tmp_path / 'archive.tar'
    path.write_bytes(content[:1024])
    with pytest.raises(ValueError, match='damaged or cut short'):
        read_all(path)
    content[1024 + 3] ^= 255
    path.write_bytes(content)
    with pytest.raises(ValueError, match='damaged or cut short'):
        read_all(path)


def test_the_check_sum_at_the_end_of_a_packed_tar_is_compared(tmp_path):
    content = bytearray(as_tar(FILES, 'w:gz'))
    content[-8] ^= 255
    path = tmp_path / 'archive.tar.gz'
    path.write_bytes(content)
    with pytest.raises(ValueError, match='damaged or cut short'):
        read_all(path)


def test_a_changed_zip_member_is_an_error(tmp_path):
    content = bytearray(as_zip({'a': bytes(range(256))}))
    content[40] ^= 255
    path = tmp_path / 'archive.zip'
    path.write_bytes(content)
    with pytest.raises(ValueError, match='damaged or cut short'):
        read_all(path)


@pytest.mark.parametrize('content', [b'', b'no archive at all' * 99], ids=['empty', 'text'])
def test_what_is_no_archive(tmp_path, content):
    path = tmp_path / 'file.tar'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'file\.tar: not a tar or zip archive'):
        read_all(path)


@pytest.mark.parametrize('kind', ARCHIVES)
def test_what_is_an_archive_and_what_it_unpacks_to(tmp_path, kind):
    path = tmp_path / 'file'
    path.write_bytes(ARCHIVES[kind](FILES))
    assert is_archive(path)
    wanted = {'zip': len(FILES['folder/b.bin']), 'tar': path.stat().st_size}
    assert unpacked_bytes(path, lambda name: name.startswith('folder')) == wanted.get(kind)


@pytest.mark.parametrize(
    'pack', [bytes, gzip.compress, lzma.compress, bz2.compress, zstandard], ids=['plain', 'gzip', 'xz', 'bzip2', 'zstd']
)
def test_what_is_only_packed_is_no_archive(tmp_path, pack):
    path = tmp_path / 'file.gz'
    path.write_bytes(pack(TEXT))
    assert not is_archive(path)
    path.write_bytes(pack(TEXT)[:40])
    assert not is_archive(path)
    # Somebody called it one: reading it says what is wrong with it.
    assert is_archive(path.rename(tmp_path / 'file.TAR.gz'))


def test_a_tar_inside_a_tar(tmp_path):
    path = tmp_path / 'outer.tar'
    path.write_bytes(as_tar({'a.tar': as_tar(FILES), 'b.tar': as_tar({'../up': b'1'}), 'c': b'2'}))
    contents = {}
    with pytest.raises(ValueError, match=r"outer: b\.tar: member '\.\./up' leads outside"):
        for name, stream in members(path):
            contents |= {f'{name}/{inner}': some.read() for inner, some in tar_members(stream, f'outer: {name}')}
    assert contents == {f'a.tar/{name}': content for name, content in FILES.items()}


def test_reading_exactly(tmp_path):
    assert read_exactly(io.BytesIO(b'abc'), 2) == b'ab'
    assert read_exactly(io.BytesIO(b'abc'), 1 << 60) == b'abc'


@pytest.mark.parametrize('ending', ['.gz', '.xz', '.bz2', '.zst'])
def test_an_empty_file_that_is_called_packed_is_damaged(tmp_path, ending):
    (tmp_path / f'a{ending}').write_bytes(b'')
    with pytest.raises(ValueError, match=rf'a\{ending}: damaged or cut short \(it is empty\); get the file again'):
        open_stream(tmp_path / f'a{ending}')
    (tmp_path / 'a.txt').write_bytes(b'')
    with open_stream(tmp_path / 'a.txt') as stream:
        assert stream.read() == b''
