"""`archlab data`: list, prepare and show as a user calls them, in this process."""

import io
import itertools
import json
import re
import struct
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from archlab import data
from archlab.answers import Terminal


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """A folder with the four files of a tiny MNIST."""
    folder = tmp_path / 'raw'
    folder.mkdir()
    generator = np.random.default_rng(0)
    for word, count in (('train', 40), ('t10k', 10)):
        images, labels = generator.integers(0, 256, (count, 28, 28), np.uint8), np.arange(count, dtype=np.uint8) % 10
        for name, array in (('images-idx3-ubyte', images), ('labels-idx1-ubyte', labels)):
            header = bytes([0, 0, 8, array.ndim]) + struct.pack(f'>{array.ndim}I', *array.shape)
            (folder / f'{word}-{name}').write_bytes(header + array.tobytes())
    return folder


def test_from_files_to_a_picture(called: Callable, monkeypatch: pytest.MonkeyPatch, digits: Path, tmp_path: Path):
    data = tmp_path / 'data'
    made = called('data', 'prepare', 'mnist', '--source', digits, '--data', data, '--partial')
    assert made.returncode == 0, made.stderr
    assert 'pool        40 examples, 31,360 values' in made.stdout and 'partial     40 of 60,000 pool examples' in made.stdout
    monkeypatch.setenv('ARCHLAB_DATA', str(data))
    again = called('data', 'prepare', 'mnist', '--source', digits, '--partial')
    assert again.returncode == 0 and 'was prepared already' in again.stdout
    shown = called('data', 'show', 'mnist', '--data', data, '--out', tmp_path / 'sheet.png', '--check')
    assert shown.returncode == 0 and 'files       as they were written' in shown.stdout
    assert (tmp_path / 'sheet.png').read_bytes().startswith(b'\x89PNG')
    told = json.loads(called('data', 'show', 'mnist', '--data', data, '--json').stdout)
    assert told['sizes'] == {'pool': 40, 'test': 10} and told['balance']['pool'] == [4] * 10
    listed = json.loads(called('data', 'list', '--json').stdout)
    assert listed['data'] == str(data) and listed['datasets']['mnist']['state'] == 'prepared'
    assert listed['datasets']['mnist']['digest'] == told['digest'] and listed['datasets']['cifar10']['state'] == 'missing'
    monkeypatch.delenv('ARCHLAB_DATA')
    text = called('data', 'list', '--data', data).stdout
    assert f'data folder: {data}' in text and 'mnist  handwritten digits: 40 + 10 images, partial' in text
    assert 'archlab data prepare cifar10 --source PATH' in text


def test_a_damaged_set_exits_with_1(called: Callable, digits: Path, tmp_path: Path):
    called('data', 'prepare', 'mnist', '--source', digits, '--data', tmp_path, '--partial')
    (tmp_path / 'prepared' / 'mnist' / 'pool' / 'y.npy').write_bytes(b'')
    done = called('data', 'show', 'mnist', '--data', tmp_path, '--check', '--json')
    assert done.returncode == 1 and json.loads(done.stdout)['damaged'] == ['pool/y.npy']


def test_texts_are_shown_by_an_excerpt(called: Callable, tmp_path: Path):
    (tmp_path / 'words.txt').write_text('To be, or not to be. ' * 50)
    made = called(
        'data', 'prepare', 'text', '--source', tmp_path / 'words.txt', '--data', tmp_path, '--name', 'words', '--json'
    )
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)['near_duplicates']['share'] == 1.0
    shown = called('data', 'show', 'words', '--data', tmp_path)
    assert shown.stdout.startswith('To be, or not to be.') and '100.00% of 2 runs of 50 bytes' in shown.stdout
    refused = called('data', 'show', 'words', '--data', tmp_path, '--out', 'words.png')
    assert refused.returncode == 2 and 'of which there is no picture' in refused.stderr


