"""Bad inputs: commands are given what is wrong, drawn at random, and must say so: no traceback, no hang, no silence.

python tests/bad_inputs.py SEED COUNT [light]    prints each input that was answered wrongly; exit status 1 where one was

`light` leaves out the commands that import jax. Each input runs in a process of its own, in a folder of its own.
"""

import contextlib
import dataclasses
import functools
import gzip
import io
import json
import os
import random
import resource
import shutil
import signal
import struct
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import finished_study

import archlab
from archlab.answers import BAD_INPUT, FELL_SHORT

SECONDS, WAITING = 30, 150.0
"""Seconds of a processor, and seconds on a busy machine, after which a command hangs."""
MEMORY = 6 << 30
"""Bytes of address space beyond which an input counts as too much for the machine."""
DEEP = '[' * 200_000 + ']' * 200_000
STRANGE = (
    *('~', '~root', '*', '[a-z]*', '{a,b}', '%s%n', 'a b', "it's", '"quoted"', '$HOME', '-', '--', '...', ' ', 'a\tb', 'a\nb'),
    *('\x1b[31mred', '\x1b]0;title\x07', '[bold]x[/bold]', '[/bold]', 'Ünïcödé', '\u202egnp.exe', '\N{ZERO WIDTH SPACE}', '🙂'),
    *(
        '../../etc',
        '/',
        '/dev/null',
        '/dev/full',
        '/proc/self/mem',
        'x' * 300,
        'con',
        'a/b/c',
        "'; DROP TABLE",
        '\\',
        'quickstar',
    ),
)
NUMBERS = (
    '1e400',
    '-1',
    '0',
    'nan',
    'inf',
    '-inf',
    '10**9',
    '1e300',
    '1' + '0' * 30,
    '0x10',
    '1_0',
    '',
    'x',
    'None',
    '٣',
    '1e-400',
)


@dataclasses.dataclass(frozen=True)
class Bad:
    """A bad input: the arguments, and with which exit statuses it may be answered.

    `said` is what must be said, on whichever stream, where the exit status is not enough.
    """

    arguments: list[str]
    codes: tuple[int, ...] = (BAD_INPUT,)
    said: str = ''


def bad_file(path: Path, chance: random.Random, name: str = '') -> str:
    """Make something at a path that is no file of the wanted kind; gives what it is."""
    ways = {
        'absent': lambda: None,
        'empty': lambda: path.write_bytes(b''),
        'binary': lambda: path.write_bytes(chance.randbytes(chance.randint(1, 5000))),
        'zeros': lambda: path.write_bytes(b'\0' * 4096),
        'folder': path.mkdir,
        'pipe': lambda: os.mkfifo(path),
        'endless': lambda: path.symlink_to('/dev/zero'),
        'device': lambda: path.symlink_to('/dev/tty'),
        'nowhere': lambda: path.symlink_to('nowhere'),
        'itself': lambda: path.symlink_to(path.name),
        'deep': lambda: path.write_text(DEEP),
        'deep objects': lambda: path.write_text('{"a":' * 100_000 + '1' + '}' * 100_000),
        'list': lambda: path.write_text('[1, "two", null]'),
        'number': lambda: path.write_text('17'),
        'null': lambda: path.write_text('null'),
        'text': lambda: path.write_text('just words\n'),
        'nan': lambda: path.write_text('{"score": NaN, "id": 1e999}'),
        'long number': lambda: path.write_text('{"format": ' + '9' * 10_000 + '}'),
        'surrogate': lambda: path.write_text('{"study": "\\ud800", "id": "\\u0000"}'),
        'latin': lambda: path.write_bytes('{"größe": "ü"}'.encode('latin1')),
        'utf16': lambda: path.write_bytes('{"a": 1}'.encode('utf-16')),
        'packed': lambda: path.write_bytes(gzip.compress(b'\0' * (40 << 20))),
        'line': lambda: path.write_text('x' * (3 << 20)),
    }
    way = name or chance.choice(list(ways))
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    ways[way]()
    return way


@functools.cache
def finished() -> Path:
    """A folder with a study file and its finished runs; copied, never changed."""
    place = Path(tempfile.mkdtemp(prefix='archlab-bad-'))
    apart(lambda: finished_study.write(place))
    return place


