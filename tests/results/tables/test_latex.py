"""LaTeX: balanced, as many cells as columns, and compiled where LaTeX is installed."""

import dataclasses
import re
import shutil
import subprocess

import pytest
from made_findings import BETTER, UNKNOWN, WORSE, about

from results.tables import table

SPECIAL = dataclasses.replace(BETTER, arm='a_b', overall_reason='50% & more_of #1 {x} ~ ^ \\ $ < > | `run`')


def balanced(text: str) -> bool:
    depth = 0
    for brace in re.findall(r'(?<!\\)[{}]', text.replace('\\\\', '')):
        depth += 1 if brace == '{' else -1
        if depth < 0:
            return False
    return depth == 0


def documents() -> dict[str, str]:
    made = {shape: table(*about(shape)[:1], 'latex', facts=about(shape)[1]) for shape in ('one_swap', 'path', 'factorial')}
    same, unfinished = about(recipe='same'), about('factorial', share=0.4)
    made |= {'same': table(same[0], 'latex', facts=same[1]), 'unfinished': table(unfinished[0], 'latex', facts=unfinished[1])}
    return made | {'special': table([SPECIAL, WORSE, UNKNOWN], 'latex'), 'empty': table([], 'latex')}


DOCUMENTS = ('one_swap', 'path', 'factorial', 'same', 'unfinished', 'special', 'empty')


@pytest.mark.parametrize('name', DOCUMENTS)
def test_latex_is_balanced(name):
    text = documents()[name]
    assert balanced(text)
    assert re.findall(r'\\begin\{(\w+\*?)\}', text).count('tabular') == text.count(r'\end{tabular}')
    for body in re.findall(r'\\begin\{tabular\}\{@\{\}(.*?)@\{\}\}(.*?)\\end\{tabular\}', text, re.S):
        width = len(re.sub(r'p\{.*?\}\}?', 'p', body[0]))
        for line in body[1].splitlines():
            if line.endswith((r'\\', r'\\[1pt]')) and 'multicolumn' not in line:
                assert len(re.findall(r'(?<!\\)&', line)) == width - 1, line
    assert text.isascii()


@pytest.mark.parametrize('name', DOCUMENTS)
def test_latex_compiles(name, tmp_path):
    engine = shutil.which('tectonic') or shutil.which('pdflatex')
    if engine is None:
        pytest.skip('no LaTeX is installed (tectonic or pdflatex)')
    text = documents()[name]
    page = '\n'.join([r'\documentclass{article}', r'\usepackage{booktabs}', r'\begin{document}', text, r'\end{document}'])
    (tmp_path / 'page.tex').write_text(page)
    line = [engine, 'page.tex'] if 'tectonic' in engine else [engine, '-halt-on-error', '-interaction=batchmode', 'page.tex']
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / 'page.pdf').stat().st_size > 1000
