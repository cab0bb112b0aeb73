"""Figures: one file a kind, each `kind_figure(study, schedule, records, findings, manifest) -> Figure`."""

from results.figures.amount import amount_figure
from results.figures.curves import curves_figure
from results.figures.effect import effect_figure
from results.figures.expected import expected_best_figure
from results.figures.interaction import interaction_figure
from results.figures.ladder import ladder_figure
from results.figures.panels import Inapplicable
from results.figures.pareto import pareto_figure
from results.figures.path import path_figure
from results.figures.rate import lr_figure
from results.figures.style import save
from results.figures.verdicts import verdicts_figure

__all__ = ['FIGURES', 'Inapplicable', 'save']

FIGURES = {
    'effect': effect_figure,
    'verdicts': verdicts_figure,
    'lr': lr_figure,
    'expected_best': expected_best_figure,
    'curves': curves_figure,
    'pareto': pareto_figure,
    'path': path_figure,
    'interaction': interaction_figure,
    'ladder': ladder_figure,
    'amount': amount_figure,
}
"""Figures by kind. A figure that does not apply to a study raises Inapplicable. Its docstring begins with its caption."""
