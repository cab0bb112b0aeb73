"""The claims command: all studies in a folder, compared, shown in every format, and turned back into studies."""

import csv
import dataclasses
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ablations.config import swap
from ablations.spaces import log
from ablations.study import Study, task
from ablations.study_files import load_study
from results.claims.linked import claims_from
from results.claims.sentence import parse
from results.store import defined
from results.store.records import commit, prepare
from sweeps import manifest
from sweeps.protocol.packing import pack
from sweeps.protocol.simulate import World, simulate

PUBLISHED = Path(__file__).parents[1] / 'results' / 'published'
SPACE = {'adamw': {'lr': log(1e-3, 1e-2), 'weight_decay': log(1e-3, 1)}}
ARMS = {'layer_norm': (), 'tanh': swap('norm', 'dynamic_tanh')}
FIRST = Study('first', 'Is tanh worse?', ARMS, ('digits', 'recall'), SPACE, trials=4, extension=0, replicates=3)
SECOND = dataclasses.replace(FIRST, name='second', question='Is it?', tasks=('digits',))
LONGER = dataclasses.replace(SECOND, name='longer', tasks=(task('digits', steps=1400),))


def ran(runs: Path, study: Study, effect: float) -> None:
    """Records of a simulated run, as a real one leaves them."""
    from sweeps.training.record import describe, lines

    folder = runs / study.name
    prepare(folder)
    planned, records = simulate(study, World(top={'tanh': effect}, noise=0.005), 0)
    for item in pack(study, planned.trials, {'lanes': 64}):
        full = [{**describe(trial), **records[trial.id], 'checksum': 'simulated'} for trial in item.trials]
        commit(folder, item.id, lines(full, item, [], {'strategy': 'loop', 'lanes': 64}))
    costs = {arm: {t.name: {'params': 200_000, 'macs': 1000, 'flops': 6000} for t in study.tasks} for arm in study.arms}
    about = {'study': study.name, 'digest': study.digest, 'costs': costs}
    manifest.save(folder, {**manifest.load(folder), **about})
    defined.save(folder, study)


