"""Regular files: what is no file is never waited for; and texts of a source that versions of Python cut differently are one."""

import ast
import os
from pathlib import Path

import pytest

from results.store import regular
from results.store.hashes import _joined


def test_a_file_is_read_and_a_pipe_is_refused(tmp_path: Path):
    (tmp_path / 'file').write_bytes(b'content')
    assert regular.read(tmp_path / 'file') == b'content'
    os.mkfifo(tmp_path / 'pipe')
    with pytest.raises(OSError, match='no regular file'):
        regular.read(tmp_path / 'pipe')


def test_neighbouring_texts_of_an_f_string_are_one():
    one, two, value = ast.Constant('a'), ast.Constant('b'), ast.Name('x')
    told = [part.value if isinstance(part, ast.Constant) else part.id for part in _joined([value, one, two, value, two])]
    assert told == ['x', 'ab', 'x', 'b']
