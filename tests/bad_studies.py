"""Bad studies: study and block files, settings and numbers that no command can take."""

import random
from pathlib import Path

from bad_runs import READERS, copied, finished, reading
from bad_things import NUMBERS, STRANGE, Bad, bad_file

from archlab.answers import BAD_INPUT, FELL_SHORT


def bad_study(place: Path, chance: random.Random, light: bool) -> Bad:
    """No study, or a file that is none."""
    commands = READERS[:3] if light else (*READERS, 'export', 'run', 'describe')
    runs, command, sound = copied(place)[1], chance.choice(commands), (finished() / 'finished.py').read_text()
    ranges = ('log(-1, 1)', 'log(1, 1)', 'log(1e-400, 1)', 'None', 'log("a", "b")')
    codes = {
        'exits': 'import sys\nsys.exit(0)',
        'raises': 'raise RuntimeError("[/bold] \x1b[31m")',
        'no study': 'x = 1',
        'no Study': 'study = 5',
        'no Python': 'study = = 5',
        'recursion': 'def f(): f()\nf()',
        'generator': 'study = (x for x in ())',
        'deep': 'x = ' + '(' * 500 + ')' * 500,
        'vast': 'x = [0] * 10**15',
        'trials': sound.replace('trials=6', 'trials=' + chance.choice(('-1', '10**12', 'None', '1.5'))),
        'name': sound.replace("'finished'", repr(chance.choice(STRANGE))),
        'replicates': sound.replace('replicates=3', 'replicates=10**9'),
        'range': sound.replace('log(1e-2, 1.0)', chance.choice(ranges)),
    }
    way = chance.choice(['strange', 'strange', 'file', 'file', *codes])
    if way == 'strange':
        study = chance.choice(STRANGE)
    else:
        path = place / chance.choice(['a.py', 'a b.py', '[x]*.py', "it's~.py"])
        if way == 'file':
            bad_file(path, chance)
        else:
            path.write_text(codes[way])
        study = str(path)
    if command == 'describe':
        return Bad([command, study])
    return Bad(reading(command, study, runs, place))


def bad_setting(place: Path, chance: random.Random, light: bool) -> Bad:
    """A setting that changes nothing that there is, or to what it cannot be."""
    file, runs = copied(place)
    names = (
        'trials',
        'replicates',
        'seeds',
        'tasks.digits.steps',
        'tasks.digits.batch',
        'seed',
        'looks',
        'arms',
        'tune',
        'tasks',
        'budget',
        'name',
    )
    values = (
        '-1',
        'nan',
        'inf',
        '1e300',
        '1' + '0' * 30,
        'x',
        'None',
        '[]',
        '{}',
        '1.5',
        '"1"',
        '__import__("os")',
        '',
        '[1',
        '\x1b[31m',
        '10**9',
    )
    setting = chance.choice(
        [
            f'{chance.choice(names)}={chance.choice(values)}',
            f'{chance.choice(STRANGE)}={chance.choice(values)}',
            chance.choice(STRANGE),
            f'tasks.{chance.choice(STRANGE)}.steps=5',
            f'tasks.digits.{chance.choice(STRANGE)}=5',
            f'tasks.digits.base.body.width={chance.choice(("0", "-1", "1" + "0" * 30, "nan", "x"))}',
            f'blocks={place / "blocks.py"}',
        ]
    )
    if setting.startswith('blocks='):
        bad_file(place / 'blocks.py', chance)
    commands = ('table', 'status', 'verify') if light else ('table', 'plan', 'run', 'verify')
    if setting.startswith('blocks='):
        # Whether it is one is not known before it runs; what reads records only needs its hash.
        commands = () if light else ('run',)
        setting = setting if commands else 'trials=-1'
        commands = commands or ('table',)
    return Bad([*reading(chance.choice(commands), str(file), runs, place), '--set', setting], (BAD_INPUT,))


