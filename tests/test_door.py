"""The command line: exit codes, one-line errors, and commands that never load jax."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from refused import refuse

from archlab.loading import NEW_OBJECTS
from sweeps.protocol.packing import pack
from sweeps.protocol.simulate import World, simulate


def test_without_a_command_help_is_shown_and_one_line_says_so(called: Callable):
    for given in ([], ['data'], ['bench']):
        done = called(*given)
        refuse(done, 'no command; choose one of those above')
        assert 'Usage' in done.stdout


@pytest.fixture(scope='module')
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with a whole simulated quickstart, written as real records are."""
    from ablations.studies import STUDIES
    from ablations.trial import TEST
    from results.store.records import commit, prepare
    from sweeps import manifest
    from sweeps.training.record import describe, lines

    study, runs = STUDIES['quickstart'], tmp_path_factory.mktemp('simulated')
    folder = runs / study.name
    prepare(folder)
    planned, records = simulate(study, World(top={'no_mixer': -1.0}, noise=0.01), 0)
    for item in pack(study, planned.trials, {'lanes': 64}):
        full = [{**describe(trial), **records[trial.id], 'checksum': 'simulated'} for trial in item.trials]
        commit(folder, item.id, lines(full, item, [], {'strategy': 'loop', 'lanes': 64}))
    costs = {arm: {t.name: {'params': 100, 'macs': 1000, 'flops': 6000} for t in study.tasks} for arm in study.arms}
    reads = Counter(trial.program.dataset for trial in planned.trials if trial.held == TEST)
    manifest.save(folder, {**manifest.load(folder), 'study': study.name, 'costs': costs, 'test_reads': dict(reads)})
    return runs


READING = [
    ['table', 'quickstart'],
    ['table', 'quickstart', '--json'],
    ['status', 'quickstart'],
    ['verify', 'quickstart'],
    ['recipe', 'quickstart/rms_norm', '--json'],
    ['plan', 'quickstart', '--budget', '1h30m'],
    ['figure', 'quickstart', '--kind', 'effect', '--out', 'figures'],
    ['report', 'quickstart', '--out', 'page.html'],
    ['claims', '--published', 'none', '--html', 'claims.html'],
]


