"""Bundles: whole or not at all, what is refused, and every way in which what is rendered again can differ."""

import dataclasses
import gzip
import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from finished_study import SOURCE, write

from archlab import open_study
from results import bundle
from results.store import records
from results.store.reading import Reading
from results.store.recorded import Records, read_folder
from results.store.records import from_line, listing

RENDERED = {'table.md': b'a table\n', 'figures/finished-effect.svg': b'<svg/>', 'report.html': b'a page'}


@pytest.fixture(scope='module')
def study_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp('finished'))


@pytest.fixture
def reading(study_file: Path) -> Reading:
    return open_study(str(study_file), study_file.parent / 'runs', remember=False).look


@pytest.fixture
def published(reading: Reading, tmp_path: Path) -> Path:
    return bundle.publish(reading, RENDERED, tmp_path / 'published')


def reopened(study_file: Path, path: Path, folder: Path) -> Reading:
    bundle.lay_out(path, folder / 'finished')
    return open_study(str(study_file), folder, remember=False).look


def test_a_bundle_holds_all_that_was_rendered_and_what_it_was_made_of(reading: Reading, published: Path):
    names = sorted(str(path.relative_to(published)) for path in published.rglob('*') if path.is_file())
    assert names == sorted([*RENDERED, 'bundle.json', 'manifest.json', 'records/records.jsonl.gz'])
    assert not [path for path in published.parent.iterdir() if path != published], 'nothing lies beside it'
    about = bundle.read(published)
    assert about['files'] == {name: hashlib.sha256(content).hexdigest() for name, content in RENDERED.items()}
    assert (about['study'], about['digest'], about['failing']) == ('finished', reading.study.digest, [])
    assert about['definition'] == json.loads(json.dumps(reading.study.to_dict()))
    assert list(about['versions']) == ['jinja2', 'matplotlib', 'numpy', 'scipy']
    assert list(about['files']) == sorted(RENDERED) and list(about) == list(bundle.KEYS)
    manifest = json.dumps(reading.manifest, indent=1, sort_keys=True)
    assert (published / 'manifest.json').read_text() == manifest and '"costs"' in manifest
    assert (published / 'bundle.json').read_text() == json.dumps(about, indent=1) + '\n'
    packs = [path.read_bytes() for path in sorted((reading.folder / 'records').iterdir())]
    lines = gzip.decompress((published / 'records' / 'records.jsonl.gz').read_bytes())
    assert lines == b''.join(packs)
    assert about['records'] == {'lines': len(lines.splitlines()), 'sha256': hashlib.sha256(lines).hexdigest()}


def wholes(records_of: Records) -> list[dict]:
    return [records_of.whole(trial_id) for trial_id in records_of]


def test_a_bundle_is_a_runs_folder(reading: Reading, published: Path):
    again, skipped = read_folder(published, 'finished')
    assert wholes(again) == wholes(reading.records) and skipped == []
    assert json.loads((published / 'manifest.json').read_text()) == reading.manifest


