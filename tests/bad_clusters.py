"""Bad clusters: settings files, orders, logs, launch scripts, merges and benchmarks that no command can take."""

import json
import os
import random
import shutil
import sys
from pathlib import Path

from bad_runs import copied
from bad_things import NUMBERS, STRANGE, Bad, bad_file

from archlab.answers import BAD_INPUT, FELL_SHORT
from sweeps.manifest import FILE

WRONG = ('-1', '0', 'nan', 'x', '', '1e400', '1.5', 'None')
"""Texts of which none is a whole number above 0."""


def bad_settings(place: Path, chance: random.Random, light: bool) -> Bad:
    """An archlab.toml that is none, or options that no launcher takes."""
    file, runs = copied(place)
    run = ['run', str(file), '--runs', str(runs), '--set', 'replicates=4', '--launcher']
    # What is in a file is refused before a scheduler is asked, or no scheduler is there: nothing is ever submitted.
    run.append(kind := chance.choice(['slurm', 'ray']))
    lines = (
        *('partition = 5', 'gpus = "one"', 'gpus = 1.5', 'gpus = true', 'gpus = -1', 'cpus = 0', 'time = 90', 'time = "soon"'),
        *('memory = ["8G"]', 'setup = "module load cuda"', 'setup = [1]', 'sbatch = "--x"', 'gpu = 1', '"\x7f" = 1', 'a.b = 1'),
        *('cpus = 1\ncpus = 2', 'gpus = ' + '9' * 5000, 'x = ' + '[' * 5000, '= 1', '"""', '\\', 'address = 5', 'address = ""'),
    )
    way = chance.choice(['file', 'line', 'line', 'section', 'option'])
    if way == 'file':
        # Without a file Slurm would be asked, and with an empty one too.
        bad_file(
            place / 'archlab.toml',
            chance,
            chance.choice(['binary', 'zeros', 'pipe', 'endless', 'deep', 'text', 'latin', 'line']),
        )
    elif way == 'line':
        (place / 'archlab.toml').write_text(f'[{kind}]\n{chance.choice(lines)}\n')
    elif way == 'section':
        (place / 'archlab.toml').write_text(f'{kind} = {chance.choice(("5", "true", "[1]", "[[1]]"))}\n')
    else:
        numbers = ('--gpus', '--cpus', '--workers', '--time', '--memory')
        run += [chance.choice(numbers), chance.choice(('-1', 'x', 'nan', '1e400', '1.5', '\x1b[31m', '٣'))]
    return Bad(run)


def bad_script(place: Path, chance: random.Random, light: bool) -> Bad:
    """A launch script of a cluster or a study that there is not, or with numbers that are none."""
    file, runs = copied(place)
    study, kind, more = str(file), 'slurm', []
    way = chance.choice(['study', 'kind', 'option'])
    if way == 'study':
        study = chance.choice(STRANGE)
    elif way == 'kind':
        kind = chance.choice(STRANGE)
    else:
        more = [chance.choice(('--gpus', '--time')), chance.choice(('-1', 'x', 'nan', '1.5', '\x1b[31m', 'soon'))]
    return Bad(['launch-script', study, '--for', kind, '--runs', str(runs), *more])


def bad_logs(place: Path, chance: random.Random, light: bool) -> Bad:
    """Logs that are none, of packs that there are not, and such as steer a terminal."""
    file, runs = copied(place)
    folder = runs / 'finished' / 'logs'
    folder.mkdir()
    (folder / 'worker-0.log').write_bytes(b'\x1b[31mred\n' + chance.randbytes(1000) + b'\n\x1b]0;title\x07 last [/bold]\n')
    ask = ['logs', str(file), '--runs', str(runs)]
    way = chance.choice(['strange', 'file', 'file', 'all', 'none'])
    if way == 'strange':
        return Bad([*ask, chance.choice(STRANGE)])
    if way == 'none':
        shutil.rmtree(folder)
        bad_file(folder, chance, chance.choice(['absent', 'empty', 'pipe', 'nowhere', 'itself']))
        return Bad(ask)
    if way == 'file':
        kind = bad_file(folder / 'worker-1.log', chance)
        right = kind not in ('pipe', 'endless', 'device', 'folder', 'nowhere', 'itself', 'absent')
        return Bad([*ask, 'worker-1'], (0,) if right else (BAD_INPUT,))
    bad_file(folder / 'worker-1.log', chance)
    return Bad(ask, (0,), 'worker-0')


