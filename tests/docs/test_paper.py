"""The paper says what the records say, and can be set as a PDF or read as HTML."""

import importlib
import json
import re
import sys
from pathlib import Path

import pytest

PAPER = Path(__file__).parents[2] / 'docs' / 'paper'


@pytest.fixture(scope='module')
def paper():
    """The modules of the paper, which are scripts beside its text."""
    sys.path.insert(0, str(PAPER))
    yield {name: importlib.import_module(name) for name in ('facts', 'figure', 'typeset', 'build')}
    sys.path.remove(str(PAPER))


def test_the_text_is_what_the_records_say(paper):
    said = (PAPER / 'paper.md').read_text()
    assert said == paper['build'].written() + '\n', 'text and records disagree; make paper writes the text anew'


def test_the_page_of_claims_counts_them(paper):
    told = paper['facts'].claims()
    studies = len({claim.study_digest for claim in told.claims})
    counted = f'{len(told.claims)} claims of {studies} studies, {len(told.contradictions)} contradictions'
    assert counted in (PAPER.parent / 'claims.md').read_text()


def test_its_numbers_are_counted_from_the_bundles(paper):
    """By hand, from the tables of the bundles."""
    said, rows, runs = (PAPER / 'paper.md').read_text(), [], 0
    folders = [path.parent for path in (PAPER.parents[1] / 'results' / 'published').glob('*/table.json')]
    for folder in folders:
        rows += [row for row in json.loads((folder / 'table.json').read_text()) if row['row'] == 'comparison']
        runs += json.loads((folder / 'bundle.json').read_text())['records']['lines']
    both = [row for row in rows if row['shared_verdict']]
    other = [row for row in both if row['verdict'] != row['shared_verdict']]
    claimed = [[row for row in some if row['verdict'] in ('better', 'worse')] for some in (both, other)]
    words = ' '.join(said.split())
    assert f'{len(folders)} published studies with {runs:,} training runs and {len(rows)} comparisons' in words
    assert (
        f'In {len(both)} comparisons both recipes were tried' in words and f'another verdict in {len(other)} of them' in words
    )
    assert f'{len(claimed[1])} of these among the {len(claimed[0])} that are claims' in words
    claims = sum(row['verdict'] not in ('undecided', 'not comparable') for row in rows)
    assert f'of which {claims} end in a claim' in words
    assert len(re.findall(r'^- At .* parameters', said, re.M)) == claims


def test_every_flagship_and_bundle_is_listed(paper):
    said = (PAPER / 'paper.md').read_text()
    known = paper['facts'].facts()
    assert all(f'\n| {one.name} | {one.question} |' in said for one in known['bundles'])
    assert all(f'\n| {one.name} | {one.claim} |' in said for one, _ in known['flagships']) and len(known['flagships']) == 10


def test_the_figure_has_a_mark_for_each_comparison_full_where_the_verdict_changes(paper):
    told = paper['facts'].facts()['shared']
    (axes,) = paper['figure'].one_recipe_figure(told.rows).axes
    marks = [line for line in axes.lines if line.get_marker() == 'o']
    assert len(marks) == len(told.rows)
    full = [line for line in marks if line.get_markerfacecolor() != 'white']
    assert len(full) == len(told.changed) > 0
    row = told.changed[0]
    places = {(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in full}
    assert (row['shared_effect'] / row['margin'], row['effect'] / row['margin']) in places


TEXT = """# One *two*

A `x_y` [link](https://a.b/c) for 5 % of $10 #1
and more.

1. one
   more
2. two

| a | b |
| --- | --- |
| 1 | x_y |

![Words](f.svg)
"""


def test_markdown_becomes_typst(paper):
    made = paper['typeset'].as_typst(TEXT).removeprefix(paper['typeset'].PAGE)
    assert '\n= One #emph[two]\n' in made and '\nA `x_y` #link("https://a.b/c")[link] for 5 % of \\$10 \\#1 and more.\n' in made
    assert '\n+ one more\n+ two\n' in made
    assert '#table(columns: 2, table.header([*a*], [*b*]),\n  [1],\n  [x\\_y],\n)' in made
    assert '#figure(image("f.svg", width: 75%), caption: [Words])' in made
    with pytest.raises(ValueError, match="a block 'fence', which has no form in Typst"):
        paper['typeset'].as_typst('```\ncode\n```\n')


def test_without_typst_it_is_a_page(paper, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'typst', None)
    assert paper['build'].main(['--out', str(tmp_path)]) == 0
    page = (tmp_path / 'paper.html').read_text()
    assert '<h2>Calibration</h2>' in page and 'src="one_recipe.svg"' in page and (tmp_path / 'one_recipe.svg').exists()
    assert (tmp_path / 'paper.md').read_text() == (PAPER / 'paper.md').read_text()
    assert 'paper.html' in capsys.readouterr().out


def test_with_typst_it_is_a_pdf(paper, tmp_path):
    pytest.importorskip('typst', reason='no Typst here; make paper installs it')
    assert paper['build'].main(['--out', str(tmp_path)]) == 0
    assert (tmp_path / 'paper.pdf').read_bytes().startswith(b'%PDF') and not (tmp_path / 'paper.typ').exists()
