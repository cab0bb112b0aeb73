"""The definition that a runs folder keeps."""

from pathlib import Path

import pytest

from ablations.studies import STUDIES
from results.store import defined


def test_a_definition_is_kept_in_the_order_of_the_study(tmp_path: Path):
    study = STUDIES['norms']
    assert defined.load(tmp_path) is None
    defined.save(tmp_path, study)
    definition = defined.load(tmp_path)
    assert definition == study.to_dict() and list(definition['arms']) == list(study.arms)
    assert [path.name for path in tmp_path.iterdir()] == [defined.FILE]


@pytest.mark.parametrize('text', ['', '{', '[]', '[' * 100_000])
def test_a_damaged_one_is_named(tmp_path: Path, text: str):
    (tmp_path / defined.FILE).write_text(text)
    with pytest.raises(ValueError, match=r'study\.json is'):
        defined.load(tmp_path)


def test_a_folder_in_its_place_is_refused(tmp_path: Path):
    (tmp_path / defined.FILE).mkdir()
    with pytest.raises(ValueError, match=r'study\.json is damaged'):
        defined.load(tmp_path)


def test_a_definition_is_text_that_people_read_and_no_link_is_followed(tmp_path: Path):
    (tmp_path / 'mine').write_text('mine')
    (tmp_path / defined.FILE).symlink_to(tmp_path / 'mine')
    defined.save_as(tmp_path, {'name': 'one', 'arms': {'base': []}})
    assert (tmp_path / defined.FILE).read_text() == '{\n "name": "one",\n "arms": {\n  "base": []\n }\n}'
    assert (tmp_path / 'mine').read_text() == 'mine'
    with pytest.raises(ValueError, match='not JSON compliant'):
        defined.save_as(tmp_path, {'alpha': float('nan')})
