"""The source hash of a record: it stands when nothing that trains has changed, and changes with any line that does."""

import ast
import importlib.metadata
import os
import platform
import shutil
import subprocess

import jax
import pytest

from results.store.hashes import syntax_hash
from sweeps.training import environment as environments
from sweeps.training.environment import ROOT, TRAINING, commit, compiled_by, source_hash

HASHED = {path for pattern in TRAINING for path in ROOT.glob(pattern)}
SPARED = {
    'ablations/': 'what a trial is stands in its address, and so in its record',
    'results/store/': 'records are kept as they are given',
    'sweeps/worker.py': 'packs are taken and records handed on',
    'sweeps/launch/': 'who starts a worker, and where its orders lie',
    'sweeps/machine.py': 'how many workers there are',
    'sweeps/commands.py': 'orders are plain data, and what they say of a trial is in its record',
    'sweeps/presence.py': 'small files say who is at work',
    'sweeps/datasets/aside.py': 'where files lie while they are written',
    'sweeps/datasets/intact.py': 'files are compared with their hashes, and refused or not',
    'sweeps/__init__.py': 'empty',
    'sweeps/datasets/__init__.py': 'empty',
    'sweeps/protocol/__init__.py': 'empty',
}
"""What a worker loads that can change no number, and why."""


@pytest.fixture
def copy(tmp_path):
    """The sources of the sweeps in a folder of their own."""
    shutil.copytree(ROOT / 'sweeps', tmp_path / 'sweeps', ignore=shutil.ignore_patterns('__pycache__'))
    return tmp_path


def hashed(folder) -> str:
    syntax_hash.cache_clear()
    source_hash.cache_clear()
    return source_hash(folder)


def edit(path, old: str, new: str) -> None:
    text = path.read_text(encoding='utf-8')
    assert old in text, f'{path} has no {old!r} any more; edit another line'
    path.write_text(text.replace(old, new, 1), encoding='utf-8')


def test_the_hash_stands_and_changes_with_what_is_edited(copy):
    first = hashed(copy)
    # A line of the progress bar, which trains nothing.
    with open(copy / 'sweeps/progress.py', 'a', encoding='utf-8') as file:
        file.write('\n\nWIDTH = 41\n')
    assert hashed(copy) == first
    # A docstring, a comment and blank lines of training.
    loop = copy / 'sweeps/training/loop.py'
    edit(loop, '"""', '"""Otherwise said. ')
    assert hashed(copy) == first
    edit(loop, 'import jax\n', '# Said in a comment.\n\nimport jax\n')
    assert hashed(copy) == first
    # One number of training.
    edit(copy / 'sweeps/training/schedules.py', '0.5 * (1 +', '0.4 * (1 +')
    assert hashed(copy) != first


@pytest.mark.parametrize(
    'file',
    [
        'arch/norms.py',
        'sweeps/training/record.py',
        'sweeps/tasks/digits.py',
        'sweeps/tasks/probes/recall.py',
        'sweeps/augment/flip.py',
        'sweeps/datasets/prepared.py',
        'sweeps/datasets/formats/wav.py',
        'sweeps/datasets/sources/texts.py',
        'sweeps/protocol/pack.py',
        'ablations/seeds.py',
    ],
)
def test_what_trains_is_hashed(file):
    assert ROOT / file in HASHED


@pytest.mark.parametrize(
    'file', ['progress.py', 'run.py', 'export.py', 'protocol/plan.py', 'datasets/show.py', 'models/listing.py']
)
def test_what_trains_nothing_is_not(file):
    assert (ROOT / 'sweeps' / file).exists() and ROOT / 'sweeps' / file not in HASHED


