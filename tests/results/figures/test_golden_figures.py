"""Figures show what they showed: kinds that no published study has, and all others in the cases that the quickstart, whose
figures are held by its page, does not have."""

from collections.abc import Iterable

import golden_texts
import pytest
from drawings import drawn
from drawn_studies import read

from results.figures import FIGURES, Inapplicable

SHOWN = {
    'path': 'path_on_digits',
    'interaction': 'factorial_on_digits',
    'ladder': 'ladder_on_digits',
    'amount': 'amounts_on_digits',
}

CASES = {
    'optimizers': ('two_optimizers', 1.0),
    'unfinished': ('two_on_digits', 0.4),
    'five': ('five_on_digits', 1.0),
    'one_recipe': ('one_recipe', 1.0),
    'diverged': ('diverged_on_digits', 1.0),
}
"""Scenes, with the share that is trained, for figures of every study."""
SOME = {
    'path': ('effect', 'verdicts'),
    'drop_one': ('effect',),
    'ladder_on_digits': ('lr',),
    'three_factors': ('verdicts',),
    'diverged': ('path', 'ladder', 'interaction', 'amount'),
    'alone': ('effect', 'verdicts', 'pareto', 'path', 'ladder', 'interaction', 'amount'),
}
"""Further scenes, for some figures."""
PARTS = {'ladder_on_digits': 'ladder', 'amounts_on_digits': 'amount', 'path_on_digits': 'path', 'factorial': 'interaction'}
"""Scenes of which a part is trained, for the figure that is made for them."""


@pytest.mark.parametrize('kind', SHOWN)
def test_a_figure_shows_what_it_showed(kind):
    golden_texts.hold(f'figure_{kind}', drawn(FIGURES[kind](*read(SHOWN[kind]))))


def all_drawn(given: tuple, kinds: Iterable[str]) -> list[str]:
    """Some figures of a scene, or why there are none."""
    shown = []
    for kind in kinds:
        try:
            shown += [kind, drawn(FIGURES[kind](*given))]
        except Inapplicable as error:
            shown += [kind, str(error)]
    return shown


@pytest.mark.parametrize('case', CASES)
def test_figures_show_in_each_case_what_they_showed(case):
    golden_texts.hold(f'figures_{case}', '\n'.join(all_drawn(read(*CASES[case]), FIGURES)))


def test_some_figures_show_in_further_scenes_what_they_showed():
    told = [line for scene, kinds in SOME.items() for line in (f'# {scene}', *all_drawn(read(scene), kinds))]
    for scene, kind in PARTS.items():
        told += [f'# a part of {scene}', *all_drawn(read(scene, 0.4), [kind])]
    golden_texts.hold('figures_of_further_scenes', '\n'.join(told))
