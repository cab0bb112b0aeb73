"""Bad tasks: files of tasks and sources of a user's own that no command can take, and sets that were prepared of other ones."""

import dataclasses
import functools
import json
import random
import shutil
from pathlib import Path

import made_sets
from bad_runs import apart, copied, finished, reading
from bad_things import NUMBERS, STRANGE, Bad, bad_file

from ablations.tasks import OwnTask
from archlab.answers import BAD_INPUT, FELL_SHORT

SOUND = 'from ablations.study import Study, put, task\nmine = task({})\n'
TABLE = "source='rows.csv', target='risk', form='table'"
FIELDS = [field.name for field in dataclasses.fields(OwnTask)]
VALUES = (
    *(
        'None',
        '5',
        '-1',
        '0',
        '1.5',
        "'x'",
        "''",
        '[]',
        '{}',
        '()',
        'True',
        '1e400',
        'float("nan")',
        '10**30',
        '-1e-400',
        'print',
    ),
    *("'column:risk'", "('age', 'age')", "['risk']", "{'kind': 5}", "{'loss': 'x'}", "[{'kind': 'x'}]", 'object()', 'b"x"'),
)
FILES = {
    **{'exits': 'import sys\nsys.exit(0)', 'ends': 'import os\nos._exit(0)', 'stops': 'raise KeyboardInterrupt'},
    **{
        'raises': 'raise RuntimeError("[/bold] \x1b[31m")',
        'no Python': 'mine = = 5',
        'no task': 'x = 1',
        'a list': 'mine = []',
    },
    'recursion': 'def f(): f()\nf()',
    'deep': 'x = ' + '(' * 500 + ')' * 500,
    'itself': SOUND.format(TABLE) + "study = Study(name='a', question='', arms={'a': ()}, tasks=('mine.py:mine',))\n"
    "other = task(source='mine.py:mine')\n",
    'the name of the lab': SOUND.format(TABLE).replace('mine =', 'digits ='),
    'a set of the lab': SOUND.format(f"{TABLE}, dataset='mnist'"),
    'a strange name': SOUND.format(f'{TABLE}, name={STRANGE[16]!r}'),
    'two of a name': SOUND.format(TABLE) + f"other = task({TABLE}, name='mine', share=.3)\n",
    'a lambda': SOUND.format('source=lambda: {}'),
    'no source': SOUND.format(''),
    'two readers': SOUND.format("source='rows.csv', read='parquet'"),
    'inside': f'from ablations.study import task\ndef f():\n    return task({TABLE})\nf()\n',
}
"""Whole files of tasks of which nothing can be prepared; 'two of a name' declares one of them."""
FUNCTIONS = (
    *(
        'return {}',
        'return None',
        "return {'x': 5}",
        "return {'x': np.array([{}]), 'y': [1]}",
        'raise SystemExit(0)',
        'yield 1',
    ),
    *("return {'x': np.full((9, 4), np.nan), 'y': np.arange(9)}", "return {'x': np.ones((9, 4)), 'y': np.arange(8)}"),
    *("return {'x': np.ones((0, 4)), 'y': np.ones(0)}", "return {'x': np.ones((9, 4)), 'y': np.ones(9, complex)}"),
    *(
        "return {'x': np.ones((9, 4)), 'y': ['\\x1b[31m'] * 9}",
        "return {'x': np.ones((9, 4)), 'z': np.ones(9)}",
        'return 1 / 0',
    ),
    *(
        "return {'x': np.ones((9, 4), bytes), 'y': np.arange(9)}",
        "raise ValueError('\\x1b[31m [/bold]')",
        'import os; os._exit(0)',
    ),
    *("return {'x': [np.ones(3), np.ones(4)], 'y': [0, 1]}", 'raise KeyboardInterrupt', "raise MemoryError('x')", 'f()'),
    *("return {'x': np.broadcast_to(np.float32(1), (10**12, 4)), 'y': np.zeros(10**12, bool)}", 'np.ones(10**15)'),
)
ROWS = (
    *(
        '',
        'age,risk\n',
        'age,risk\n1,a\n',
        'age,age,risk\n1,2,a\n3,4,b\n',
        'age;risk\n1;a\n2;b\n',
        'age,risk\n1,a\n2\n',
        '\0' * 99,
    ),
    *('age,risk\n' + '1,a\n' * 40, 'age,risk\n' + '1e400,a\n2,b\n' * 40, '"age,risk\n1,a\n', 'age,risk\n,\n,\n', 'age\n1\n2\n'),
    *(f'age,risk\n{"a" * 140_000},a\n1,b\n', f'{",".join(f"c{i}" for i in range(9000))},risk\n' + '1,' * 9000 + 'a\n'),
    *('age,risk\n' + ''.join(f'{i}.5,{i}\n' for i in range(90)), 'age,risk\n' + ''.join(f'{i},x{i}\n' for i in range(90))),
    *(
        'age,risk\n' + ''.join(f'inf,{i % 2}\n' for i in range(40)),
        '\ufeff\x1b[31m,risk\n' + ''.join(f't,{i % 2}\n' for i in range(9)),
    ),
)
"""Tables of which the target cannot be learned from the inputs, or cannot be read."""
SOURCES = {
    **{'rows.csv': 'target="risk"', 'rows.jsonl': 'target="risk"', 'rows.parquet': 'target="risk"', 'x.npz': '', 'a.ts': ''},
    **{'a.tar': '', 'a.smi': '', 'photos': 'read="image_folder"', 'sounds': 'read="wav_folder"', 'a.bin': 'read="tokens"'},
}
"""Names of sources, and what a task says beside."""


