"""The file that marks a comparison of searchers: what it says, and damage of every sort."""

import json
from pathlib import Path

import pytest

from results.store.comparison_file import FILE, is_comparison, load, save, text

WHOLE = {'study': 'mine', 'digest': 'a' * 16, 'searchers': ['lab'], 'runs': 4, 'replicates': 2, 'seeds': 3}


def test_what_is_written_is_read(tmp_path: Path):
    assert not is_comparison(tmp_path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path)
    save(tmp_path, {**WHOLE, 'more': 1})
    assert is_comparison(tmp_path) and load(tmp_path) == {**WHOLE, 'more': 1}
    (tmp_path / 'inner' / FILE).mkdir(parents=True)
    assert not is_comparison(tmp_path / 'inner')


@pytest.mark.parametrize(
    ('content', 'said'),
    [
        ('{', 'is damaged'),
        ('[1]', 'is damaged'),
        ('[' * 100_000, 'is damaged'),
        (b'\xff\xfe', 'is damaged'),
        *((json.dumps({**WHOLE, key: None}), rf"it lacks \['{key}'\]") for key in WHOLE),
        *((json.dumps({**WHOLE, key: '3'}), rf"it lacks \['{key}'\]") for key in ('searchers', 'runs', 'seeds')),
        ('{}', r"it lacks \['study', 'digest', 'searchers', 'runs', 'replicates', 'seeds'\]"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_damage_is_named_with_what_to_do(tmp_path: Path, content: str | bytes, said: str):
    (tmp_path / FILE).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=r'comparison\.json is damaged .*take a bundle from where it was published') as caught:
        load(tmp_path)
    assert caught.match(said)


def test_a_folder_in_its_place_is_damage(tmp_path: Path):
    (tmp_path / FILE).mkdir()
    with pytest.raises(ValueError, match='is damaged'):
        load(tmp_path)


def test_its_text_is_read_by_people_too():
    assert text({'study': 'mine', 'runs': 4}) == '{\n "study": "mine",\n "runs": 4\n}\n'
