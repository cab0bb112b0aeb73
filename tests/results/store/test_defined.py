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