def test_a_bundle_is_read_by_way_of_the_cache_too(reading: Reading, published: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(records, 'LARGE', 0)
    for _ in range(2):
        again, skipped = read_folder(published, 'finished')
        assert list((published / '.cache').glob('*.parquet')), 'the cache was not used'
        assert wholes(again) == wholes(reading.records) and skipped == []


def test_packs_that_are_not_whole_are_seen(published: Path):
    """Also where as many lines are lost as a pack has: each pack is counted on its own."""
    path = published / 'records' / 'records.jsonl.gz'
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    size = from_line(lines[0].decode())['pack']['records']
    for left in (lines[1:], lines[:1] + lines[1 + size :], lines[1 : size + 1] + lines[:1], []):
        path.write_bytes(gzip.compress(b''.join(left)))
        again, skipped = read_folder(published, 'finished')
        assert again == {} and len(skipped) == 1 and 'not what was committed' in skipped[0]
    path.write_bytes(gzip.compress(b''.join(lines[size:])))
    assert len(read_folder(published, 'finished')[0]) == len(lines) - size, 'a whole pack less is a run that goes on'


def test_publishing_again_gives_the_same_bytes_also_from_the_bundle_itself(study_file, reading, published, tmp_path):
    before = {path: path.read_bytes() for path in published.rglob('*') if path.is_file()}
    assert bundle.publish(reading, RENDERED, tmp_path / 'published') == published
    assert {path: path.read_bytes() for path in published.rglob('*') if path.is_file()} == before
    inside = open_study(str(study_file), tmp_path / 'published', remember=False).look
    bundle.publish(inside, RENDERED, tmp_path / 'published')
    assert {path: path.read_bytes() for path in published.rglob('*') if path.is_file()} == before


def test_an_unfinished_study_is_never_published(tmp_path: Path):
    file = write(tmp_path, share=0.9)
    reading = open_study(str(file), tmp_path / 'runs', remember=False).look
    for force in (False, True):
        with pytest.raises(ValueError, match=r'cannot be published: the study is complete: no, .* trials are recorded'):
            bundle.publish(reading, RENDERED, tmp_path / 'published', force)
    assert not (tmp_path / 'published').exists()


def test_a_rule_that_fails_is_named_and_written_down_where_forced(tmp_path: Path):
    file = write(tmp_path, SOURCE.replace('replicates=3', 'replicates=2'))
    reading = open_study(str(file), tmp_path / 'runs', remember=False).look
    with pytest.raises(ValueError, match=r"the rule 'noise is measured' fails .* publish it with --force"):
        bundle.publish(reading, RENDERED, tmp_path / 'published')
    path = bundle.publish(reading, RENDERED, tmp_path / 'published', force=True)
    assert bundle.read(path)['failing'] == ['noise is measured']


def test_a_recipe_at_an_edge_may_be_published(reading: Reading, tmp_path: Path):
    reading.schedule.censored['base', 'digits'] = ['sgd lr high']
    path = bundle.publish(reading, RENDERED, tmp_path / 'published')
    assert bundle.read(path)['failing'] == ['no recipe is censored']


def test_what_is_no_bundle_is_never_replaced(reading: Reading):
    with pytest.raises(ValueError, match='is there and is no bundle'):
        bundle.publish(reading, RENDERED, reading.folder.parent)
    assert len(listing(reading.folder)) > 1


def test_a_bundle_that_cannot_be_written_leaves_the_old_one(reading, published, tmp_path, monkeypatch):
    before = {path: path.read_bytes() for path in published.rglob('*') if path.is_file()}
    real, targets = os.rename, []

    def fail(path: Path, target: Path) -> None:
        targets.append(target)
        if targets.count(published) == 1 and target == published:
            raise OSError(5, 'the disk is gone')
        real(path, target)

    monkeypatch.setattr(os, 'rename', fail)
    with pytest.raises(ValueError, match='the disk is gone'):
        bundle.publish(reading, {'table.md': b'another'}, tmp_path / 'published')
    assert {path: path.read_bytes() for path in published.rglob('*') if path.is_file()} == before
    assert list(published.parent.iterdir()) == [published]


@pytest.mark.parametrize(
    ('content', 'said'),
    [
        (None, 'is no published bundle'),
        ('{', 'is damaged'),
        ('[]', 'is damaged .it lacks'),
        ('{"study": "finished"}', "it lacks \\['digest'"),
    ],
)
def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path, content: str | None, said: str):
    if content is not None:
        (tmp_path / 'bundle.json').write_text(content)
    with pytest.raises(ValueError, match=said):
        bundle.read(tmp_path)


def test_a_bundle_that_a_killed_process_had_moved_away_is_read(published: Path):
    about = bundle.read(published)
    published.rename(published.with_name(f'.{published.name}.before'))
    assert bundle.read(published) == about and published.is_dir()


def test_a_bundle_without_records_is_refused(published: Path, tmp_path: Path):
    shutil.rmtree(published / 'records')
    with pytest.raises(ValueError, match='is no whole bundle'):
        bundle.lay_out(published, tmp_path / 'copy')


def test_what_is_the_same_is_said_to_be(study_file: Path, published: Path, tmp_path: Path):
    about = bundle.read(published)
    assert [one.same for one in bundle.compare(published, about, RENDERED)] == [True] * 3
    assert bundle.reasons(published, about, reopened(study_file, published, tmp_path / 'copy')) == []


