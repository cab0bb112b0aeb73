"""The text cache: the newest texts stay, a damaged one is not used, and a folder of others is left alone."""

import os
from pathlib import Path

from results.store import text_cache


def saved(folder: Path, number: int, most: int) -> None:
    text_cache.save(folder, f'points_{number}', f'text {number}', 'points_*', most)
    path = folder / text_cache.FOLDER / f'points_{number}'
    if path.exists():
        os.utime(path, ns=(number * 10**9, number * 10**9))


def test_only_the_newest_texts_stay(tmp_path: Path):
    for number in (3, 1, 2):
        saved(tmp_path, number, 9)
    text_cache.save(tmp_path, 'other', 'of another kind', 'other*', 1)
    saved(tmp_path, 4, 2)
    assert sorted(path.name for path in (tmp_path / text_cache.FOLDER).iterdir()) == ['other', 'points_3', 'points_4']
    assert text_cache.load(tmp_path, 'points_4') == 'text 4' and text_cache.load(tmp_path, 'points_1') is None


def test_a_text_that_was_changed_is_not_used(tmp_path: Path):
    saved(tmp_path, 1, 1)
    path = tmp_path / text_cache.FOLDER / 'points_1'
    path.write_text(path.read_text().replace('text 1', 'text 2'))
    assert text_cache.load(tmp_path, 'points_1') is None


def test_a_link_in_the_place_of_the_folder_is_not_followed(tmp_path: Path):
    elsewhere = tmp_path / 'elsewhere'
    elsewhere.mkdir()
    (tmp_path / text_cache.FOLDER).symlink_to(elsewhere)
    saved(tmp_path, 1, 1)
    assert not list(elsewhere.iterdir())


def test_a_link_in_the_place_of_a_text_is_replaced_and_its_target_stays(tmp_path: Path):
    place = tmp_path / text_cache.FOLDER
    place.mkdir()
    (tmp_path / 'mine').write_text('mine')
    (place / 'points_1').symlink_to(tmp_path / 'mine')
    saved(tmp_path, 1, 1)
    assert (tmp_path / 'mine').read_text() == 'mine' and text_cache.load(tmp_path, 'points_1') == 'text 1'
    assert not (place / 'points_1').is_symlink()
