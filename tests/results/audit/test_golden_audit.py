"""What an audit says of tables of many sorts, drawn by a seed, in every form: tests/golden/audit_*.txt."""

import io
from pathlib import Path

import golden_texts
import numpy as np
import pytest
from audited_tables import written
from rich.console import Console

from results.audit.comparisons import audit
from results.audit.input import read
from results.audit.views import FORMATS, cautions, conclusion, table, terminal

SORTS = {
    'bare': [],
    'deviations': ['sd'],
    'measured': ['sd', 'n'],
    'tuned': ['sd', 'n', 'trials', 'tuned', 'recipe'],
    'sized': ['n', 'sd', 'params', 'gflops'],
    'split': ['sd', 'n', 'selected_on', 'reported_on', 'dataset'],
    'compared': ['sd', 'n', 'against', 'note'],
    'runs': ['seed'],
    'runs_tuned': ['seed', 'trials', 'recipe', 'direction'],
}


def drawn(sort: list[str], seed: int) -> str:
    """A table of four arms on one or two tasks, whose numbers have as many decimals as the seed says."""
    random, decimals = np.random.default_rng(seed), seed % 4
    names = ['arm', 'task', 'value', *sort]
    lines = [','.join(names)]
    shown = {
        'sd': lambda arm: f'{random.uniform(0.05, 2):.{min(decimals, 2)}f}',
        'n': lambda arm: str(random.integers(1, 6)),
        'trials': lambda arm: str(random.choice([1, 10, 10, 50])),
        'tuned': lambda arm: str(random.choice(['yes', 'yes', 'no', ''])),
        'recipe': lambda arm: str(random.choice(['A1', 'A1', 'A2', ''])),
        'params': lambda arm: f'{random.choice([20, 20.5, 21.1, 30]):.1f}',
        'gflops': lambda arm: f'{random.choice([4, 4.1, 4.3, 8]):.1f}',
        'selected_on': lambda arm: str(random.choice(['val', 'test', ''])),
        'reported_on': lambda arm: str(random.choice(['test', 'val'])),
        'dataset': lambda arm: 'one' if seed < 3 else f'of {task}',
        'against': lambda arm: {'b': 'a', 'c': 'b', 'd': '-'}.get(arm, '-'),
        'note': lambda arm: 'a note',
    }
    for task in ['first', 'second'][: 1 + seed % 2]:
        direction = str(random.choice(['higher', 'lower']))
        for arm in 'abcd':
            middle = 70 + random.normal() * (seed % 3)
            runs = range(int(random.integers(2, 5))) if 'seed' in sort else [0]
            own = {name: make(arm) for name, make in shown.items()}
            for run in runs:
                cells = {**own, 'seed': str(run), 'direction': direction, 'arm': arm, 'task': task}
                cells['value'] = f'{middle + random.normal():.{decimals}f}'
                lines.append(','.join(cells[name] for name in names))
    return '\n'.join(lines)


@pytest.mark.parametrize('sort', SORTS)
def test_audits_say_what_they_said(sort: str, tmp_path: Path):
    told = []
    for seed in range(6):
        text = drawn(SORTS[sort], seed)
        against, lower = (None, 'a')[seed % 5 == 4 and sort != 'compared'], seed % 2 == 1
        told += [f'# seed {seed}', text]
        try:
            made = audit(read(written(tmp_path, text), against, lower), None, 0.05 if seed else 0.2)
        except ValueError as error:
            told.append(str(error).replace(str(tmp_path), ''))
            continue
        told += [*map(str, conclusion(made, 0.05)), *cautions(made), table(made, 'md', 0.05)]
        if seed == 1:
            told += [table(made, form, 0.05) for form in FORMATS if form != 'md']
            console = Console(width=150, file=io.StringIO(), force_terminal=False)
            console.print(terminal(made, 0.05))
            told += [line.rstrip() for line in console.file.getvalue().splitlines()]
    golden_texts.hold(f'audit_{sort}', '\n'.join(told))


STYLED = """arm,task,value,sd,n,trials,against
base,first,70.1,0.2,3,10,-
an_arm_of_a_rather_long_name,first,71.9,0.2,3,10,base
line,first,70.68,0.2,3,10,base
bare,first,70.2,,,12,base
flat,first,70.1,0.2,1,10,base
base,second,50.1,0.0,3,10,-
alike,second,50.1,0.0,3,10,base
"""


@pytest.mark.parametrize('width', [120, 72])
def test_a_terminal_shows_verdicts_in_colours_and_folds_long_names(width: int, tmp_path: Path):
    made = audit(read(written(tmp_path, STYLED)))
    assert {one.verdict for one in made} == {'separates', 'on the line', 'cannot be said', 'zero variance'}
    file = io.StringIO()
    console = Console(width=width, file=file, force_terminal=True, color_system='standard', legacy_windows=False)
    console.print(terminal(made, 0.05))
    lines = [line.replace('\x1b[0m\x1b[1m', '') for line in file.getvalue().splitlines()]
    golden_texts.hold(f'audit_screen_{width}', '\n'.join(map(repr, lines)))