def test_every_file_that_differs_is_named_with_why(published: Path):
    (published / 'table.md').write_bytes(b'a better table\n')
    (published / 'report.html').unlink()
    now = {'table.md': b'a table\n', 'report.html': b'a page', 'table.csv': b'new', 'figures/finished-effect.svg': b'<svg />'}
    reading = {one.file: (one.same, one.why) for one in bundle.compare(published, bundle.read(published), now)}
    assert reading == {
        'table.md': (False, 'it was changed after it was published'),
        'report.html': (False, 'it is not in the bundle'),
        'table.csv': (False, 'it is not in the bundle'),
        'figures/finished-effect.svg': (False, ''),
    }
    gone = bundle.compare(published, bundle.read(published), {'table.md': b'a better table\n'})
    assert [(one.file, one.why) for one in gone if not one.same] == [
        ('figures/finished-effect.svg', 'it is not rendered any more'),
        ('report.html', 'it is not in the bundle'),
    ]


def test_files_are_compared_in_the_order_of_their_names(tmp_path: Path):
    files = dict.fromkeys(('z.md', 'figures/b.svg', 'a.md'), '0' * 64)
    made = bundle.compare(tmp_path, {'files': files}, {'m.csv': b'', 'a.md': b'', 'figures/c.svg': b''})
    assert [one.file for one in made] == ['a.md', 'figures/b.svg', 'figures/c.svg', 'm.csv', 'z.md']


def test_another_package_or_source_is_a_reason(study_file: Path, published: Path, tmp_path: Path, monkeypatch):
    about = bundle.read(published)
    about['versions']['matplotlib'] = '1.0'
    about['source'] = 'another'
    reading = reopened(study_file, published, tmp_path / 'copy')
    said = bundle.reasons(published, about, reading)
    assert len(said) == 2
    assert said[0].endswith('is installed, 1.0 rendered the bundle') and said[0].startswith('matplotlib ')
    assert said[1] == "the lab's own studies, plan or results have changed since (another version of the sources)"
    other = {**about, 'digest': 'another', 'versions': bundle.versions(), 'source': bundle.read(published)['source']}
    assert bundle.reasons(published, other, reading) == ['the study has changed since, in what its digest is made of']
    (published / 'bundle.json').write_text(json.dumps({**bundle.read(published), 'settings': ['trials=3', 3]}))
    with pytest.raises(ValueError, match=r"is damaged \(it lacks \['settings in words'\]\); take the bundle from where"):
        bundle.read(published)


def test_a_study_that_has_changed_is_a_reason(published: Path, tmp_path: Path):
    file = tmp_path / 'finished.py'
    file.write_text(SOURCE.replace('trials=6', 'trials=7').replace('small network', 'network'))
    reading = reopened(file, published, tmp_path / 'copy')
    said = bundle.reasons(published, bundle.read(published), reading)
    assert said[0] == 'the study has changed since, in question, trials'
    assert 'trials that are planned now are not recorded' in said[1]


@pytest.mark.parametrize('damage', ['cut', 'altered', 'dropped'])
def test_records_that_are_not_those_published_are_a_reason(study_file: Path, published: Path, tmp_path: Path, damage: str):
    path = published / 'records' / 'records.jsonl.gz'
    lines = gzip.decompress(path.read_bytes())
    if damage == 'cut':
        path.write_bytes(path.read_bytes()[:-20])
    elif damage == 'altered':
        path.write_bytes(gzip.compress(lines.replace(b'"replicate": 0', b'"replicate": 1', 1)))
    else:
        path.write_bytes(gzip.compress(b''.join(lines.splitlines(keepends=True)[:-1])))
    said = bundle.reasons(published, bundle.read(published), reopened(study_file, published, tmp_path / 'copy'))
    assert said[0].startswith('records are not sound: ') and 'is damaged' in said[0]
    assert said[1] == 'the records are not those that were published'


def test_trials_that_are_not_recorded_and_a_plan_that_is_not_over_are_reasons(study_file, published, tmp_path):
    reading, about = reopened(study_file, published, tmp_path / 'copy'), bundle.read(published)
    count = len(reading.schedule.trials)
    open_plan = dataclasses.replace(reading, schedule=dataclasses.replace(reading.schedule, complete=False))
    assert bundle.reasons(published, about, open_plan) == [f'0 of {count} trials that are planned now are not recorded']
    some = {key: reading.records[key] for key in list(reading.records)[2:]}
    fewer = dataclasses.replace(reading, records=some)
    assert bundle.reasons(published, about, fewer) == [f'2 of {count} trials that are planned now are not recorded']