def test_reading_never_loads_jax(simulated: Path, tmp_path: Path):
    """All in one process, one after the other; of the figures one kind is drawn, which is enough to load what they need."""
    program = (
        'import sys, archlab\n'
        'from results.figures import FIGURES\n'
        "[FIGURES.pop(kind) for kind in list(FIGURES) if kind != 'effect']\n"
        "heavy = {'jax', 'jaxlib', 'flax', 'optax', 'orbax', 'arch'}\n"
        f'for call in {READING!r}:\n'
        f"    code = archlab.main([*call, '--runs', {str(simulated)!r}])\n"
        "    loaded = sorted({name.partition('.')[0] for name in sys.modules} & heavy)\n"
        "    print('LOADED', *call[:1], code, loaded, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, '-c', program], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    told = [line for line in done.stderr.splitlines() if line.startswith('LOADED')]
    assert told == [f'LOADED {call[0]} 0 []' for call in READING], done.stderr
    assert 'variances of 3 replicates' in done.stdout and 'As declared: ' in done.stdout


def test_a_budget_is_asked_of_the_study_as_it_ran(called: Callable, tmp_path: Path):
    from sweeps import manifest

    folder = tmp_path / 'quickstart'
    folder.mkdir()
    manifest.save(folder, {**manifest.load(folder), 'study': 'quickstart', 'settings': ['trials=6', 'seeds=5']})
    for given, trials, seeds in (([], 6, 5), (['--set', 'trials=7'], 7, 4)):
        told = json.loads(called('plan', 'quickstart', '--runs', tmp_path, '--budget', '1h', '--json', *given).stdout)
        assert (told['known'], told['budget_seconds'], told['declared']['trials']) == (False, 3600.0, trials)
        assert told['pilot']['seeds'] == seeds and told['pilot']['seconds'] is None
    words = called('plan', 'quickstart', '--runs', tmp_path / 'none', '--budget', '1h').stdout
    assert 'Run the first look as a pilot' in words


def test_models_are_described_drawn_compared_and_matched(called: Callable):
    drawn = called('describe', 'digits', '--draw')
    assert drawn.returncode == 0 and '1 x block' in drawn.stdout and '12,138' in drawn.stdout
    both = called('describe', 'digits', 'recall', '--json')
    assert json.loads(both.stdout)[0]['params']['a'] == 12138
    near = called('match', 'quickstart/no_mixer', '--task', 'digits')
    assert near.returncode == 0 and "put('body.widths', [" in near.stdout
    far = called('match', 'quickstart/no_mixer', '--task', 'digits', '--knob', 'width', '--tolerance', '0.0001')
    assert far.returncode == 1 and 'this is the nearest' in far.stdout
    tasks = called('list', 'tasks')
    assert tasks.returncode == 0 and re.search(
        r'^digits +accuracy, share of images +higher +0\.1 .* digits +images$', tasks.stdout, re.M
    )
    blocks = called('list', 'blocks')
    assert blocks.returncode == 0 and max(map(len, blocks.stdout.splitlines())) <= 120


def test_help_says_what_to_type(called: Callable):
    from typer.main import get_command

    import archlab as door

    for name in get_command(door.app).commands:
        done = called(name, '--help')
        assert done.returncode == 0 and 'Example: archlab' in ' '.join(done.stdout.split()), name
    assert called('--help').returncode == 0


def test_no_command_is_left_out():
    """Every command that a file of the door defines can be called, alone or in its group."""
    from typer.main import get_command

    import archlab as door

    def leaves(command: object) -> int:
        return sum(map(leaves, command.commands.values())) if hasattr(command, 'commands') else 1

    files = sorted(Path(door.__file__).parent.rglob('*.py'))
    defined = sum(len(re.findall(r'^@\w+\.command\(', file.read_text(), flags=re.M)) for file in files)
    assert leaves(get_command(door.app)) == defined > 15


@pytest.mark.parametrize(
    'call', [['-m', 'archlab'], ['-c', 'import sys, archlab; sys.exit(archlab.main())']], ids=['-m', 'main']
)
def test_python_calls_the_same_commands(tmp_path: Path, call: list[str]):
    done = subprocess.run([sys.executable, *call, 'list', 'block'], cwd=tmp_path, capture_output=True, text=True)
    refuse(done, "Did you mean 'blocks'")


def test_findings_have_the_stable_keys(called: Callable, simulated: Path):
    findings = json.loads(called('table', 'quickstart', '--runs', simulated, '--json').stdout)
    keys = (
        'study arm task dataset metric direction base_value value interval effect effect_interval test p p_adjusted verdict '
        'reason shared_effect params_ratio lr_sensitivity diverged_share censored replicates seeds n_test optimism overall'
    )
    assert len(findings) == 4 * 2
    for finding in findings:
        assert set(keys.split()) <= set(finding)
    verdicts = {(f['arm'], f['task']): f['verdict'] for f in findings}
    assert {verdicts['no_mixer', task] for task in ('digits', 'stdlib_bytes')} == {'worse'}
    assert {f['overall'] for f in findings if f['arm'] == 'no_mixer'} == {'worse'}
    assert verdicts['layer_norm_again', 'digits'] not in ('better', 'worse')


def test_a_damaged_file_is_named_and_not_used(called: Callable, simulated: Path, tmp_path: Path):
    import shutil

    shutil.copytree(simulated, tmp_path / 'runs')
    victim = sorted((tmp_path / 'runs').glob('*/records/*.jsonl'))[0]
    victim.write_text(victim.read_text().replace('"status": "ok"', '"status": "diverged"', 1))
    status = called('status', 'quickstart', '--runs', tmp_path / 'runs', '--json')
    assert status.returncode == 0 and victim.name in ' '.join(status.stderr.split())
    assert json.loads(status.stdout)['done'] < json.loads(status.stdout)['planned'] or not json.loads(status.stdout)['complete']
    refuse(called('run', 'quickstart', '--runs', tmp_path / 'runs'), victim.name)
    assert called('verify', 'quickstart', '--runs', tmp_path / 'runs').returncode == 1


def test_it_works_from_a_folder_with_its_own_rooms(archlab: Callable, simulated: Path, tmp_path: Path):
    for room in ('results', 'arch', 'sweeps', 'ablations'):
        (tmp_path / room).mkdir()
        (tmp_path / room / '__init__.py').write_text("raise ImportError('the wrong room')\n")
    assert archlab('table', 'quickstart', '--runs', simulated, cwd=tmp_path).returncode == 0
    assert archlab('list', 'blocks', cwd=tmp_path).returncode == 0


def test_a_folder_that_cannot_be_written_is_refused(called: Callable, tmp_path: Path):
    (tmp_path / 'runs').write_text('a file where a folder should be')
    refuse(called('run', 'quickstart', '--runs', tmp_path / 'runs'), 'runs')


def test_an_internal_error_is_one_line_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    import archlab as door

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError('unforeseen')

    monkeypatch.setattr('archlab.findings.open_study', broken)
    assert door.main(['table', 'quickstart']) == door.INTERNAL
    said = capsys.readouterr().err.strip()
    assert said.startswith('archlab: internal error: RuntimeError: unforeseen; details: ') and len(said.splitlines()) == 1
    Path(said.rpartition(' ')[2]).unlink()


@pytest.mark.parametrize(
    'call',
    [
        'list tasks',
        'query',
        *(pytest.param(call, marks=pytest.mark.slow) for call in ('table quickstart --format md', 'status')),
    ],
)
def test_nobody_has_to_read_the_answer(simulated: Path, call: str):
    """As `| head` and `| true` do: what is left goes nowhere, without a word, and all is fine."""
    script = Path(sys.executable).with_name('archlab')
    words = [script, *call.split(), *([] if call.startswith('list') else ['--runs', simulated])]
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, 'wb') as closed:
        done = subprocess.run(words, stdout=closed, stderr=subprocess.PIPE, timeout=100)
    assert (done.returncode, done.stderr) == (0, b'')


