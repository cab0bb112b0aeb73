"""Merging runs folders: nothing lost, nothing twice, and what differs is named."""

import json
from pathlib import Path

import finished_study
import pytest

from ablations.study_files import load_study
from results.store import defined
from results.store.recorded import read_folder
from results.store.records import commit, to_line
from sweeps import manifest as manifests
from sweeps.merge import compressed, merge

HERE, THERE = 0.6, 1.0


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """The folder of a study with its first packs, and another with all of them."""
    for name, share in (('here', HERE), ('there', THERE)):
        (tmp_path / name).mkdir()
        finished_study.write(tmp_path / name, share=share)
    return tmp_path / 'here' / 'runs' / 'finished', tmp_path / 'there' / 'runs' / 'finished'


def records(folder: Path) -> dict:
    planned, skipped = read_folder(folder, 'finished')
    assert not skipped and not planned.doubled
    return {key: planned.whole(key) | {'pack': None} for key in planned}


def test_what_is_missing_is_added_and_nothing_twice(folders: tuple[Path, Path]):
    here, there = folders
    before, whole = records(here), records(there)
    told = merge(there, here)
    assert (told.added, told.known, told.unlike) == (len(whole) - len(before), len(before), [])
    assert told.sources == {'simulated': told.added}
    assert records(here) == whole
    reads = manifests.load(here)['test_reads']
    again = merge(there, here)
    assert (again.added, again.known) == (0, len(whole))
    assert records(here) == whole and manifests.load(here)['test_reads'] == reads


def test_a_folder_that_is_not_there_becomes_the_others(folders: tuple[Path, Path], tmp_path: Path):
    _, there = folders
    manifests.update(there, looks=[3])
    told = merge(there, tmp_path / 'new' / 'finished')
    assert told.added == len(records(there)) and records(tmp_path / 'new' / 'finished') == records(there)
    manifest = manifests.load(tmp_path / 'new' / 'finished')
    assert manifest['digest'] == manifests.load(there)['digest'] and manifest['looks'] == [3]
    tested = sum(record['held'] == 'test' for record in records(there).values())
    assert sum(manifest['test_reads'].values()) == tested > 0


def test_a_part_of_a_pack_is_completed_under_a_name_of_its_own(folders: tuple[Path, Path]):
    here, there = folders
    path = sorted((here / 'records').glob('*.jsonl'))[0]
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    first = [{**line, 'pack': {**line['pack'], 'records': 1}} for line in lines[:1]]
    path.write_text(''.join(to_line({k: v for k, v in line.items() if k != 'check'}) + '\n' for line in first))
    merge(there, here)
    assert records(here) == records(there)
    assert (here / 'records' / f'{path.stem}-2.jsonl').exists()


def test_a_trial_with_another_score_stays_and_is_named(folders: tuple[Path, Path], tmp_path: Path):
    here, _ = folders
    (tmp_path / 'other').mkdir()
    finished_study.write(tmp_path / 'other', seed=1, share=HERE)
    before = records(here)
    told = merge(tmp_path / 'other' / 'runs' / 'finished', here)
    assert set(told.unlike) <= set(before) and told.unlike
    assert {key: records(here)[key] for key in before} == before


def test_studies_that_differ_are_not_merged(folders: tuple[Path, Path], tmp_path: Path):
    here, there = folders
    manifests.update(there, digest='another')
    with pytest.raises(ValueError, match='allowed: records of one definition'):
        merge(there, here)
    with pytest.raises(ValueError, match='no records in'):
        merge(tmp_path / 'nix', here)
    (there / manifests.FILE).write_text('{"study": "another"}')
    with pytest.raises(ValueError, match=r"manifest\.json is of study 'another', not 'finished'"):
        merge(there, here)


def test_a_trial_that_failed_elsewhere_is_no_other_score(folders: tuple[Path, Path]):
    here, there = folders
    before = records(here)
    lost = {**before[next(iter(before))], 'status': 'failed', 'score': None}
    for path in (there / 'records').glob('*.jsonl'):
        path.unlink()
    commit(there, 'lost', [{**lost, 'pack': {'id': 'lost', 'records': 1, 'lane': 0}}])
    told = merge(there, here)
    assert (told.added, told.known, told.unlike) == (0, 1, []) and records(here) == before