@pytest.fixture(scope='module')
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three studies that ask the same: one reverses another, and one at a larger scale reverses that."""
    made = tmp_path_factory.mktemp('claims') / 'runs'
    for study, effect in zip((FIRST, SECOND, LONGER), (-0.5, 0.5, -0.5), strict=True):
        ran(made, study, effect)
    return made


@pytest.fixture
def claims(called: Callable, runs: Path, tmp_path: Path) -> Callable:
    """Call the command on the three studies alone."""
    return lambda *words: called('claims', '--runs', runs, '--published', tmp_path / 'none', *words)


def test_studies_of_a_folder_are_read_compared_and_told_in_sentences(claims: Callable):
    done = claims('--format', 'sentences')
    assert done.returncode == 0 and done.stderr == ''
    said = [parse(line) for line in done.stdout.splitlines()]
    assert [(one.verdict, one.datasets) for one in said] == [
        ('worse', ('digits',)),
        ('worse', ('recall',)),
        ('worse', ('digits', 'recall')),
        ('worse', ('digits',)),
        ('better', ('digits',)),
    ]
    assert {one.params for one in said} == {'0.2M'} and said[3].steps == '1,400'
    shown = claims()
    told = ' '.join(shown.stdout.split())
    assert 'second/tanh' in told and 'repeats second/tanh' in told and 'contradicts it' in told and 'reverses it' in told
    assert '5 claims of 3 studies, 2 contradictions' in told


def test_every_format_has_every_claim(claims: Callable):
    made = json.loads(claims('--json').stdout)
    addresses = [one['claim'] for one in made['claims']]
    assert len(addresses) == 5 and made['skipped'] == []
    assert {(one['kind'], one['agreement']) for one in made['relations']} == {
        ('repeats', 'contradicts'),
        ('supersedes', 'contradicts'),
        ('supersedes', 'agrees'),
    }
    assert [one.digest for one in claims_from(json.loads(claims('--format', 'jsonld').stdout))] == addresses
    assert [row['claim'] for row in csv.DictReader(io.StringIO(claims('--format', 'csv').stdout))] == addresses
    assert claims('--format', 'md').stdout.startswith('| arm | against |')


def test_a_folder_under_another_name_is_skipped_and_named(called: Callable, runs: Path, tmp_path: Path):
    shutil.copytree(runs / 'second', tmp_path / 'runs' / 'other')
    done = called('claims', '--runs', tmp_path / 'runs', '--published', tmp_path / 'none')
    assert "defines the study 'second'; a runs folder is named after its study" in ' '.join((done.stdout + done.stderr).split())


def test_a_folder_of_bundles_is_read_wherever_it_lies(called: Callable, tmp_path: Path):
    places = [path.parent.name for path in PUBLISHED.glob('*/table.json')]
    assert {'null', 'quickstart', 'norms'} <= set(places)
    for place in places:
        (tmp_path / 'runs' / place).mkdir(parents=True)
        for name in ('bundle.json', 'manifest.json', 'table.json'):
            shutil.copy(PUBLISHED / place / name, tmp_path / 'runs' / place / name)
    first = called('claims', '--all', '--json', '--runs', tmp_path / 'runs', '--published', tmp_path / 'runs')
    second = called('claims', '--all', '--json', '--runs', tmp_path / 'none', '--published', PUBLISHED)
    one, other = json.loads(first.stdout), json.loads(second.stdout)
    assert one['studies'] == other['studies'] == len(places)
    assert [claim['claim'] for claim in one['claims']] == [claim['claim'] for claim in other['claims']]
    assert not list((tmp_path / 'runs').glob('*/.cache')), 'a bundle is only read'


def test_about_a_kind(claims: Callable, tmp_path: Path):
    made = json.loads(claims('--about', 'layer_norm', '--json', '--html', tmp_path / 'page.html').stdout)
    assert len(made['claims']) == 5 and made['written'] == [str(tmp_path / 'page.html')]
    assert '<h1>layer_norm</h1>' in (tmp_path / 'page.html').read_text()
    assert '0 claims of 0 studies' in claims('--about', 'attention').stdout
    refused = claims('--about', 'dynamik_tanh')
    assert refused.returncode == 2 and "Did you mean 'dynamic_tanh'" in refused.stderr


def test_files_are_written_and_named(claims: Callable, tmp_path: Path):
    done = claims('--format', 'csv', '--out', tmp_path / 'claims.csv', '--html', tmp_path / 'claims.html')
    assert done.stdout.splitlines() == [str(tmp_path / 'claims.csv'), str(tmp_path / 'claims.html')]
    assert len((tmp_path / 'claims.csv').read_text().splitlines()) == 6
    assert claims('--out', tmp_path / 'claims.txt').returncode == 0
    assert '2 contradictions' in ' '.join((tmp_path / 'claims.txt').read_text().split())


def test_a_claim_becomes_a_study_that_plans(claims: Callable, called: Callable, tmp_path: Path):
    address = json.loads(claims('--json').stdout)['claims'][0]['claim']
    path = tmp_path / 'mine.py'
    done = claims('--study', address[:10], '--out', path)
    assert done.returncode == 0 and done.stdout.strip() == str(path)
    study = load_study(str(path))
    assert study.name == f'tanh_against_layer_norm_{address[:6]}' and study.replicates == 3 and study.trials == 4
    assert claims('--study', address).stdout == path.read_text()
    (tmp_path / 'none' / study.name).mkdir(parents=True)
    assert f"name='{study.name}_2'" in claims('--study', address).stdout
    (tmp_path / 'none' / study.name).rmdir()
    assert json.loads(claims('--study', address, '--json').stdout)['text'] == path.read_text()
    refused = claims('--study', 'ffffffffffffffffff')
    assert refused.returncode == 2 and 'no claim that was read begins with that' in refused.stderr


def test_what_cannot_be_read_is_named_and_counted(called: Callable, runs: Path, tmp_path: Path):
    here = tmp_path / 'runs'
    shutil.copytree(runs, here)
    (here / 'first' / 'study.json').write_text('{')
    (here / 'second' / 'study.json').unlink()
    (here / 'broken').mkdir()
    (here / 'broken' / 'manifest.json').write_text('[]')
    done = called('claims', '--runs', here, '--published', tmp_path / 'none', '--format', 'sentences')
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 1
    told = ' '.join(done.stderr.split())
    assert 'study.json is damaged' in told and 'give the path of its file: archlab claims FILE.py' in told
    assert 'manifest.json is damaged' in told and '3 of 4 studies were skipped' in told
    file = tmp_path / 'second.py'
    file.write_text(
        'from ablations.spaces import log\n'
        'from ablations.study import Study, swap\n'
        "study = Study('second', 'Is it?', {'layer_norm': (), 'tanh': swap('norm', 'dynamic_tanh')}, ('digits',),\n"
        "    {'adamw': {'lr': log(1e-3, 1e-2), 'weight_decay': log(1e-3, 1)}}, trials=4, extension=0, replicates=3)\n"
    )
    done = called('claims', file, '--runs', here, '--published', tmp_path / 'none', '--format', 'sentences')
    assert len(done.stdout.splitlines()) == 2 and '2 of 4 studies were skipped' in ' '.join(done.stderr.split())


def test_a_definition_of_another_run_is_not_used(called: Callable, runs: Path, tmp_path: Path):
    here = tmp_path / 'runs'
    shutil.copytree(runs / 'second', here / 'second')
    defined.save(here / 'second', dataclasses.replace(SECOND, trials=5))
    done = called('claims', '--runs', here, '--published', tmp_path / 'none')
    assert 'does not say which' in ' '.join(done.stderr.split()) and done.stdout.startswith('0 claims')


BAD = [
    (['--format', 'pdf'], "format 'pdf'; allowed: ['terminal', 'csv', 'jsonld', 'sentences', 'md']"),
    (['--blocks', 'my.py'], '--blocks is for --study'),
    (['nowhere.py'], 'no such file'),
    (['quickstart'], "no runs of ['quickstart']"),
]


@pytest.mark.parametrize(('words', 'why'), BAD)
def test_bad_calls_are_refused(claims: Callable, words: list, why: str):
    done = claims(*words)
    assert done.returncode == 2 and why in ' '.join(done.stderr.split()) and done.stdout == ''


def test_empty_folders_are_refused_in_one_line(called: Callable, tmp_path: Path):
    done = called('claims', '--runs', tmp_path, '--published', tmp_path / 'none')
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1
    assert 'there are no runs in' in done.stderr and 'archlab run quickstart' in done.stderr


def test_the_study_of_a_claim_is_made_after_the_one_that_made_it(claims: Callable):
    """Of three that asked the same, on one task, on two and for longer."""
    addresses = {one['study']: one['claim'] for one in json.loads(claims('--all', '--json').stdout)['claims']}
    assert {*addresses} == {'first', 'second', 'longer'}
    for study, address in addresses.items():
        text = claims('--study', address).stdout
        assert f'Tests anew a claim of the study {study} (' in text, text
        assert ("'recall'," in text, 'steps=1400' in text) == (study == 'first', study == 'longer')
