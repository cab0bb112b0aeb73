"""Bad runs: runs folders, bundles and places that are not as a command needs them, and SQL that asks too much."""

import contextlib
import functools
import json
import os
import random
import shutil
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

import finished_study
from bad_things import DEEP, STRANGE, Bad, bad_file

import archlab
from archlab.answers import BAD_INPUT, FELL_SHORT


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
