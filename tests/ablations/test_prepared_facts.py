"""Facts of prepared sets without their arrays: where there are any, and which sets a declaration of data names."""

import json
from pathlib import Path

import pytest

from ablations.prepared_facts import OF_THE_LAB, digests_of, facts_of, giveaways_of, sets_of

WHOLE = {'kind': 'images', 'sizes': {'pool': 3}}


def prepared(folder: Path, name: str, about: object) -> Path:
    """A prepared set's file of facts, as text or as what becomes JSON."""
    path = folder / 'prepared' / name / 'about.json'
    path.parent.mkdir(parents=True)
    path.write_text(about if isinstance(about, str) else json.dumps(about))
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ('about', 'known'),
    [
        (WHOLE, True),
        ({**WHOLE, 'declared': 'a'}, True),
        ([WHOLE], False),
        ('', False),
        ('{"kind": "images", "sizes": {}', False),
        ('[' * 100_000, False),
        ({'kind': 'images'}, False),
        ({'sizes': {}}, False),
        ({'kind': 3, 'sizes': {}}, False),
        ({'kind': 'images', 'sizes': [3]}, False),
    ],
    ids=[*('whole', 'more', 'a list', 'empty', 'cut', 'deep', 'no sizes', 'no kind', 'a kind of no name', 'sizes of no names')],
)
def test_facts_that_cannot_be_read_are_none(folder: Path, about: object, known: bool):
    prepared(folder, 'mine', about)
    assert facts_of('mine') == (about if known else None)


def test_facts_are_those_of_the_data_folder_that_is_given(folder: Path):
    prepared(folder / 'here', 'mine', WHOLE)
    assert facts_of('mine', folder / 'here') == WHOLE
    assert facts_of('mine') is None and facts_of('other', folder / 'here') is None


def test_bytes_that_are_no_text_and_what_is_no_file_are_no_facts(folder: Path):
    prepared(folder, 'mine', WHOLE).write_bytes(b'\xff\xfe')
    assert facts_of('mine') is None
    (folder / 'prepared' / 'other' / 'about.json').mkdir(parents=True)
    assert facts_of('other') is None


def test_a_set_that_was_moved_away_for_a_new_one_is_asked_for_only_until_that_is_there(folder: Path):
    prepared(folder, '.mine.before', {**WHOLE, 'digest': 'old'})
    assert facts_of('mine')['digest'] == 'old'
    prepared(folder, 'mine', {**WHOLE, 'digest': 'new'})
    assert facts_of('mine')['digest'] == 'new'


@pytest.mark.parametrize(
    ('data', 'names'),
    [
        ({}, []),
        ('text', []),
        (None, []),
        ({'dataset': 'one'}, ['one']),
        ({'dataset': ''}, ['']),
        ({'dataset': ['one', 'two']}, []),
        ({'dataset': {'dataset': 'one'}}, ['one']),
        ({'dataset': 'one', 'parts': ({'dataset': 'two'}, [{'dataset': 'one'}])}, ['one', 'two', 'one']),
        ([{'dataset': name} for name in OF_THE_LAB], []),
        ({'dataset': 'digits', 'inner': {'dataset': 'mine'}}, ['mine']),
    ],
    ids=str,
)
def test_the_sets_that_a_declaration_names(data: object, names: list[str]):
    assert list(sets_of(data)) == names


def test_what_tells_the_answer_and_the_digest_are_told_of_each_set_that_has_them(folder: Path):
    known = {
        'both': {'digest': 'd1', 'giveaways': ['size', 3]},
        'nothing': {},
        'clean': {'digest': 'd2', 'giveaways': []},
        'damaged': {'digest': 5, 'giveaways': 'size'},
    }
    for name, more in known.items():
        prepared(folder, name, {**WHOLE, **more})
    data = [{'dataset': name} for name in (*known, 'absent')]
    assert giveaways_of(data) == {'both': ['size', '3']}
    assert digests_of(data) == {'both': 'd1', 'clean': 'd2'}