def test_a_terminal_without_width_and_python_without_docstrings(archlab: Callable, simulated: Path):
    told = archlab('status', '--runs', simulated, COLUMNS='0')
    assert told.returncode == 0 and 'quickstart' in told.stdout
    told = archlab('status', '--help', COLUMNS='0')
    assert told.returncode == 0 and 70 < max(map(len, told.stdout.splitlines())) <= 80
    done = archlab('list', 'tasks', PYTHONOPTIMIZE='2')
    refuse(done, 'drops docstrings')


def test_a_command_that_is_stopped_while_it_is_imported_says_so_in_one_line(tmp_path: Path):
    (tmp_path / 'typer').mkdir()
    (tmp_path / 'typer' / '__init__.py').write_text('import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n')
    call = [sys.executable, '-m', 'archlab', 'list', 'studies']
    # A job in the background ignores Ctrl-C, and so would what it starts.
    heard = (
        'import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); os.execv(sys.argv[1], sys.argv[1:])'
    )
    ended = subprocess.run(
        [sys.executable, '-c', heard, *call], env={**os.environ, 'PYTHONPATH': str(tmp_path)}, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout) == (130, '')
    assert ended.stderr == 'archlab: stopped; what is recorded stays, and the same command goes on\n'


@pytest.mark.parametrize(('given', 'taken'), [(None, '1'), ('7', '7')])
def test_a_command_takes_one_thread_for_small_matrices_unless_told_otherwise_and_seldom_looks_for_cycles(
    tmp_path: Path, given: str | None, taken: str
):
    (tmp_path / 'typer').mkdir()
    told = f'import gc, os, sys\nseldom = gc.get_threshold()[0] == {NEW_OBJECTS}\n'
    told += "print(os.environ.get('OPENBLAS_NUM_THREADS'), 'numpy' in sys.modules, seldom)\nos._exit(0)\n"
    (tmp_path / 'typer' / '__init__.py').write_text(told.replace('os._exit', 'sys.stdout.flush()\nos._exit'))
    around = {name: value for name, value in os.environ.items() if name != 'OPENBLAS_NUM_THREADS'}
    around |= {'PYTHONPATH': str(tmp_path)} | ({} if given is None else {'OPENBLAS_NUM_THREADS': given})
    for call, seen, seldom in ((['-m', 'archlab'], taken, True), (['-c', 'import archlab'], given, False)):
        done = subprocess.run([sys.executable, *call], env=around, capture_output=True, text=True)
        assert done.stdout == f'{seen} False {seldom}\n'