OF_OWN = [word for name in ('inputs', 'target', 'form', 'predict', 'group') for word in (f'--{name}', 'a')] + ['--share', '0.5']
FLAGS = ('grey', 'partial', 'skip-damaged', 'unverified')
OTHERS = ('source', 'as', 'name', 'field', 'mark', 'token-type', 'separator', 'split')
STATED = [*OF_OWN, *(f'--{name}' for name in FLAGS), *(word for name in OTHERS for word in (f'--{name}', 'a')), '--size', '8']
BAD = [
    (['prepare', 'mnits', '--source', '.'], "Did you mean 'mnist'?"),
    (['prepare', 'mnist'], "no files of 'mnist' under"),
    (['prepare', 'mnist', '--source', 'nowhere'], "no such file or folder 'nowhere'"),
    (['prepare', 'emnist_letters', '--source', 'raw'], 'no emnist-letters-train-images-idx3-ubyte'),
    (['prepare', 'mnist', '--source', 'raw'], "'mnist' is not all there: 40 of 60,000 pool examples"),
    (['prepare', 'text', '--source', 'raw'], 'give the set a name: --name my_set'),
    (['prepare', 'text', '--source', 'raw', '--name', 'A B'], "'A B' is no name of a dataset"),
    (['show', 'mnist'], "dataset 'mnist' is not prepared in"),
    (['prepare'], 'name a set of archlab data list, a file that declares tasks, or say --as READER'),
    (['prepare', 'mnist', '--as', 'csv'], '--as READER: give it with --source PATH and --name NAME'),
    (['prepare', 'mnist', '--target', 'a'], "--target of the known set 'mnist'; allowed: with --as READER"),
    (['prepare', 'none.py:a'], 'none.py'),
    (['prepare', 'eyes.py'], "its tasks ['eyes'] have no source, so there is nothing to prepare"),
    (['prepare', 'eyes.py:eyes'], "task 'eyes.py:eyes': it reads the set 'retina' and does not make it"),
    (['prepare', 'eyes.py:ears'], "declares no task 'ears'; allowed: ['eyes']"),
    (
        ['prepare', 'none.py', *STATED],
        '--source, --as, --name, --field, --unverified, --size, --grey, --mark, --partial, --skip-damaged, --token-type, '
        '--separator, --split, --inputs, --target, --form, --predict, --group, --share of none.py: a file says all that itself',
    ),
    (['prepare', 'mnist', *OF_OWN], '--inputs, --target, --form, --predict, --group, --share of the known set'),
    (['prepare', 'none.py', '--size', '8'], 'a file says all that itself'),
    (['prepare', 'none.py', '--share', '1e-400'], 'a file says all that itself'),
]


@pytest.mark.parametrize(('call', 'message'), BAD, ids=range(len(BAD)))
def test_bad_calls_are_refused_in_one_line(called: Callable, digits: Path, call: list[str], message: str):
    (digits.parent / 'eyes.py').write_text("from ablations.study import task\neyes = task(dataset='retina')\n")
    done = called('data', *call, '--data', digits.parent / 'data', cwd=digits.parent)
    assert done.returncode == 2 and done.stdout == ''
    assert len(done.stderr.strip().splitlines()) == 1 and done.stderr.startswith('archlab: error: ')
    assert message in done.stderr
    assert not list((digits.parent / 'data').glob('prepared/[!.]*'))


@pytest.mark.parametrize('command', ['list', 'prepare', 'show'])
def test_help_has_an_example(called: Callable, command: str):
    done = called('data', command, '--help')
    assert done.returncode == 0 and f'Example: archlab data {command}' in done.stdout and '--json' in done.stdout


def test_the_reference_coder_of_a_task_is_told(called: Callable):
    done = called('data', 'reference', 'digits_pixels', '--json')
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert 0 < answer['best'] == min(answer['lzma'], answer['order_k']) < 4.2
    assert 'a model has to beat' in called('data', 'reference', 'digits_pixels').stdout
    done = called('data', 'reference', 'digits')
    assert done.returncode == 2 and 'is no task over bytes' in done.stderr
    assert "unknown task 'pixels'" in called('data', 'reference', 'pixels').stderr


