"""Strangers: files with the names of data that hold something else, told from data."""

from pathlib import Path

import pytest

from sweeps.datasets.sources.strangers import POINTER, strangers

POINTS, PAGE = POINTER + b'v1\noid sha256:1\n', b'\n  <!DOCTYPE HTML>\n<p>'


@pytest.mark.parametrize(
    ('files', 'said'),
    [
        ({'a.csv': b'a,b\n1,2'}, ''),
        ({}, ''),
        ({'a.csv': b''}, ''),
        ({'b.npz': POINTS}, 'b.npz: a pointer of Git LFS, not the file; get the files: git lfs pull'),
        ({'a.npz': b'x', 'b.npz': POINTS, 'c.npz': POINTS}, 'b.npz: a pointer of Git LFS, not the file, as 2 of 3 files are'),
        ({'a.csv': PAGE}, 'a.csv: a web page, not data; get it again'),
        ({'a.csv': b'<HTML lang=en>', 'b/c.csv': PAGE, 'd.csv': b'1'}, 'a.csv: a web page, not data, as 2 of 3 files are'),
        ({'a.HTML': PAGE, 'b.htm': PAGE}, ''),
        ({'a.csv': PAGE, 'b.csv': POINTS}, 'b.csv: a pointer of Git LFS, not the file; get'),
        ({'a.csv': b'see https://x.org <html>'}, ''),
    ],
)  # fmt: skip
def test_what_went_wrong_with_a_download_is_told(tmp_path: Path, files: dict[str, bytes], said: str):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    told = strangers(tmp_path)
    assert (told == '') == (said == '') and told.startswith(str(tmp_path / said) if said else '')


def test_a_file_alone_is_looked_at_and_no_more_than_so_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, content in (('a.csv', b'1'), ('b.csv', PAGE)):
        (tmp_path / name).write_bytes(content)
    assert 'b.csv: a web page' in strangers(tmp_path / 'b.csv') and strangers(tmp_path / 'a.csv') == ''
    monkeypatch.setattr('sweeps.datasets.sources.strangers.LOOKED_AT', 1)
    assert strangers(tmp_path) == ''