def bad_task_file(place: Path, chance: random.Random, light: bool) -> Bad:
    """A file of tasks that declares none, or one that cannot be; or a task that is not in it."""
    made_sets.rows(place / 'rows.csv')
    path = place / chance.choice(['mine.py', 'a b.py', '[x]*.py', "it's~.py"])
    path.write_text(SOUND.format(TABLE))
    prepare = ['data', 'prepare', str(path), '--data', str(place / 'data')]
    way = chance.choice(['field', 'field', 'field', 'whole', 'whole', 'kind', 'name', 'option'])
    if way == 'kind':
        bad_file(path, chance)
    elif way == 'whole':
        kind = chance.choice(list(FILES))
        path.write_text(FILES[kind])
        return Bad(prepare, (0, BAD_INPUT) if kind == 'two of a name' else (BAD_INPUT,))
    elif way == 'name':
        prepare[2] += f':{chance.choice(STRANGE)}'
    elif way == 'option':
        more = chance.choice(['--size', '--share', '--source', '--name', '--as', '--inputs', '--split', '--mark'])
        prepare += [more, chance.choice((*STRANGE, *NUMBERS)) or 'x']
    else:
        field, value = chance.choice(FIELDS), chance.choice(VALUES)
        stated = TABLE if f'{field}=' not in TABLE else "source='rows.csv', target='risk'"
        stated = stated.replace("source='rows.csv', ", '' if field == 'source' else "source='rows.csv', ")
        path.write_text(SOUND.format(f'{stated}, {field}={value}'.replace("target='risk', target", 'target')))
        # A field may have this value, or be one that only a study heeds.
        return Bad(prepare, (0, BAD_INPUT))
    return Bad(prepare)


def bad_source(place: Path, chance: random.Random, light: bool) -> Bad:
    """A source of a user's own from which nothing can be prepared."""
    path, prepare = place / 'mine.py', ['data', 'prepare', str(place / 'mine.py'), '--data', str(place / 'data')]
    way = chance.choice(['function', 'rows', 'file', 'file', 'inside', 'command'])
    if way == 'function':
        body = chance.choice(FUNCTIONS)
        path.write_text(f'import numpy as np\nfrom ablations.study import task\ndef f():\n    {body}\nmine = task(source=f)\n')
        return Bad(prepare)
    if way == 'rows':
        (place / 'rows.csv').write_text(chance.choice(ROWS))
        path.write_text(SOUND.format(TABLE))
        return Bad(prepare)
    name = chance.choice(list(SOURCES))
    if way == 'inside':
        for folder in (place / name, place / name / 'train' / 'a', place / name / 'a'):
            folder.mkdir(parents=True, exist_ok=True)
            bad_file(
                folder / chance.choice(['a.png', 'a.wav', 'a.csv', 'a.jsonl', 'x.npy', 'a_TRAIN.ts', 'a.bin', 'a.tar']), chance
            )
    else:
        bad_file(place / name, chance)
    if way == 'command':
        reader = chance.choice(
            ('csv', 'parquet', 'json-lines', 'ts', 'arrays', 'wav-folder', 'image-folder', 'ucr', chance.choice(STRANGE))
        )
        return Bad(['data', 'prepare', '--source', str(place / name), '--as', reader, '--name', 'mine', *prepare[3:]])
    path.write_text(SOUND.format(f'source={name!r}, {SOURCES[name]}'))
    # Random numbers may be the numbers of tokens.
    return Bad(prepare, (0, BAD_INPUT) if name == 'a.bin' else (BAD_INPUT,))


