"""Gains of searches are told as they were: their table, sentences and page."""

import io
import re

import golden_texts
from rich.console import Console
from test_gains import FEW, STUDY, TASKS, searched

from results.gains.gain import gains
from results.gains.gain_words import arms_of, confirmed_share, sentence, tables
from results.gains.gains_page import page

MANY = [*FEW, *(searched('random', r, 0.25, 0.125 * r, 'stdlib_bytes') for r in range(3))]


def test_gains_are_told_as_they_were():
    made, screen = gains(MANY), io.StringIO()
    for table in tables(made, TASKS):
        Console(file=screen, width=90).print(table)
    told = [screen.getvalue()]
    told += [f'{sentence(one, TASKS[one.task])} {arms_of(one)} {confirmed_share(one)}' for one in made]
    facts = {'runs': 42, 'replicates': 3, 'seeds': 2}
    html = page(STUDY, made, dict.fromkeys(('greedy', 'lab', 'random'), 'Looks <for> it.'), facts)
    shown = re.sub(r'<style>.*?</style>|<svg.*?</svg>', '', html, flags=re.S)
    golden_texts.hold('gains', '\n'.join([*told, shown]))