def bad_merge(place: Path, chance: random.Random, light: bool) -> Bad:
    """Runs to merge of which one file is not what it should be, or that are of other studies."""
    _, runs = copied(place)
    target = place / 'target'
    shutil.copytree(runs, target)
    merge = ['merge', str(runs), str(target)]
    side = chance.choice([runs, target]) / 'finished'
    way = chance.choice(['place', 'manifest', 'record', 'digest', 'definition', 'unlike', 'strange'])
    if way == 'place':
        merge = chance.choice([merge[:2], [*merge[:2], str(place / 'x'), merge[2]], ['merge', str(place), str(target)]])
        if len(merge) == 3 and chance.random() < 0.5:
            shutil.rmtree(target)
            bad_file(target, chance, chance.choice(['empty', 'pipe', 'itself', 'device']))
            merge = ['merge', str(runs), str(target)]
    elif way == 'manifest':
        kind = bad_file(side / FILE, chance)
        # Without a manifest it is that of the other side.
        return Bad(merge, (0, BAD_INPUT) if kind in ('absent', 'nowhere') else (BAD_INPUT,))
    elif way == 'record':
        bad_file(
            chance.choice(sorted((side / 'records').iterdir())),
            chance,
            chance.choice(['zeros', 'pipe', 'folder', 'deep', 'text', 'nowhere']),
        )
    elif way == 'digest':
        (side / FILE).write_text(
            json.dumps({**json.loads((side / FILE).read_text()), 'digest': chance.choice(['0', '\x1b[31m'])})
        )
    elif way == 'definition':
        bad_file(runs / 'finished' / 'study.json', chance)
        return Bad(merge, (0, BAD_INPUT))
    elif way == 'unlike':
        from results.store.records import from_line, to_line

        path = chance.choice(sorted((side / 'records').iterdir()))
        first, *others = path.read_text().splitlines()
        path.write_text('\n'.join([to_line({**from_line(first), 'score': 0.123}).rstrip('\n'), *others]) + '\n')
        return Bad(merge, (0, FELL_SHORT), 'other scores')
    else:
        merge += ['--study', chance.choice(STRANGE)]
    return Bad(merge)


def bad_bench(place: Path, chance: random.Random, light: bool) -> Bad:
    """A benchmark that there is not, or numbers and names that it cannot take."""
    (place / 'folder').mkdir()
    names = chance.choice(STRANGE)
    options = [
        ['bench', names],
        ['bench', 'ops', '--only', names],
        ['bench', 'ops', '--rounds', chance.choice(WRONG)],
        ['bench', 'ops', '--out', str(place / 'folder'), '--only', 'softmax'],
        ['bench', 'lanes', '--only', names],
        ['bench', 'lanes', '--width', chance.choice(WRONG)],
        ['bench', 'lanes', '--only', 'digits', '--size', f'{names}={chance.choice(NUMBERS)}'],
        ['bench', 'lanes', '--only', 'digits', '--size', names],
        ['bench', 'bodies', '--only', names],
        ['bench', 'bodies', '--processes', chance.choice(WRONG)],
        ['bench', 'bodies', '--out', str(place / 'a.svg'), '--only', 'digits'],
        ['bench', 'peers', '--trials', chance.choice((*WRONG, '1'))],
        ['bench', 'peers', '--only', names],
        ['bench', 'scale', '--trials', chance.choice(WRONG)],
        ['bench', 'scale', '--only', names],
        ['bench', 'scale', '--limit', chance.choice(('-1', '0', 'nan', 'x', ''))],
        ['bench', 'scale', '--trials', '600', '--only', 'plan', '--out', str(place / 'no' / '\0')],
    ]
    return Bad(chance.choice(options[:-1]))