def bad_number(place: Path, chance: random.Random, light: bool) -> Bad:
    """An option that takes something else."""
    file, runs = copied(place)
    query = ['query', 'select 1', '--runs', str(runs), '--study', str(file)]
    options = [
        [*query, '--limit', chance.choice([one for one in NUMBERS if one != '1_0'])],
        [*query, '--seconds', chance.choice(('nan', '-1', '0', 'inf', 'x', ''))],
        [*query, '--memory', chance.choice(('nan', '-1', '0', 'inf', 'x', ''))],
        [*query, '--format', chance.choice(STRANGE)],
        ['table', str(file), '--runs', str(runs), '--format', chance.choice(STRANGE)],
        ['figure', str(file), '--runs', str(runs), '--out', str(place / 'f'), '--kind', chance.choice(STRANGE)],
        ['calibrate', '--studies', chance.choice(('-1', '0', 'nan', 'x', '', '1e3'))],
        ['calibrate', '--world', chance.choice(STRANGE)],
        ['audit', str(finished() / 'table.csv'), '--alpha', chance.choice(('nan', '-1', '0', '2', 'x', 'inf'))],
        ['audit', str(finished() / 'table.csv'), '--against', chance.choice(STRANGE)],
        ['audit', str(finished() / 'table.csv'), '--format', chance.choice(STRANGE)],
        ['list', chance.choice(STRANGE)],
        ['data', 'show', chance.choice(STRANGE)],
        ['data', 'reference', chance.choice(STRANGE)],
        [chance.choice(STRANGE)],
        ['table', str(file), '--runs', str(runs), f'--{chance.choice(STRANGE)}'],
        ['table', str(file), '--runs', str(runs), chance.choice(STRANGE)],
        ['recipe', f'{file}/{chance.choice(STRANGE)}', '--runs', str(runs)],
        ['table', str(file), '--runs', str(place / chance.choice(STRANGE).replace('/', '_'))],
    ]
    heavy = [
        ['run', str(file), '--runs', str(runs), '--workers', chance.choice(('0', '-1', 'x', '1e9', ''))],
        ['run', str(file), '--runs', str(runs), '--checkpoint-minutes', chance.choice(('0', '-1', 'nan', 'x', ''))],
        ['run', str(file), '--runs', str(runs), '--checkpoint-steps', chance.choice(('0', '-1', 'nan', 'x', ''))],
        ['run', str(file), '--runs', str(runs), '--launcher', chance.choice(STRANGE)],
        ['run', str(file), '--runs', str(runs), '--trial', chance.choice(STRANGE)],
        ['run', str(file), '--runs', str(runs), '--data', chance.choice(STRANGE[:6]) + 'x'],
        ['describe', 'gpt2', '--batch', chance.choice(('0', '-1', 'x', '1' + '0' * 30))],
        ['describe', 'resnet50', '--image-size', chance.choice(('0', '-1', 'x', '1' + '0' * 30))],
        ['describe', 'gpt2', '--length', chance.choice(('0', '-1', 'x', '1' + '0' * 30))],
        ['describe', 'gpt2', chance.choice(STRANGE)],
        ['describe', 'gpt2', '--set', f'{chance.choice(STRANGE)}={chance.choice(NUMBERS)}'],
        ['describe', 'gpt2', '--set', f'body.width={chance.choice(NUMBERS)}'],
        ['match', f'quickstart/{chance.choice(STRANGE)}'],
        ['match', 'quickstart/no_mixer', '--tolerance', chance.choice(('nan', '-1', 'inf', 'x'))],
        ['match', 'quickstart/no_mixer', '--by', chance.choice(STRANGE)],
        ['match', 'quickstart/no_mixer', '--knob', chance.choice(STRANGE)],
        ['export', f'{file}/no_mixer', '--runs', str(runs), '--out', str(place / 'w'), '--format', chance.choice(STRANGE)],
        ['export', f'{file}/no_mixer', '--runs', str(runs), '--out', str(place / 'w'), '--task', chance.choice(STRANGE)],
        ['export', f'{file}/{chance.choice(STRANGE)}', '--runs', str(runs), '--out', str(place / 'w')],
    ]
    return Bad(chance.choice(options if light else options + heavy))


def bad_blocks(place: Path, chance: random.Random, light: bool) -> Bad:
    """A block file that is none."""
    path = place / chance.choice(['blocks.py', '[x]*.py', 'a b~.py', 'blocks.txt', "it's.py"])
    texts = (
        'import sys\nsys.exit(0)',
        'NORMS = 5',
        'NORMS = {}',
        'NORMS = {"x": 5}',
        'NORMS = {5: object}',
        'NORMS = {"x": object}',
        'x = 1',
        'NORMS = {"layer_norm": int}',
        'raise SystemExit("[/bold]")',
        'MIXERS = {"\x1b[31m": None}',
        'def f(): f()\nf()',
        'class A(metaclass=5): pass',
    )
    if chance.random() < 0.4:
        bad_file(path, chance)
    else:
        path.write_text(chance.choice(texts))
    return Bad(['check', str(path)], (FELL_SHORT, BAD_INPUT))