def imports(path) -> set:
    """The lab's files that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module, *(f'{node.module}.{alias.name}' for alias in node.names)}
    places = [ROOT / name.replace('.', '/') for name in names]
    return {file for place in places for file in (place.with_suffix('.py'), place / '__init__.py') if file.is_file()}


def test_all_that_a_worker_loads_is_hashed_or_spared_for_a_reason():
    seen, left = set(), [ROOT / 'sweeps/worker.py']
    while left:
        file = left.pop()
        if file not in seen:
            seen.add(file)
            left += imports(file)
    assert len(seen) > 100
    names = {str(file.relative_to(ROOT)) for file in seen - HASHED}
    assert sorted(name for name in names if not name.startswith(tuple(SPARED))) == []


READERS = {
    'arch/shape_lines.py': 'the shape lines of a block, for its contracts: these refuse a block or not, and train nothing',
    'arch/contracts/__init__.py': 'the names of the rules',
    'arch/block.py': "a user's class keeps its docstring",
    'arch/monolith.py': "a user's class keeps its docstring",
    'sweeps/tasks/kind.py': 'what an error says of a method that a kind lacks',
}
"""Hashed files that read docstrings, and what for."""


def test_docstrings_that_are_read_decide_on_no_number():
    words = ('__doc__', 'getdoc(', 'getsource')
    readers = {file for file in HASHED if any(word in file.read_text(encoding='utf-8') for word in words)}
    assert {str(file.relative_to(ROOT)) for file in readers} <= set(READERS)
    users = {str(file.relative_to(ROOT)) for file in HASHED if ROOT / 'arch/shape_lines.py' in imports(file)}
    assert all(user.startswith(('arch/contracts/', 'arch/probe.py')) for user in users)


def test_no_data_file_is_read_beside_the_code():
    """Then hashing code is enough: what else is read is the user's data, with a checksum in every record."""
    rooms = ('arch', 'sweeps/training', 'sweeps/tasks', 'sweeps/augment', 'sweeps/datasets')
    files = [file for room in rooms for file in (ROOT / room).rglob('*') if file.is_file()]
    assert {file.suffix for file in files if '__pycache__' not in file.parts} == {'.py'}


@pytest.mark.parametrize(
    ('given', 'told'),
    [
        ({}, ''),
        ({'XLA_FLAGS': '--xla_cpu_multi_thread_eigen=false --xla_force_host_platform_device_count=2 --xla_dump_to=a'}, ''),
        ({'JAX_DISABLE_MOST_OPTIMIZATIONS': '0', 'JAX_USE_DIRECT_LINEARIZE': 'False'}, ''),
        ({'XLA_FLAGS': '--xla_b --xla_a=1', 'LIBTPU_INIT_ARGS': '--xla_c'}, '--xla_a=1 --xla_b --xla_c'),
        ({'XLA_FLAGS': '--xla_a=1 --xla_a=2'}, '--xla_a=2'),
        ({'NVIDIA_TF32_OVERRIDE': '1'}, 'NVIDIA_TF32_OVERRIDE=1'),
    ],
)
def test_what_a_compiler_is_told_is_recorded(given: dict[str, str], told: str):
    assert compiled_by(given) == told


@pytest.mark.parametrize('off', ['', '0', 'false', 'No', 'OFF', 'n', 'F', ' 0 '])
def test_a_variable_that_is_off_is_not_recorded(off: str):
    assert compiled_by({'JAX_ENABLE_REMAT_PASS': '1', 'JAX_COMPILER_ENABLE_REMAT_PASS': off}) == ''
    assert compiled_by({'JAX_COMPILER_ENABLE_REMAT_PASS': 'on'}) == 'JAX_COMPILER_ENABLE_REMAT_PASS=on'


@pytest.mark.parametrize(
    ('head', 'changed', 'told'),
    [
        ((0, 'abc123\n'), '', 'abc123'),
        ((0, 'abc123\n'), ' M arch/block.py\n', 'abc123+'),
        ((128, ''), '', ''),
        (OSError('no git'), '', ''),
        (subprocess.TimeoutExpired('git', 10), '', ''),
    ],
)
def test_the_commit_is_told_with_a_mark_where_files_differ_from_it(monkeypatch, head, changed: str, told: str):
    def run(command: list, **_: object) -> subprocess.CompletedProcess:
        if isinstance(head, Exception):
            raise head
        status, said = head if 'rev-parse' in command else (0, changed)
        return subprocess.CompletedProcess(command, status, said, '')

    monkeypatch.setattr(subprocess, 'run', run)
    assert commit.__wrapped__() == told


@pytest.mark.parametrize(('told', 'flags'), [('', {}), ('--xla_a=1', {'flags': '--xla_a=1'})])
def test_all_that_a_record_tells_of_where_it_is_from(monkeypatch: pytest.MonkeyPatch, told: str, flags: dict):
    monkeypatch.setattr(environments, 'compiled_by', lambda given: told if given is os.environ else 'another')
    monkeypatch.setattr(environments, 'commit', lambda: 'abc+')
    monkeypatch.setattr(environments, 'source_hash', lambda: 'def')
    device = jax.devices()[0]
    assert environments.environment.__wrapped__() == {
        **{'commit': 'abc+', 'source': 'def', 'python': platform.python_version(), 'machine': platform.machine()},
        **{'platform': device.platform, 'device': device.device_kind},
        'versions': {
            name: importlib.metadata.version(name) for name in ('jax', 'jaxlib', 'flax', 'optax', 'numpy', 'scikit-learn')
        },
        **flags,
    }