def apart(work: Callable[[], object]) -> None:
    """Do some work in a process of its own: threads that it starts here would be missing in later forks."""
    child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(99)
    if code := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise RuntimeError(f'it ended with {code}')


def copied(place: Path) -> tuple[Path, Path]:
    """The study file and the runs, in a folder of this input's own."""
    shutil.copy(finished() / 'finished.py', place)
    shutil.copytree(finished() / 'runs', place / 'runs')
    return place / 'finished.py', place / 'runs'


READERS = ('table', 'status', 'verify', 'report', 'recipe', 'figure', 'publish', 'plan', 'query')


def reading(command: str, study: str, runs: Path, place: Path) -> list[str]:
    """The arguments of a command that reads the runs of a study."""
    if command == 'query':
        return [command, 'select count(*), min(score) from trials', '--runs', str(runs), '--study', study]
    more = {'report': ['--out', str(place / 'page.html')], 'figure': ['--out', str(place / 'figures'), '--kind', 'effect']}
    more |= {'publish': ['--out', str(place / 'published'), '--force'], 'export': ['--out', str(place / 'weights')]}
    name = f'{study}/no_mixer' if command in ('recipe', 'export') else study
    return [command, name, '--runs', str(runs), *more.get(command, [])]


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


def harmed_runs(place: Path, chance: random.Random, light: bool) -> Bad:
    """A runs folder in which one file is not what it should be: it is named, or the command refuses."""
    file, runs = copied(place)
    command = chance.choice(READERS[:3] if light else READERS)
    arguments = reading(command, str(file), runs, place)
    records = sorted((runs / 'finished' / 'records').iterdir())
    if chance.random() < 0.4:
        if chance.random() < 0.6:
            way = bad_file(runs / 'finished' / 'manifest.json', chance)
        else:
            manifest, way = json.loads((runs / 'finished' / 'manifest.json').read_text()), 'types'
            key = chance.choice(sorted(manifest))
            manifest[key] = chance.choice([None, 5, 'x', [], {}, [[]], {'a': {}}, True, 1e300, -1, '\x1b[31m'])
            if type(manifest[key]) is type(json.loads((runs / 'finished' / 'manifest.json').read_text())[key]):
                manifest = None
            (runs / 'finished' / 'manifest.json').write_text(json.dumps(manifest))
        # Without a manifest a plan is from the start; a query reads the records only.
        right = command == 'query' or (way in ('absent', 'nowhere') and command == 'plan')
        return Bad(arguments, (0, BAD_INPUT) if right else (BAD_INPUT,))
    chosen = chance.choice(records)
    way = chance.choice(['file', 'types', 'check', 'twice', 'cut', 'extra'])
    if way == 'file':
        bad_file(chosen, chance, '' if chance.random() < 0.9 else 'deep')
    elif way == 'extra':
        chosen = chosen.with_name(chance.choice(['\x1b[31m.jsonl', '[a]*.jsonl', "it's ~ %s.jsonl", 'Ü🙂.jsonl', 'a\nb.jsonl']))
        if bad_file(chosen, chance) == 'absent':
            bad_file(chosen, chance, 'text')
    else:
        lines = chosen.read_text().splitlines()
        number = chance.randrange(len(lines))
        record = json.loads(lines[number])
        if way == 'types':
            from results.store.records import to_line

            key = chance.choice(sorted(set(record) - {'check', 'format'}))
            record[key] = chance.choice([None, 5, 'x', [], {}, [[]], {'a': {}}, True, 1e300, -1, '\x1b[31m'])
            lines[number] = to_line({name: value for name, value in record.items() if name != 'check'}).rstrip('\n')
            # A text in place of another may be right by its type.
            return _written(chosen, lines, Bad(arguments, (0, FELL_SHORT, BAD_INPUT)))
        if way == 'check':
            lines[number] = lines[number].replace('"score": ', '"score": 1', 1)
        elif way == 'twice':
            lines.append(lines[number])
        else:
            lines[number] = lines[number][: len(lines[number]) // 2]
        chosen.write_text('\n'.join(lines) + '\n')
    said = '' if not chosen.exists() and not chosen.is_symlink() else 'skipped|record|file'
    return Bad(arguments, (0, FELL_SHORT, BAD_INPUT), said)


def _written(path: Path, lines: list[str], bad: Bad) -> Bad:
    path.write_text('\n'.join(lines) + '\n')
    return bad


def bad_sql(place: Path, chance: random.Random, light: bool) -> Bad:
    """A query that is none, does more than read, or takes too much."""
    file, runs = copied(place)
    sql = chance.choice(
        [
            *(
                '',
                ' ',
                ';',
                '--',
                'select',
                'select * from nowhere',
                'select nothing from trials',
                'select 1; select 2',
                'x' * 10_000,
            ),
            *(
                'drop table trials',
                'insert into trials values (1)',
                "copy trials to '/tmp/x.csv'",
                'pragma version',
                'checkpoint',
            ),
            *("select * from read_csv('/etc/passwd')", "select * from '/etc/passwd'", "attach '/tmp/x.db'", 'install httpfs'),
            *("select * from read_text('/etc/passwd')", "select getenv('HOME')", 'set threads = 8', 'load json', 'vacuum'),
            *('with recursive r as (select 1 as x union all select x + 1 from r) select max(x) from r',),
            *(
                "select length(repeat('x', 100000000000))",
                'select list_sort(range(100000000000))',
                'select sum(a.range * b.range * c.range) from range(1000000) a, range(1000000) b, range(1000000) c',
            ),
            *(
                'select ' + '(' * 5000 + '1' + ')' * 5000,
                'select \x00',
                "select '\ud800'".encode('utf-8', 'surrogatepass').decode('utf-8', 'replace') + ' from',
                'selec 1',
            ),
            *(
                "select error('x')",
                "select cast('x' as int)",
                'select 1 / [1]',
                'explain analyze delete from trials',
                'call pragma_version(1)',
            ),
            *(
                'select unnest(range(10000000000000))',
                "select format('{}', repeat('y', 1000000000)) from range(100)",
                'create table x as select 1',
            ),
        ]
    )
    return Bad(['query', sql, '--runs', str(runs), '--study', str(file), '--seconds', '2', '--memory', '1'])


def bad_table(place: Path, chance: random.Random, light: bool) -> Bad:
    """A published table that cannot be read as one."""
    path, header = place / 'table.csv', 'arm,value,sd,n\n'
    rows = (
        *('', 'a,1,1,3\n', 'a,x,1,3\nb,1,1,3\n', 'a,1,-1,3\nb,1,1,3\n', 'a,1,1,0\nb,2,1,3\n', 'a,nan,1,3\nb,2,1,3\n'),
        *('a,1e400,1,3\nb,2,1,3\n', 'a,1,1,3\nb,2,1\n', 'a,1,1,3,9\nb,2,1,3\n', 'a,1,1,1e30\nb,2,1,3\n', '"a,1,1,3\nb,2,1,3\n'),
        *('a,1,1,2.5\nb,2,1,3\n', ',1,1,3\nb,2,1,3\n', 'a,1,inf,3\nb,2,1,3\n', 'a,1;2,1,3\nb,2,1,3\n'),
        *(f'{"a" * 140_000},1,1,3\nb,2,1,3\n', ''.join(f'a{i},{i}.0,1,3\n' for i in range(20_000))),
    )
    others = 'arm,value\na,1\n', 'value,sd,n\n1,1,3\n2,1,3\n', '\0' * 50, 'arm,arm,value,sd,n\na,a,1,1,3\nb,b,2,1,3\n'
    bodies = [*(header + row for row in rows), *others]
    if chance.random() < 0.4:
        bad_file(path, chance)
        return Bad(['audit', str(path)])
    path.write_text(chance.choice(bodies))
    return Bad(['audit', str(path)])


FORMS = {
    **{'mnist': 'train-images-idx3-ubyte', 'cifar10': 'data_batch_1.bin', 'cifar100': 'train.bin', 'text': 'a.json'},
    **{'image_folder': 'train/a/1.png', 'parquet_images': 'train.parquet', 'webdataset': 'train.tar', 'smiles': 'a.smi'},
    **{'series': 'X_TRAIN.tsv', 'spoken_digits': '0_jackson_0.wav', 'zinc': 'train.txt', 'tiny_shakespeare': 'input.txt'},
    **{'imagenet': 'train/n01440764/1.JPEG', 'fineweb': 'fineweb_train_1.bin'},
}
"""Sets of data, and the name of a file that each is looked for by."""


def _archive(path: Path, chance: random.Random) -> None:
    name, kind = (
        chance.choice(['../x', '/etc/x', 'a/../../x', 'a.png']),
        chance.choice([tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.REGTYPE]),
    )
    if chance.random() < 0.5:
        with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, b'\0' * chance.choice([5, 100 << 20]))
        return
    with tarfile.open(path, 'w:gz') as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.size = kind, '/etc/passwd', 5 if kind == tarfile.REGTYPE else 0
        archive.addfile(member, io.BytesIO(b'hello'))