def test_records_of_a_study_become_one_compressed_file(folders: tuple[Path, Path]):
    """Nothing is lost or twice: also after a call that was killed before the old files went, and when more packs come."""
    here, there = folders
    before, files = records(here), {path.name: path.read_bytes() for path in (here / 'records').iterdir()}
    size = sum(map(len, files.values()))
    assert compressed(here) == len(before) and records(here) == before
    (file,) = (here / 'records').iterdir()
    assert file.name == 'records.jsonl.gz' and file.stat().st_size < size / 5
    once = file.read_bytes()
    for name, content in list(files.items())[:3]:
        (here / 'records' / name).write_bytes(content)
    assert compressed(here) == len(before) and file.read_bytes() == once and list((here / 'records').iterdir()) == [file]
    merge(there, here)
    assert len(list((here / 'records').iterdir())) > 1 and records(here) == records(there)
    assert compressed(here) == len(records(there)) and records(here) == records(there)


def test_a_damaged_file_is_not_compressed(folders: tuple[Path, Path]):
    here, _ = folders
    path = sorted((here / 'records').glob('*.jsonl'))[0]
    path.write_text(path.read_text()[:-30])
    before = sorted((here / 'records').iterdir())
    with pytest.raises(ValueError, match=f'{path.name} is damaged'):
        compressed(here)
    assert sorted((here / 'records').iterdir()) == before


def test_a_folder_without_records_stays_empty(tmp_path: Path):
    (tmp_path / 'finished' / 'records').mkdir(parents=True)
    assert compressed(tmp_path / 'finished') == 0 and not list((tmp_path / 'finished' / 'records').iterdir())


def test_a_folder_in_which_a_run_is_at_work_is_left_alone(folders: tuple[Path, Path]):
    here, there = folders
    before = {path: path.read_bytes() for path in here.rglob('*.jsonl')}
    with manifests.locked(here):
        for call in (lambda: merge(there, here), lambda: compressed(here)):
            with pytest.raises(ValueError, match='another archlab run is using it'):
                call()
    assert {path: path.read_bytes() for path in here.rglob('*.jsonl')} == before
    assert merge(there, here).added


def test_looks_of_both_folders_count_and_the_definition_comes_along(folders: tuple[Path, Path]):
    here, there = folders
    manifests.update(here, looks=[5, 2])
    manifests.update(there, looks=[3, 5])
    merge(there, here)
    assert manifests.load(here)['looks'] == [2, 3, 5] and not (here / defined.FILE).exists()
    defined.save(there, load_study(str(there.parents[1] / 'finished.py')))
    merge(there, here)
    assert defined.load(here) == defined.load(there) != None  # noqa: E711
    (here / defined.FILE).write_bytes(b'its own')
    merge(there, here)
    assert (here / defined.FILE).read_bytes() == b'its own'


@pytest.mark.parametrize(
    'ours, theirs', [({'a': '1'}, {'b': '2'}), ({'b': '2'}, {'a': '1', 'b': '2'}), ({'a': '1', 'b': '2'}, {'a': '1'})]
)
def test_sets_that_one_folder_alone_has_stand_in_no_way(folders: tuple[Path, Path], ours: dict, theirs: dict):
    here, there = folders
    manifests.update(here, sets=ours)
    manifests.update(there, sets=theirs)
    assert merge(there, here).added > 0


def test_a_damaged_file_of_either_folder_is_named(folders: tuple[Path, Path]):
    here, there = folders
    for folder in (here, there):
        path = sorted((folder / 'records').glob('*.jsonl'))[-1]
        whole = path.read_text()
        path.write_text(whole[:-30])
        with pytest.raises(ValueError, match=f'{path.name} is damaged'):
            merge(there, here)
        path.write_text(whole)
    assert merge(there, here).added


@pytest.mark.parametrize(
    ('environment', 'source'), [(None, 'not known'), ({}, 'not known'), ({'source': 'abc'}, 'abc'), ({'source': None}, None)]
)
def test_sources_are_those_that_trained_what_was_added(
    folders: tuple[Path, Path], environment: dict | None, source: str | None
):
    here, there = folders
    before = records(here)
    fresh = next(one for key, one in records(there).items() if key not in before)
    for path in (there / 'records').glob('*.jsonl'):
        path.unlink()
    commit(there, 'one', [{**fresh, 'environment': environment, 'pack': {'id': 'one', 'records': 1, 'lane': 0}}])
    told = merge(there, here)
    assert (told.study, told.added, told.known, told.unlike, dict(told.sources)) == ('finished', 1, 0, [], {source: 1})
