"""Commands say what they said, on a finished study, on one of which a part is done, and on models."""

import os
import sys
from pathlib import Path

import golden_texts
import pytest
from finished_study import SOURCE, write

from archlab import answers

PUBLISHED = Path(__file__).parents[1] / 'results' / 'published'
MORE = SOURCE.replace("'finished'", "'begun'").replace(
    "tasks=('digits', 'recall')", "share=True, looks=(2, 3), tasks=('digits', 'stdlib_bytes')"
)


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished study, and one of which two thirds are done."""
    here = tmp_path_factory.mktemp('studies')
    write(here)
    write(here, MORE, share=0.6).rename(here / 'begun.py')
    (here / 'finished.py').write_text(SOURCE)
    logs = here / 'runs' / 'begun' / 'logs'
    logs.mkdir(exist_ok=True)
    (logs / 'worker-0.log').write_text('one line\nand another\n')
    return here


CALLS = {
    'status': ['status finished.py', 'status begun.py', 'status begun.py --json'],
    'recipe': ['recipe finished.py/no_mixer', 'recipe finished.py/base --json'],
    'table': ['table finished.py', 'table begun.py', 'table begun.py --wide', 'table finished.py --format latex'],
    'verify': ['verify finished.py', 'verify begun.py'],
    'plan': ['plan finished.py', 'plan begun.py', 'plan begun.py --set trials=8 --json', 'plan finished.py --runs none'],
    'claims': ['claims finished.py', 'claims finished.py --format sentences', 'claims finished.py --all --format csv'],
    'audit': [f'audit {PUBLISHED}/convnext_roadmap.csv', f'audit {PUBLISHED}/convnext_roadmap.csv --against first --format md'],
    'query': [
        'query@select task, arm, phase, count(*), avg(score) from trials group by all order by all',
        'query@select * from findings',
    ],
    'describe': ['describe digits', 'describe digits recall', 'describe recall --draw'],
    'match': ['match finished.py/no_mixer --task digits'],
    'launch': [f'launch-script finished.py --for {kind}' for kind in ('slurm', 'ray', 'tpu')],
    'logs': ['logs begun.py', 'logs begun.py worker-0', 'logs finished.py'],
    'devices': [
        'plan finished.py --device h100 --devices 8 --runs none',
        'plan finished.py --device tpu-v5e',
        'plan finished.py --devices 2',
        'plan finished.py --budget 1h --device h100',
        'plan begun.py --budget 1h',
        'plan finished.py --budget 90m --json',
    ],
    'figure': ['figure finished.py --out figures --kind effect --json', 'figure finished.py --out figures --kind none'],
    'publish': ['publish begun.py --out published', 'reproduce runs/finished', 'report finished.py --out .'],
    'merge': [
        'merge runs more',
        'merge runs more --json',
        'merge runs',
        'merge runs other/deep --study begun --compress',
        'merge none runs',
    ],
    'formats': [
        'query@select 1@--format@xml',
        'table finished.py --format xml',
        'query@--json',
        'export-runs finished.py --to paper',
    ],
}


@pytest.mark.parametrize('name', CALLS)
def test_a_command_says_what_it_said(name, folder, called, monkeypatch):
    monkeypatch.setenv('COLUMNS', '110')
    for terminal in (answers.OUT, answers.ERR):  # made before, they have the width of then
        monkeypatch.setattr(terminal, '_width', 110)
    monkeypatch.setenv('XDG_CACHE_HOME', str(folder / 'cache'))  # what other runs took here is none of the answer
    for module in ('machine', 'forecast', 'standing'):
        monkeypatch.setattr(f'sweeps.{module}.cores', lambda: 2)
    told = []
    for call in CALLS[name]:
        words = call.split('@') if '@' in call else call.split()
        done = called(*words, cwd=folder)
        told += [
            f'$ archlab {call}: {done.returncode}',
            *done.stdout.splitlines(),
            *(f'! {line}' for line in done.stderr.splitlines()),
        ]
    text = '\n'.join(line.rstrip() for line in told)
    for path, shown in (
        (PUBLISHED, 'PUBLISHED'),
        (folder, 'HERE'),
        (os.path.realpath(folder), 'HERE'),
        (Path(sys.executable).parent, 'BIN'),
    ):
        text = text.replace(str(path), shown)
    golden_texts.hold(f'answer_{name}', text)