def bad_data(place: Path, chance: random.Random, light: bool) -> Bad:
    """A source that is no set of data, or wrong options."""
    form, source = chance.choice(list(FORMS)), place / 'source'
    data = ['--data', str(place)]
    prepare = ['data', 'prepare', form, '--source', str(source), '--name', 'mine', *data]
    way = chance.choice(['file', 'inside', 'inside', 'option', 'name', 'archive', 'header'])
    if way == 'file':
        bad_file(source, chance)
    elif way == 'inside':
        path = source / FORMS[form]
        path.parent.mkdir(parents=True)
        bad_file(path, chance)
    elif way == 'archive':
        source = place / chance.choice(['source.zip', 'source.tar.gz', 'source.tgz', 'source.tar'])
        _archive(source, chance)
        prepare[prepare.index(str(place / 'source'))] = str(source)
    elif way == 'header':
        source.mkdir()
        vast = b'\0\0\x08\x03' + struct.pack('>3I', 2**32 - 1, 2**32 - 1, 2**32 - 1)
        wav = (
            b'RIFF'
            + struct.pack('<I', 2**32 - 1)
            + b'WAVEfmt '
            + struct.pack('<IHHIIHH', 16, 1, 1, 8000, 16000, 2, 16)
            + b'data'
            + struct.pack('<I', 2**32 - 1)
        )
        png = (
            b'\x89PNG\r\n\x1a\n'
            + struct.pack('>I', 13)
            + b'IHDR'
            + struct.pack('>IIBBBBB', 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)
            + b'\0' * 8
        )
        content = {'mnist': vast, 'spoken_digits': wav, 'image_folder': png, 'imagenet': png, 'series': b'1e300\t1\t2\n'}.get(
            form, vast
        )
        for name in (
            FORMS[form],
            FORMS[form].replace('train', 't10k'),
            'train/b/1.png',
            'X_TEST.tsv',
            'train-labels-idx1-ubyte',
            't10k-labels-idx1-ubyte',
        ):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(content)
    else:
        source.mkdir()
        (source / 'a.txt').write_text('some text\n' * 5)
        prepare = ['data', 'prepare', 'text', '--source', str(source), '--name', 'mine', *data]
        if way == 'name':
            prepare[6 if chance.random() < 0.5 else 2] = chance.choice(STRANGE)
        else:
            prepare = ['data', 'prepare', 'image_folder', '--source', str(_pictures(source)), '--name', 'mine', *data]
            prepare += ['--size', chance.choice(('0', '-1', 'nan', 'x', '1' + '0' * 9, '1' + '0' * 30, ''))]
    return Bad(prepare)


