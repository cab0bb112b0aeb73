"""Answered: the founding questions, their studies, and what published runs of them found."""

import re
import shutil
from pathlib import Path

import pytest

from ablations.questions import QUESTIONS, Question
from ablations.studies import STUDIES
from results.claims.answered import answered, question_lines

ROOT = Path(__file__).parents[3]
PUBLISHED = ROOT / 'results' / 'published'


@pytest.mark.parametrize('name', QUESTIONS)
def test_the_study_of_a_question_is_there(name: str):
    one = QUESTIONS[name]
    assert one.asks.endswith('?')
    if '/' in one.study:
        # All data as one language is asked by what its tokens are.
        stem = {'everything_is_language': 'tokenisers'}.get(name, name)
        assert (ROOT / one.study).is_file() and Path(one.study).stem == stem
    else:
        assert one.study in ('', *STUDIES)
    assert one.study or not one.lacks


@pytest.mark.parametrize('name', [name for name, one in QUESTIONS.items() if one.paper])
def test_the_paper_of_a_question_is_the_one_that_the_pages_name(name: str):
    pages = [path.read_text(encoding='utf-8') for path in (ROOT / 'docs').glob('*.md')]
    assert any(re.search(rf'\b{QUESTIONS[name].paper}\b', page) for page in pages)


def test_a_file_of_founding_studies_has_its_question():
    files = {f'docs/founding/{path.name}' for path in (ROOT / 'docs' / 'founding').glob('*.py')}
    asking = [{one.study, *one.further} for one in QUESTIONS.values()]
    assert files <= set().union(*asking)
    assert all((ROOT / study).is_file() or study in STUDIES for one in QUESTIONS.values() for study in one.further)


def test_a_published_run_is_told_with_its_scale():
    told = answered({'norms_of_small_models': Question('Are they needed?', study='norms')}, PUBLISHED)
    run = told['norms_of_small_models']['published']
    assert run['datasets'] == ['digits', 'recall', 'stdlib_bytes'] and run['verdicts']['worse'] >= 3
    assert 1_000 < run['params'][0] < run['params'][1] < 100_000
    lines = '\n'.join(question_lines(told))
    assert f'{run["params"][0]:,} to {run["params"][1]:,} parameters' in lines
    assert '1 questions: 1 have a study, 1 a published run.' in lines


def test_a_published_comparison_of_searchers_is_told_without_verdicts():
    told = answered({'searches': Question('How much?', study='docs/founding/what_searches_gain.py')}, PUBLISHED)
    assert told['searches']['published'] == {
        'searchers': ['greedy', 'random', 'bayes', 'lab'],
        'datasets': ['digits', 'stdlib_bytes'],
        'runs': 48,
        'steps': [80],
    }
    assert '    published  greedy, random, bayes, lab; digits, stdlib_bytes; 48 runs a search, 80 steps' in question_lines(told)


SAID = {'verdicts': {'worse': 1, 'better': 2}, 'datasets': ['a', 'b'], 'params': [5_000, 12_000], 'steps': [80, 100]}


@pytest.mark.parametrize(
    ('run', 'line'),
    [
        (SAID, '2 better, 1 worse; a, b; 5,000 to 12,000 parameters, 80, 100 steps'),
        ({**SAID, 'params': [7, 7], 'steps': [80]}, '2 better, 1 worse; a, b; 7 parameters, 80 steps'),
        (
            {'searchers': ['lab', 'grid'], 'datasets': ['a'], 'runs': 3, 'steps': [8, 9]},
            'lab, grid; a; 3 runs a search, 8, 9 steps',
        ),
    ],
    ids=['sizes', 'one size', 'searchers'],
)
def test_a_run_is_told_in_a_line(run: dict, line: str):
    one = {'asks': 'Which?', 'paper': '1234.56789', 'study': 'mine', 'lacks': '', 'published': run, 'further': {'more': None}}
    other = {**one, 'paper': '', 'study': '', 'published': None, 'further': {}}
    assert question_lines({'first': one, 'second': other}) == [
        'first: Which? (1234.56789)',
        '    study      mine',
        f'    published  {line}',
        '    further    more',
        '    published  no run',
        'second: Which?',
        '    study      none yet',
        '',
        '2 questions: 1 have a study, 1 a published run.',
    ]


def test_what_was_not_run_and_what_has_no_study_are_told_apart(tmp_path: Path):
    told = answered({'a': Question('One?', study='docs/founding/a.py'), 'b': Question('Two?')}, tmp_path)
    assert question_lines(told)[:4] == [
        'a: One?',
        '    study      docs/founding/a.py',
        '    published  no run',
        'b: Two?',
    ]
    assert told['a']['published'] is None is told['b']['published']
    shutil.copytree(PUBLISHED / 'null', tmp_path / 'null')
    more = answered({'a': Question('One?', study='a', lacks='much', further=('docs/null.py',))}, tmp_path)
    lines = question_lines(more)
    assert lines[2:4] == ['    published  no run', '    further    docs/null.py'] and 'equivalent' in lines[4]
    assert lines[5] == '    not asked  much'


def test_a_damaged_bundle_is_said_and_not_counted(tmp_path: Path):
    shutil.copytree(PUBLISHED / 'null', tmp_path / 'null')
    (tmp_path / 'null' / 'table.json').write_text('[]')
    with pytest.raises(ValueError, match='was changed after it was published'):
        answered({'null': Question('Nothing?', study='null')}, tmp_path)
