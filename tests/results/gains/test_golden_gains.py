"""Gains of searches are told as they were: their table, sentences and page."""

import re

import golden_texts
from drawings import drawn
from painted import painted
from test_gains import FEW, STUDY, TASKS, searched

from results.gains.figure import figure
from results.gains.gain import gains
from results.gains.gain_words import arms_of, confirmed_share, sentence, tables
from results.gains.gains_page import page

MANY = [*FEW, *(searched('random', r, 0.25, 0.125 * r, 'stdlib_bytes') for r in range(3))]


def test_gains_are_told_as_they_were():
    made = gains(MANY)
    told = [line for width in (90, 40) for line in painted(*tables(made, TASKS), width=width)]
    told += [f'{sentence(one, TASKS[one.task])} {arms_of(one)} {confirmed_share(one)}' for one in made]
    facts = {'runs': 42, 'replicates': 3, 'seeds': 2}
    html = page(STUDY, made, dict.fromkeys(('greedy', 'lab', 'random'), 'Looks <for> it.'), facts)
    shown = re.sub(r'<style>.*?</style>|<svg.*?</svg>', '', html, flags=re.S)
    golden_texts.hold('gains', '\n'.join([*told, shown]))


def test_their_figure_shows_what_it_showed():
    few = [*MANY, searched('random', 0, 0.2, 0.1, 'digits')]
    golden_texts.hold('gains_figure', drawn(figure(gains(few), TASKS)))