def _pictures(source: Path) -> Path:
    from PIL import Image

    for name in ('train/a', 'train/b'):
        (source / name).mkdir(parents=True)
        for number in range(3):
            Image.new('RGB', (4, 4), (number, 9, 9)).save(source / name / f'{number}.png')
    return source


@functools.cache
def prepared_set() -> Path:
    """A data folder with one prepared set; copied, never changed."""
    import numpy as np

    from sweeps.datasets import prepared

    place = finished() / 'data'
    part = prepared.Part(np.arange(32, dtype=np.uint8).reshape(8, 2, 2, 1), np.arange(8, dtype=np.int32) % 2, np.arange(8))
    apart(lambda: prepared.write(place / 'prepared' / 'little', {'kind': 'images'}, part, part))
    return place


def harmed_data(place: Path, chance: random.Random, light: bool) -> Bad:
    """A prepared set of which one file is not what it should be."""
    shutil.copytree(prepared_set(), place / 'data')
    folder = place / 'data' / 'prepared' / 'little'
    if chance.random() < 0.5:
        about = json.loads((folder / 'about.json').read_text())
        if chance.random() < 0.5:
            way = bad_file(folder / 'about.json', chance)
        else:
            way, key = 'types', chance.choice(['name', 'kind', 'sizes', 'balance', 'checksums', 'digest', 'format'])
            about[key] = chance.choice([None, 5.5, [], [[]], True, -1])
            (folder / 'about.json').write_text(json.dumps(about))
        if chance.random() < 0.4:
            return Bad(['data', 'list', '--data', str(place / 'data')], (0,), '' if way in ('absent', 'nowhere') else 'little')
    else:
        path = chance.choice(sorted(folder.glob('*/*.npy')))
        if chance.random() < 0.5:
            bad_file(path, chance)
        else:
            content = bytearray(path.read_bytes())
            content[chance.randrange(len(content))] ^= 255
            path.write_bytes(content)
        return Bad(
            ['data', 'show', 'little', '--check', '--data', str(place / 'data')], (FELL_SHORT, BAD_INPUT), 'pool|test|little'
        )
    return Bad(['data', 'show', 'little', '--data', str(place / 'data')])