def bad_order(place: Path, chance: random.Random, light: bool) -> Bad:
    """An order that a worker cannot carry out."""
    run, name = place / 'run', chance.choice(['order', 'a b', '[x]', "it's~"])
    (run / 'orders').mkdir(parents=True)
    path = run / 'orders' / f'{name}.json'
    orders = (
        *({}, {'preflight': []}, {'preflight': 5}, {'pack': 5}, {'pack': {}}, {'pack': {'program': {}, 'trials': []}}),
        *({'preflight': [{'arm': 'x'}], 'knobs': {}, 'metrics': {}, 'blocks': ''}, {'sources': 'other', 'preflight': []}),
        {'pack': {'program': None, 'trials': None}, 'strategy': 'loop', 'blocks': '', 'name': 'x', 'skip': [], 'flops': 1},
    )
    if chance.random() < 0.5:
        bad_file(path, chance)
    else:
        path.write_text(json.dumps(chance.choice(orders)))
    given = chance.choice([[str(run), name], [str(run), name], [str(run), name], [str(run), 'nowhere'], [str(run)], []])
    return Bad(given, (BAD_INPUT,), door=_worker)


def _worker(arguments: list[str]) -> int:
    from sweeps.worker import main

    return main(arguments)


def quiet_scheduler(place: Path) -> None:
    """Keep this process, and what it starts, from any scheduler that this machine may have."""
    place.mkdir(exist_ok=True)
    for name in ('sbatch', 'squeue', 'scontrol', 'scancel'):
        (place / name).write_text('#!/bin/sh\necho there is no cluster >&2\nexit 1\n')
        (place / name).chmod(0o755)
    os.environ['XDG_CONFIG_HOME'] = str(place)
    os.environ['PATH'] = f'{place}:{Path(sys.executable).parent}:/usr/bin:/bin'


def bad_presence(place: Path, chance: random.Random, light: bool) -> Bad:
    """What a run leaves about itself, as nobody leaves it: status tells all the same how far the study is."""
    file, runs = copied(place)
    for path in sorted((runs / 'finished' / 'records').iterdir())[-3:]:
        path.unlink()
    (runs / 'finished' / 'present').mkdir()
    since = chance.choice((0, -1, 'x', None, [], 1e300, 10**400, float('nan'), 1e12, '\x1b[31m'))
    about = chance.choice(
        ({}, {'launcher': 5}, {'arm': [], 'task': None, 'pack': {}, 'held': 1, 'lanes': 'x', 'device': '\x1b[31m'})
    )
    name = chance.choice(('run', 'worker', '\x1b[31m', path.stem, 5, None))
    where = chance.choice(
        [runs / 'finished' / 'present' / f'{name if name else "x"}@host-1.json', runs / 'finished' / 'journal.jsonl']
    )
    if chance.random() < 0.5:
        bad_file(where, chance)
    elif where.name == 'journal.jsonl':
        kinds = ('began', 'submitted', 'lost', 'cancelled', 'ended', 'retried', 'x', 5, None)
        lines = [
            {'event': chance.choice(kinds), 'at': since, 'packs': since, 'pack': name, 'seconds': since, 'why': name}
            for _ in range(9)
        ]
        where.write_text('\n'.join(map(json.dumps, lines)))
    else:
        where.write_text(json.dumps({'name': name, 'host': 'host', 'pid': 1, 'since': since, **about}))
    return Bad(['status', str(file), '--runs', str(runs), *chance.choice(([], ['--json'], ['--exit-code']))], (0, 4, 5))
