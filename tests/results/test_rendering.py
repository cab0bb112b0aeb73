"""Rendering: which figures and tables of a study are files, and what is refused."""

import pytest
from simulated_study import read, small

from results import figures as drawn
from results.conclusions import Conclusions
from results.rendering import TABLES, everything, figures, joint_text, pages, text
from results.store.reading import Reading
from results.tables import study_facts
from results.verify import Check


def concluded(shape: str = 'one_swap') -> tuple[Reading, Conclusions]:
    reading, findings = read(*small(shape))
    return reading, Conclusions(findings, study_facts(reading, findings))


@pytest.fixture
def two_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    def applies(reading: object, findings: object) -> str:
        return 'a figure'

    def not_here(reading: object, findings: object) -> str:
        raise drawn.Inapplicable('not for this study')

    monkeypatch.setattr(drawn, 'FIGURES', {'one': applies, 'other': not_here})
    monkeypatch.setattr('results.report.inline_figures.FIGURES', {})
    monkeypatch.setattr('results.figures.style.rendered', lambda figure, suffix: f'{figure} {suffix}'.encode())


def test_figures_that_apply_are_files_and_one_that_was_asked_for_must_apply(two_kinds: None):
    reading, findings = read(*small())
    wanted = {f'small_one_swap-one.{suffix}': f'a figure {suffix}'.encode() for suffix in ('pdf', 'svg', 'png')}
    assert figures(reading, findings) == wanted == figures(reading, findings, ['one'])
    with pytest.raises(drawn.Inapplicable, match='not for this study'):
        figures(reading, findings, ['one', 'other'])
    with pytest.raises(ValueError, match=r"figure 'word'; allowed: \['one', 'other'\]"):
        figures(reading, findings, ['one', 'word'])


def test_a_bundle_has_every_table_figure_and_page(two_kinds: None, monkeypatch: pytest.MonkeyPatch):
    reading, conclusions = concluded()
    given = []
    monkeypatch.setattr('results.rendering.conclude', lambda given: conclusions)
    monkeypatch.setattr('results.rendering.page', lambda *arguments: given.append(arguments) or 'the page')
    files = everything(reading)
    shown = {f'figures/small_one_swap-one.{suffix}' for suffix in ('pdf', 'svg', 'png')}
    assert set(files) == {*(f'table.{suffix}' for suffix in TABLES), *shown, 'report.html'}
    assert files['table.tex'].decode() == text(conclusions, 'latex') and files['report.html'] == b'the page'
    assert all(files[f'table.{suffix}'].endswith(b'\n') and not files[f'table.{suffix}'].endswith(b'\n\n') for suffix in TABLES)
    assert given == [(reading, conclusions.findings, {'one': b'a figure svg'})], 'what is drawn once is not drawn again'


def test_several_studies_are_one_table_and_one_page(monkeypatch: pytest.MonkeyPatch):
    checks = [Check('a', True, 'so'), Check('b', True, 'nobody tried', tried=False)]
    monkeypatch.setattr('results.verify.verify', lambda reading: checks)
    given = [concluded(shape) for shape in ('one_swap', 'path')]
    table = joint_text([conclusions for _, conclusions in given], 'md')
    assert table.endswith('\n') and not table.endswith('\n\n') and 'small_one_swap' in table and 'small_path' in table
    page = pages(given)
    assert 'small_one_swap' in page and 'small_path' in page and page.count('1 of 1 rules of a fair comparison hold') == 2
    with pytest.raises(ValueError, match="study 'small_path' is given 2 times"):
        pages(given[1:] * 2)