@functools.cache
def bundle() -> Path:
    """A published bundle; copied, never changed."""
    runs = finished() / 'runs'
    publish = ['publish', str(finished() / 'finished.py'), '--runs', str(runs), '--out', str(finished() / 'out'), '--force']
    with open(os.devnull, 'w') as nowhere, contextlib.redirect_stdout(nowhere):
        apart(lambda: archlab.main(publish))
    return finished() / 'out' / 'finished'


def harmed_bundle(place: Path, chance: random.Random, light: bool) -> Bad:
    """A bundle of which one file is not what it should be."""
    shutil.copytree(bundle(), place / 'bundle')
    files = sorted(path for path in (place / 'bundle').rglob('*') if path.is_file())
    path = chance.choice([place / 'bundle' / 'bundle.json', chance.choice(files)])
    if path.name == 'bundle.json' and chance.random() < 0.6:
        about = json.loads(path.read_text())
        key = chance.choice(sorted(about))
        about[key] = chance.choice(
            [None, 5, [], {}, [[]], {'a': {}}, True, -1, ['blocks=/etc/passwd'], '\x1b[31m', ['trials=-1']]
        )
        if about[key] == json.loads(path.read_text())[key]:
            del about[key]
        path.write_text(json.dumps(about))
        # Some entries only say where a bundle was made.
        return Bad(['reproduce', str(place / 'bundle'), '--study', str(finished() / 'finished.py')], (0, FELL_SHORT, BAD_INPUT))
    bad_file(path, chance)
    return Bad(['reproduce', str(place / 'bundle'), '--study', str(finished() / 'finished.py')], (FELL_SHORT, BAD_INPUT))


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


def bad_weights(place: Path, chance: random.Random, light: bool) -> Bad:
    """Weights of a published model that are none."""
    path = place / chance.choice(['w.safetensors', 'w.safetensors.index.json', 'w.bin', '[w]*.safetensors'])
    tensor = '{"a": {"dtype": "F32", "shape": %s, "data_offsets": [0, 4]}}'
    headers = '{}', '[]', '{"a": 5}', DEEP, tensor % '[4000000000, 4000000000]', tensor % '[-1]'
    indices = '{"weight_map": {"a": "../../etc/passwd"}}', '{"weight_map": 5}', '{"weight_map": {"a": 5}}'
    contents = [struct.pack('<Q', len(header)) + header.encode() + b'\0' * 4 for header in headers]
    contents += [struct.pack('<Q', 2**60) + b'{}', *(index.encode() for index in indices)]
    if chance.random() < 0.4:
        bad_file(path, chance)
    else:
        path.write_bytes(chance.choice(contents))
    model = chance.choice(['gpt2', 'gpt2', 'resnet50', chance.choice(STRANGE)])
    return Bad(['import-weights', model, str(path), '--out', str(place / 'out.safetensors')])