def test_from_a_fasta_file_to_what_there_is_to_beat(called: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path / 'data'))
    bases = np.random.default_rng(0).choice([*'ACGT'], (300, 90))
    (tmp_path / 'genes.fa').write_text(''.join(f'>gene {n}\r\n{"".join(row)}\r\n' for n, row in enumerate(bases)))
    (tmp_path / 'mine.py').write_text("from ablations.study import task\ndna = task(source='genes.fa', length=32)\n")
    told = called('data', 'reference', 'mine.py:dna', cwd=tmp_path)
    assert told.returncode == 2 and 'its data are not prepared' in told.stderr
    made = called('data', 'prepare', 'mine.py:dna', cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert 'note        nucleotides: 300 records of 27,000 bases, without their headers' in made.stdout
    told = called('data', 'reference', 'mine.py:dna', cwd=tmp_path)
    assert told.returncode == 0 and told.stdout.startswith('mine.py:dna: a model has to beat 2.0'), told.stdout
    assert '  4 different bytes, all alike 2.000' in told.stdout
    of_its_form = ('--source', 'genes.fa', '--form', 'amino_acids', '--name')
    for words in (('--as', 'fasta', *of_its_form, 'one'), ('fasta', *of_its_form, 'other')):
        done = called('data', 'prepare', *words, cwd=tmp_path)
        assert done.returncode == 0 and 'note        amino acids: 300 records' in done.stdout, done.stderr


def test_one_task_of_a_file_is_checked_alone(called: Callable, tmp_path: Path, monkeypatch):
    """As one task of a file is prepared."""
    path = tmp_path / 'mine.py'
    path.write_text(
        "from ablations.study import task\nred = task(source='a.csv', target='y')\nblue = task(source='b.csv', target='y')\n"
    )
    checked = []
    monkeypatch.setattr('sweeps.task_contracts.check_task', lambda one: checked.append(one.name) or [])
    for address, names in ((path, ['red', 'blue']), (f'{path}:blue', ['blue'])):
        checked.clear()
        assert called('check', address).returncode == 0 and checked == names
    told = called('check', f'{path}:bleu')
    assert told.returncode == 2 and "declares no task 'bleu'; allowed: ['red', 'blue']. Did you mean 'blue'?" in told.stderr


def test_several_prepared_sets_are_told_apart(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr('sweeps.datasets.show.lines', lambda facts: [f'{facts["name"]} in {facts["where"]}'])
    sets = [
        (types.SimpleNamespace(folder=Path('data', name), about={'name': name}), name != 'ears') for name in ('eyes', 'ears')
    ]
    data._tell(sets, as_json=False)
    again = 'was prepared already; --force prepares it again'
    assert capsys.readouterr().out.splitlines() == ['eyes in data/eyes', '', again, 'ears in data/ears']
    for some in (sets, sets[1:]):
        data._tell(some, as_json=True)
    whole, alone = capsys.readouterr().out.split('\n]\n')
    assert [one['new'] for one in json.loads(f'{whole}\n]')] == [True, False]
    assert json.loads(alone) == {'where': 'data/ears', 'new': False, 'name': 'ears'}


def test_the_tasks_of_studies_that_are_scored_in_bits_are_asked_for(tmp_path: Path):
    """Two studies may ask a task of one name of other data."""
    head = (
        'from ablations.spaces import log\nfrom ablations.study import Study, swap, task\n'
        "longer = task('stdlib_bytes', data={'kind': 'stdlib_bytes', 'length': 48})\n"
        "space = {'adamw': {'lr': log(1e-3, 1e-2)}}\narms = {'base': (), 'rms': swap('norm', 'rms_norm')}\n"
    )
    files = []
    for name, first in (('one', "'stdlib_bytes'"), ('same', "'stdlib_bytes'"), ('other', 'longer')):
        files.append(tmp_path / f'{name}.py')
        files[-1].write_text(f"{head}study = Study('{name}', 'Is it?', arms, ({first}, 'digits'), space)\n")
    one, same, other = map(str, files)
    assert list(data._tasks_of([], [one])) == list(data._tasks_of(['stdlib_bytes'], [one, same])) == ['stdlib_bytes']
    assert list(data._tasks_of(['digits_pixels'], [one])) == ['digits_pixels', 'stdlib_bytes']
    asked = data._tasks_of([], [one, other, same])
    assert list(asked) == ['stdlib_bytes', 'other/stdlib_bytes']
    assert [asked[name].data['length'] for name in asked] == [32, 48]
    with pytest.raises(ValueError, match='no task in bits or nats is named; give TASK, or --study STUDY with such tasks'):
        data._tasks_of([], [])


def test_a_preparation_is_shown_as_a_bar_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch):
    screen, file = (Terminal(file=io.StringIO(), force_terminal=is_one, width=100) for is_one in (True, False))
    for one in (screen, file):
        monkeypatch.setattr(data, 'ERR', one)
        with data._progress():
            pass
        assert ('preparing' in one.file.getvalue() and '0/?' in one.file.getvalue()) is (one is screen)
        with data._progress() as progress:
            progress('decoding', 1234, 5678)
    last = re.sub(r'\x1b\[[\d;?]*\w', '', screen.file.getvalue()).split('decoding')[-1]
    assert '1234/5678' in last and '0:00:00' in last and '\N{BOX DRAWINGS HEAVY HORIZONTAL}' in last
    assert screen.file.getvalue().rstrip('\x1b[?25h\n\r').endswith('\x1b[2K'), 'nothing of it stays'
    assert file.file.getvalue() == ''


@pytest.mark.parametrize(
    ('is_terminal', 'out', 'as_json'), [*itertools.product((True, False), (None, Path('page.png')), (True, False))]
)
def test_a_sheet_goes_to_its_file_or_to_a_terminal(monkeypatch: pytest.MonkeyPatch, is_terminal, out, as_json):
    screen, saved = Terminal(file=io.StringIO(), force_terminal=is_terminal, width=40), []
    monkeypatch.setattr(data, 'OUT', screen)
    monkeypatch.setattr('sweeps.datasets.pictures.sheet', lambda *given: given)
    monkeypatch.setattr('sweeps.datasets.pictures.save', lambda *given: saved.append(given))
    monkeypatch.setattr('sweeps.datasets.pictures.half_blocks', lambda page, width: [f'{page} on {width}', 'second'])
    data._draw(types.SimpleNamespace(pool=lambda: 'pool'), 'images', 4, 10, out, in_terminal=not as_json)
    page = ('pool', 'images', 4, 10)
    assert saved == ([] if out is None else [(page, out)])
    shown = is_terminal and out is None and not as_json
    assert screen.file.getvalue().splitlines() == ([f'{page} on 40', 'second'] if shown else [])


def test_columns_are_named_with_commas_between_them():
    assert data._names('age, size ,sex') == ('age', 'size', 'sex') and data._names('age') == ('age',)
    assert data._names(None) is None


def test_sets_are_listed_by_what_is_there_of_them(called: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    far, how = tmp_path / ('folder ' * 30), 'archlab data prepare NAME --source PATH'
    sizes = {'sizes': {'pool': 60_000, 'test': 1_000}, 'kind': 'images', 'bytes': 12_345_678, 'where': far}
    sets = {
        'nowhere': {'state': 'missing', 'about': 'eyes', 'get': 'it there', 'looked_in': ['here', 'there'], 'prepare': how},
        'whole': {'state': 'prepared', 'about': 'ears', 'partial': False, **sizes},
        'part': {'state': 'prepared', 'about': 'noses', 'partial': True, **sizes},
        'there': {'state': 'found', 'about': 'mouths', 'where': far, 'prepare': how},
        'csv': {'state': 'form', 'about': 'tables', 'get': 'your own', 'prepare': how},
    }
    monkeypatch.setattr('sweeps.datasets.inventory.listing', lambda folder: sets)
    lines = called('data', 'list', '--data', tmp_path).stdout.splitlines()
    assert lines == [
        *(f'data folder: {tmp_path}', '', 'prepared'),
        f'  whole  ears: 60,000 + 1,000 images, 12.3 MB, {far}',
        f'  part  noses: 60,000 + 1,000 images, partial, 12.3 MB, {far}',
        *('', 'found, not prepared yet', f'  there  mouths: {far}', f'      {how}'),
        *('', 'not there', '  nowhere  eyes', '      get it there', '      looked in here, there', f'      {how}'),
        *('', 'forms of data of your own', '  csv  tables', '      get your own', f'      {how}'),
    ]
    sets['torn'] = {'state': 'damaged', 'why': 'its pool is gone'}
    lines = called('data', 'list', '--data', tmp_path).stdout.splitlines()
    assert lines[lines.index('damaged') :][:4] == ['damaged', '  torn  its pool is gone', '', 'found, not prepared yet']