@functools.cache
def declared() -> Path:
    """A file of a task with its study, and the prepared set in a data folder; copied, never changed."""
    place = finished() / 'declared'
    place.mkdir()
    made_sets.rows(place / 'rows.csv')
    (place / 'mine.py').write_text(SOUND.format(f'{TABLE}, steps=20, batch=8'))
    (place / 'study.py').write_text(
        "from ablations.study import Study, put\nstudy = Study(name='own', question='?', arms={'base': (), 'deep': "
        "put('body.depth', 1)}, tasks=('mine.py:mine',), trials=2, replicates=1, seeds=1, looks=(1,))\n"
    )

    def prepare() -> None:
        from ablations.task_files import declared_in
        from sweeps.datasets.own import prepare_declared

        prepare_declared(declared_in(place / 'mine.py')['mine'], place / 'data')

    apart(prepare)
    return place


def harmed_task(place: Path, chance: random.Random, light: bool) -> Bad:
    """A study of a task whose prepared set is damaged, or was made of another declaration."""
    shutil.copytree(declared(), place, dirs_exist_ok=True)
    folder, data = place / 'data' / 'prepared' / 'mine', ['--data', str(place / 'data')]
    command = ['plan', str(place / 'study.py'), '--runs', str(place / 'runs'), *data]
    if not light:
        command = chance.choice([command, ['run', *command[1:]], ['check', str(place / 'mine.py'), *data]])
    way = chance.choice(['about', 'types', 'other', 'gone', 'address', 'arrays', 'source'])
    if way == 'about':
        bad_file(folder / 'about.json', chance)
    elif way == 'types':
        about = json.loads((folder / 'about.json').read_text())
        about[chance.choice(['declared', 'kind', 'shape', 'sizes', 'classes'])] = chance.choice([5, [], '\x1b[31m', [[]], -1])
        (folder / 'about.json').write_text(json.dumps(about))
        # Of what is not declared a check tells itself what is broken.
        return Bad(command, (FELL_SHORT, BAD_INPUT))
    elif way == 'other':
        (place / 'mine.py').write_text(SOUND.format(f'{TABLE}, steps=20, batch=8, share=.{chance.randint(2, 5)}'))
    elif way == 'gone':
        shutil.rmtree(folder)
    elif way == 'address':
        (place / 'study.py').write_text(
            (place / 'study.py')
            .read_text()
            .replace('mine.py:mine', chance.choice(['mine.py', 'mine.py:', *STRANGE[:9], 'none.py:a']))
        )
        if command[0] == 'check':
            command[1] = str(place / 'none.py')
    elif way == 'arrays' and command[0] != 'plan':
        bad_file(chance.choice(sorted(folder.glob('*/*.npy'))), chance)
        return Bad(command, (FELL_SHORT, BAD_INPUT))
    else:
        bad_file(place / 'mine.py', chance)
    return Bad(command, (FELL_SHORT, BAD_INPUT) if command[0] == 'check' else (BAD_INPUT,), 'broken|error')


def bad_pages(place: Path, chance: random.Random, light: bool) -> Bad:
    """Studies of which one page cannot be made, and pages that cannot be opened."""
    file, runs = copied(place)
    page = ['--runs', str(runs), '--out', str(place / 'page.html')]
    way = chance.choice(['open', 'port', 'one', 'absent', 'live', 'set', 'manifest', 'records', 'out'])
    if way == 'open':
        return Bad(['open', chance.choice(STRANGE), '--runs', str(runs), '--no-browser'])
    if way == 'port':
        port = chance.choice(('-1', '65536', '1' + '0' * 30, 'x', 'nan', '80.5', '', '٣x'))
        return Bad(['open', str(file), '--runs', str(runs), '--no-browser', '--port', port])
    studies = [str(file), chance.choice(STRANGE)] if way == 'one' else [str(file), str(file)]
    chance.shuffle(studies)
    if way == 'absent':
        shutil.rmtree(runs)
        return Bad(chance.choice([['report', *studies, *page], ['open', str(file), '--no-browser', '--runs', str(runs)]]))
    if way in ('live', 'set'):
        return Bad(['report', *studies, *page, *(['--live'] if way == 'live' else ['--set', 'trials=5'])])
    if way == 'out':
        bad_file(place / 'page.html', chance, chance.choice(['folder', 'pipe']))
    if way == 'manifest':
        bad_file(runs / 'finished' / 'manifest.json', chance)
        return Bad(
            chance.choice(
                [['report', *studies, *page], ['open', *reading('table', str(file), runs, place)[1:], '--no-browser']]
            )
        )
    if way == 'records':
        for path in (runs / 'finished' / 'records').iterdir():
            bad_file(path, chance, chance.choice(['text', 'zeros', 'pipe', 'folder', 'deep', 'binary']))
        return Bad(['report', *studies, *page], (0, FELL_SHORT, BAD_INPUT), 'skipped|record|file')
    # The same study twice is a page with it twice, where nothing else is wrong.
    return Bad(['report', *studies, *page], (BAD_INPUT,) if way != 'out' else (0, BAD_INPUT))