def bad_place(place: Path, chance: random.Random, light: bool) -> Bad:
    """A place that cannot be written."""
    file, runs = copied(place)
    command = chance.choice(['report', 'figure', 'publish', *([] if light else ['export'])])
    out = place / 'out'
    # A page may replace a link that leads nowhere, and an empty name of a folder is the present one.
    more = ['empty'] if command == 'report' else ['itself']
    way = chance.choice(['file', 'below', 'pipe', 'full', 'proc', 'long', 'device', *more])
    if way in ('file', 'below'):
        if command == 'report' and way == 'file':
            out.mkdir()
        else:
            out.write_text('')
    elif way in ('pipe', 'itself'):
        bad_file(out, chance, way)
    places = {
        'below': out / 'x',
        'full': Path('/dev/full'),
        'proc': Path('/proc/x'),
        'long': place / ('x' * 300),
        'device': Path('/dev/null/x'),
    }
    arguments = reading(command, str(file), runs, place)
    arguments[arguments.index('--out') + 1] = '' if way == 'empty' else str(places.get(way, out))
    return Bad(arguments)


LIGHT = (bad_study, bad_number, harmed_runs, bad_table, bad_setting)
HEAVY = (bad_sql, harmed_bundle, bad_place, bad_data, harmed_data, bad_blocks, bad_weights)
"""What takes longer, or loads jax."""


def answered(bad: Bad, place: Path) -> tuple[int | None, str, float]:
    """The exit status of an input (None where it hangs), what it said, and the seconds that it took."""
    said, began = place / '.said', time.monotonic()
    child = os.fork()
    if not child:
        try:
            _alone(bad, place, said)
        finally:
            os._exit(99)
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() - began > WAITING:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None, said.read_text(errors='replace'), WAITING
        time.sleep(0.005)
    return os.waitstatus_to_exitcode(ended[1]), said.read_text(errors='replace'), time.monotonic() - began


def _alone(bad: Bad, place: Path, said: Path) -> None:
    os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    os.chdir(place)
    with open(said, 'wb') as file:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    code = archlab.main(bad.arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def wrong(bad: Bad, code: int | None, said: str) -> str:
    """What is wrong with an answer, or ''."""
    if code in (None, -signal.SIGKILL, -signal.SIGXCPU):
        return f'it hangs for {SECONDS} s'
    if 'Traceback' in said:
        return 'a traceback'
    if code not in bad.codes:
        return f'exit status {code}'
    if bad.said and not any(word in said for word in bad.said.split('|')):
        return 'it says nothing'
    if code == BAD_INPUT and 'archlab: error: ' not in said:
        return 'no sentence'
    if any(ord(letter) < 32 and letter not in '\n\t\r' for letter in said):
        return 'an escape sequence'
    return ''


def inputs(seed: int, count: int, light: bool) -> Iterator[tuple[str, Bad, str, str]]:
    """Try so many inputs; gives the kind of each, the input, what is wrong (or ''), and what was said."""
    kinds: tuple[Callable[[Path, random.Random, bool], Bad], ...] = LIGHT if light else LIGHT + HEAVY
    (finished() / 'table.csv').write_text('arm,value,sd,n\na,1,0.1,5\nb,2,0.1,5\n')
    try:
        for number in range(count):
            chance = random.Random(f'{seed} {number}')
            kind = kinds[number % len(kinds)]
            with tempfile.TemporaryDirectory(prefix='archlab-bad-') as own:
                place = Path(own, 'place')
                place.mkdir()
                bad = kind(place, chance, light)
                code, said, seconds = answered(bad, place)
                yield f'{kind.__name__} {number} ({code}, {seconds:.1f} s)', bad, wrong(bad, code, said), said
    finally:
        shutil.rmtree(finished())


def main(seed: int, count: int, light: bool = False) -> int:
    """Try inputs and print those that were answered wrongly; gives the exit status."""
    if not light:
        import sweeps.models.check
        import sweeps.models.describe  # noqa: F401 - once, not by every input
    bad = 0
    for what, given, fault, said in inputs(seed, count, light):
        if fault or os.environ.get('ARCHLAB_SHOW'):
            bad += bool(fault)
            print(f'{what}: {fault}: archlab {given.arguments}: {said[:400]!r}', flush=True)
    print(f'{count} inputs, {bad} answered wrongly')
    return bool(bad)


if __name__ == '__main__':
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] == ['light']))
