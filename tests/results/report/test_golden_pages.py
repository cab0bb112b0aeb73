"""Pages and tables say what they said: the published quickstart as it was published, and small studies of every shape."""

from pathlib import Path

import golden_texts
import pytest
from read_pages import CHECKLIST, bare, text_of, words
from simulated_study import SHAPES, read, small

from archlab.study_runs import open_study
from results.figures import FIGURES
from results.figures.style import rendered
from results.rendering import TABLES, page, text

PUBLISHED = Path(__file__).parents[3] / 'results' / 'published'


def test_the_published_quickstart_is_rendered_as_it_was_published():
    """Tables, the drawings of each kind, and the page around them."""
    runs = open_study('quickstart', PUBLISHED, None, remember=False)
    folder, drawn = PUBLISHED / 'quickstart', {}
    told = {f'table.{suffix}': text(runs.conclusions, form) for suffix, form in TABLES.items()}
    for path in sorted((folder / 'figures').glob('*.svg')):
        kind = path.stem.removeprefix('quickstart-')
        drawn[kind] = rendered(FIGURES[kind](runs.look, runs.conclusions.findings), 'svg')
        told[f'figures/{path.name}'] = drawn[kind].decode()
    told['report.html'] = page(runs.look, runs.conclusions.findings, drawn)
    for name, now in told.items():
        changed = golden_texts.differing((folder / name).read_text(encoding='utf-8'), now)
        meant = 'if you meant it, render the published bundles again'
        assert not changed, f'{name} of the published quickstart would change; {meant}: {changed[:20]}'


def a_sentence_a_line(said: str) -> str:
    return said.replace('. ', '.\n').replace(' [', '\n[')


@pytest.mark.parametrize('shape', ['one_swap', *SHAPES])
def test_a_page_says_what_it_said(shape):
    golden_texts.hold(f'page_{shape}', a_sentence_a_line(words(shape)))


def test_an_unfinished_page_says_what_it_said():
    given = read(*small('factorial', cliff=0.6, share=0.75))
    golden_texts.hold('page_unfinished', a_sentence_a_line(text_of(bare(*given, CHECKLIST))))
