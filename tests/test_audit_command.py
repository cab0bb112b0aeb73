"""`archlab audit`: exit status, formats, options and one-line errors, as a user calls it, in this process."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

ROADMAP = Path(__file__).parents[1] / 'results' / 'published' / 'convnext_roadmap.csv'
FAIR = (
    'arm,task,dataset,value,sd,n,gflops,recipe,selected_on,reported_on,tuned\n'
    'base,t,D,1.00,0.1,3,4,r,val,test,yes\nours,t,D,0.50,0.1,3,4,r,val,test,yes\n'
    'base,u,E,1.00,0.1,3,4,r,val,test,yes\nours,u,E,0.50,0.1,3,4,r,val,test,yes\n'
)


@pytest.fixture
def fair(tmp_path: Path) -> Path:
    path = tmp_path / 'fair.csv'
    path.write_text(FAIR)
    return path


def test_the_published_road_falls_short_of_the_rules(called: Callable):
    shown = called('audit', ROADMAP)
    assert shown.returncode == 1 and not shown.stderr
    text = ' '.join(shown.stdout.split())
    assert '7 of 15 testable comparisons separate' in text and 'It does not show' in text
    assert called('audit', ROADMAP).stdout == shown.stdout


def test_a_fair_table_exits_with_0(called: Callable, fair: Path):
    done = called('audit', fair, '--json', '--lower-is-better')
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer['alpha'] == 0.05 and [one['effect'] for one in answer['comparisons']] == [0.5, 0.5]
    assert called('audit', fair, '--format', 'json', '--lower-is-better').stdout == done.stdout


def test_the_formats_and_options_are_followed(called: Callable, fair: Path):
    flat = list(csv.DictReader(io.StringIO(called('audit', ROADMAP, '--format', 'csv').stdout)))
    assert len(flat) == 32 and flat[1]['verdict'] == 'separates'
    first = json.loads(called('audit', ROADMAP, '--against', 'first', '--json').stdout)
    assert {one['against'] for one in first['comparisons']} == {'original_recipe'} and first['family'] == 0
    assert called('audit', fair, '--format', 'md').stdout.startswith('| task | arm | against | size | value | effect |')
    assert json.loads(called('audit', fair, '--alpha', '0.01', '--json').stdout)['alpha'] == 0.01
    column = json.loads(called('audit', ROADMAP, '--against', 'against', '--json').stdout)
    assert column == json.loads(called('audit', ROADMAP, '--json').stdout)


BAD = [
    (['nowhere.csv'], "no such file 'nowhere.csv'"),
    (['fair.csv', '--format', 'docx'], "format 'docx'; allowed: ['terminal', 'md', 'csv', 'json']"),
    (['fair.csv', '--against', 'frist'], "Did you mean 'first'?"),
    (['fair.csv', '--alpha', '0'], '--alpha 0; an error rate lies between 0 and 1'),
    (['.'], 'it is no regular file'),
    ([], 'Missing argument'),
]


@pytest.mark.parametrize(('call', 'message'), BAD)
def test_bad_calls_are_refused_in_one_line(called: Callable, fair: Path, call: list[str], message: str):
    done = called('audit', *call, cwd=fair.parent)
    assert done.returncode == 2 and done.stdout == ''
    assert len(done.stderr.strip().splitlines()) == 1 and done.stderr.startswith('archlab: error: ')
    assert message in done.stderr


def test_help_has_an_example(called: Callable):
    done = called('audit', '--help')
    assert done.returncode == 0 and 'Example: archlab audit results/published/convnext_roadmap.csv' in done.stdout