def test_tables_of_others_never_steer_a_terminal_or_a_spreadsheet(called: Callable, tmp_path: Path):
    (tmp_path / 't.csv').write_text('arm,value,sd,n\n=cmd,1,0.1,5\n\x1b[31mred,2,0.1,5\n@SUM(1),3,0.1,5\n')
    for form in ('terminal', 'md', 'csv', 'json'):
        answer = called('audit', tmp_path / 't.csv', '--format', form)
        assert answer.returncode in (0, 1) and 'red' in answer.stdout and '\x1b' not in answer.stdout
    cells = called('audit', tmp_path / 't.csv', '--format', 'csv').stdout.replace('\n', ',').split(',')
    assert "'=cmd" in cells and "'@SUM(1)" in cells and not {'=cmd', '@SUM(1)'} & set(cells)


def test_names_and_notes_never_steer_a_terminal(called: Callable, tmp_path: Path):
    study = tmp_path / 'odd.py'
    study.write_text("raise KeyError('a\\x1b[31mb [/bold] [red]')")
    done = called('plan', study)
    assert done.returncode == 2 and '\x1b' not in done.stderr and '[/bold] [red]' in done.stderr


def test_a_log_that_cannot_be_read_hides_no_other(called: Callable, tmp_path: Path):
    folder = tmp_path / 'norms' / 'logs'
    folder.mkdir(parents=True)
    (folder / 'worker-0.log').mkdir()
    (folder / 'worker-1.log').write_text('begun\nat step 4\n')
    listed = called('logs', 'norms', '--runs', tmp_path)
    assert listed.returncode == 0
    assert listed.stdout.splitlines() == ['worker-0  (cannot be read: it is no regular file)', 'worker-1  at step 4']


def interrupted(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(5)


def interrupted_in_a_database(number: int) -> None:
    """It says in its own words that it was interrupted."""
    try:
        interrupted(number)
    except KeyboardInterrupt:
        raise RuntimeError('Query interrupted') from None


@pytest.mark.parametrize('work', [interrupted, interrupted_in_a_database])
@pytest.mark.parametrize(('number', 'code'), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_that_is_stopped_says_so_in_one_line(
    called: Callable, monkeypatch: pytest.MonkeyPatch, work: Callable, number: int, code: int
):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr('archlab.findings.open_study', lambda *_: work(number))
    # Tests that run in the background are started with Ctrl-C ignored.
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        done = called('table', 'quickstart')
    finally:
        signal.signal(signal.SIGINT, ignored)
    assert (done.returncode, done.stdout) == (code, '')
    assert done.stderr == 'archlab: stopped; what is recorded stays, and the same command goes on\n'
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize('option', [['--live'], ['--set', 'trials=5']], ids=lambda option: option[0])
def test_a_page_of_several_studies_takes_no_option_of_one(called: Callable, tmp_path: Path, option: list[str]):
    published = Path(__file__).parents[1] / 'results' / 'published'
    done = called('report', 'quickstart', 'null', '--runs', published, '--out', tmp_path / 'page.html', *option)
    assert done.returncode == 2 and f'{option[0]} with several studies; it takes one; leave the others out' in done.stderr
    assert not (tmp_path / 'page.html').exists()
