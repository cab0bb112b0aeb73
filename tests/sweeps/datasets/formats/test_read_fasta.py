"""FASTA: headers, wrapped lines, comments of the old style, line ends, and what is no FASTA."""

import gzip

import pytest

from sweeps.datasets.formats.fasta import Record, read_fasta


def read(tmp_path, content: bytes, skipped: list[str] | None = None, name: str = 'a.fa') -> list[Record]:
    path = tmp_path / name
    path.write_bytes(content)
    return list(read_fasta(path, skipped))


def letters(records: list[Record]) -> list[bytes]:
    return [record.letters for record in records]


SOUND = {
    'wrapped lines': (b'>one\nACGT\nAC\n>two\nGG\n', [b'ACGTAC', b'GG']),
    'no line end at the end': (b'>one\nACGT', [b'ACGT']),
    'Windows': (b'>one\r\nACGT\r\nAC\r\n>two\r\nGG\r\n', [b'ACGTAC', b'GG']),
    'empty lines and blanks': (b'\n>one\n\nACGT ACGT \n\t\n AC\n\n>two \nGG\n\n', [b'ACGTACGTAC', b'GG']),
    'a byte order mark': (b'\xef\xbb\xbf>one\nACGT\n', [b'ACGT']),
    'a header that is no UTF-8': (b'>prot\xe9ine\nMK\n', [b'MK']),
    'an empty header': (b'>\nMK\n>\nML\n', [b'MK', b'ML']),
    'a header with marks in it': (b'>one > two ; three\nMK\n', [b'MK']),
    'letters as they are': (b'>one\nacgtNNacX*\n', [b'acgtNNacX*']),
    'comments in a record': (b'>one\n;a\nMK\n; b\nML\n>two\nGG\n', [b'MKML', b'GG']),
    'comments before all': (b'; made\n;by hand\n>one\nMK\n', [b'MK']),
    'the old style': (b';one\n; more of it\nMKL\nV*\n;two\nMM*\n', [b'MKLV*', b'MM*']),
    'both styles': (b';one\nMKL\n>two\nMM\n;a comment\nLL\n', [b'MKL', b'MMLL']),
}


@pytest.mark.parametrize(('content', 'wanted'), SOUND.values(), ids=SOUND)
def test_records_are_read(tmp_path, content: bytes, wanted: list[bytes]):
    assert letters(read(tmp_path, content)) == wanted
    assert letters(read(tmp_path, gzip.compress(content), name='a.fa.gz')) == wanted


def test_comments_are_counted_and_places_told(tmp_path):
    records = read(tmp_path, b'; a\n; b\n>sp|P1|ONE of many words that go on and on\nMK\n;c\nML\n>two\nGG\n')
    assert [record.comments for record in records] == [3, 0]
    assert [record.place for record in records] == [
        f"{tmp_path / 'a.fa'}: record 1 ('>sp|P1|ONE of many words that go on and ...', line 3)",
        f"{tmp_path / 'a.fa'}: record 2 ('>two', line 7)",
    ]


REFUSED = {
    'nothing': (b'', 'no line that begins with >'),
    'empty lines': (b'\n\n', 'no line that begins with >'),
    'a sequence without a header': (
        b'\nACGT\n>one\nAC\n',
        r"line 2 is 'ACGT'; allowed: a header that begins with >; .* no FASTA",
    ),
    'FASTQ': (b'@one\nACGT\n+\nIIII\n', "line 1 is '@one'; .* it looks like FASTQ; write it as FASTA"),
    'GenBank': (b'LOCUS       SCU49845\n', 'it looks like GenBank; get the FASTA file'),
    'Swiss-Prot': (b'ID   1433B_HUMAN\n', 'it looks like EMBL or Swiss-Prot'),
    'an alignment': (b'CLUSTAL W\n', 'it looks like an alignment'),
    'UTF-16': ('>one\nACGT\n'.encode('utf-16'), 'it looks like UTF-16; convert the file'),
    'bytes': (b'\x00\x01\x02', r"line 1 is '\\x00\\x01\\x02'"),
    'old Macs': (b'>one\rACGT\r', 'line 1 ends with CR alone, as of old Macs; allowed: LF or CRLF'),
    'a record without residues': (
        b'>one\nAC\n>two\n>three\nGG\n',
        r"record 2 \('>two', line 3\) has no residues; .*; take it out",
    ),
    'a last record without residues': (b'>one\nAC\n>two\n\n', r"record 2 \('>two', line 3\) has no residues"),
    'comments alone': (b'; one\n; two\n', r"record 1 \('; one', line 1\) has no residues"),
}


@pytest.mark.parametrize(('content', 'said'), REFUSED.values(), ids=REFUSED)
def test_what_is_no_fasta_is_refused_by_name(tmp_path, content: bytes, said: str):
    with pytest.raises(ValueError, match=said) as caught:
        read(tmp_path, content)
    assert str(caught.value).startswith(str(tmp_path / 'a.fa'))


def test_records_without_residues_are_left_out_where_asked_and_counted(tmp_path):
    skipped: list[str] = []
    assert letters(read(tmp_path, b'>one\n>two\nGG\n>three\n', skipped)) == [b'GG']
    assert len(skipped) == 2 and 'record 1' in skipped[0] and 'record 3' in skipped[1]


def test_a_line_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr('sweeps.datasets.formats.fasta.LINE', 10)
    assert letters(read(tmp_path, b'>one\nACGTACGTA\n')) == [b'ACGTACGTA']
    with pytest.raises(ValueError, match=r'a\.fa: line 2 has more than 10 bytes; allowed: shorter lines; wrap it'):
        read(tmp_path, b'>one\nACGTACGTACG\n')
