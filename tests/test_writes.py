"""Who writes files: all that must never be torn goes by results/store/atomic.py, read from the sources."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ('arch', 'ablations', 'sweeps', 'results', 'benchmarks', 'archlab')
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob('*.py'))
ATOMIC = 'results/store/atomic.py'
MOVES = {
    ATOMIC: 'the one way',
    'arch/published/importing.py': 'arch imports nothing of ours, and safetensors writes its files itself',
}
"""Who may put a file or folder in the place of another, and why."""
PLAIN = {
    ATOMIC: 'the one way',
    'archlab/application.py': 'the traceback of an internal error, in a temporary file',
    'arch/published/importing.py': 'makes the file aside, with the rights of any other',
    'results/exports/tensorboard_files.py': 'into a folder that is put in its place whole',
    'results/exports/wandb_files.py': 'the check, by which a run counts as whole, comes last',
    'results/exports/mlflow_store.py': 'into a folder that is gone in the end',
    'results/bundle.py': 'into a folder that is put in its place whole',
    'sweeps/export.py': 'into a folder that is put in its place whole',
    'sweeps/datasets/growing.py': 'into a folder that is put in its place whole',
    'sweeps/datasets/prepared.py': 'into a folder that is put in its place whole',
    'sweeps/tasks/token_streams.py': 'into a folder that is put in its place whole',
    'sweeps/datasets/unpacked.py': 'into a folder that is gone in the end',
    'sweeps/launch/order_files.py': 'what a worker says, line by line',
    'benchmarks/accelerator/__main__.py': 'what a part says, line by line',
    'benchmarks/peers.py': 'into a folder that is gone in the end',
    'benchmarks/scale.py': 'into a folder that is gone in the end',
    'benchmarks/driver.py': 'into a folder that is gone in the end',
    'benchmarks/sides/lab.py': 'into a folder that is gone in the end',
    'sweeps/journal.py': 'advice, line by line; a line that is cut off is left out',
    'sweeps/worker.py': 'what a worker answers, line by line',
}
"""Who may write a file at once, and why nothing is lost where that is cut short."""


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, 'id', '')


def owner(node: ast.Call) -> str:
    value = getattr(node.func, 'value', None)
    return value.id if isinstance(value, ast.Name) else ''


def moves(node: ast.Call) -> bool:
    """Whether a call gives a file another name. That `replace` is of a text or a dataclass is seen by its other arguments."""
    name, own = called(node), owner(node)
    if name == 'replace':
        return own in ('os', 'shutil') or (own not in ('dataclasses', 'atomic') and len(node.args) == 1 and not node.keywords)
    return name in ('rename', 'renames', 'link', 'hardlink_to') or (name, own) == ('move', 'shutil')


def writes(node: ast.Call) -> bool:
    """Whether a call writes a file at its place, or opens one to write."""
    name = called(node)
    if name in ('write_text', 'write_bytes', 'touch', 'NamedTemporaryFile', 'mkstemp', 'tofile', 'save_file', 'copyfile'):
        return True
    if name == 'open':
        texts = [item.value for item in (*node.args, *(word.value for word in node.keywords)) if isinstance(item, ast.Constant)]
        flags = {leaf.attr for item in node.args for leaf in ast.walk(item) if isinstance(leaf, ast.Attribute)}
        return any(isinstance(text, str) and text[:1] in ('w', 'a', 'x') and len(text) < 4 for text in texts) or bool(
            flags & {'O_WRONLY', 'O_RDWR', 'O_CREAT'}
        )
    return name.startswith('save') and owner(node) == 'np'


def places_of(judge) -> dict[str, list[int]]:
    """Places of calls, by file."""
    places = {}
    for path in FILES:
        calls = (node for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))) if isinstance(node, ast.Call))
        lines = [node.lineno for node in calls if judge(node)]
        if lines:
            places[str(path.relative_to(ROOT))] = lines
    return places


@pytest.mark.parametrize(
    ('line', 'judge', 'expected'),
    [
        ('os.replace(a, b)', moves, True),
        ('os.link(a, b)', moves, True),
        ('path.rename(b)', moves, True),
        ('path.replace(b)', moves, True),
        ('shutil.move(a, b)', moves, True),
        ("text.replace('a', 'b')", moves, False),
        ('dataclasses.replace(a, b=1)', moves, False),
        ("open(path, 'w')", writes, True),
        ("open(path, mode='ab')", writes, True),
        ("path.open('wb')", writes, True),
        ('os.open(path, os.O_CREAT | os.O_RDWR)', writes, True),
        ('path.write_text(text)', writes, True),
        ('np.save(path, array)', writes, True),
        ('open(path)', writes, False),
        ("open(path, 'rb')", writes, False),
        ('os.open(path, os.O_RDONLY)', writes, False),
    ],
)
def test_calls_are_told_apart(line, judge, expected):
    assert judge(ast.parse(line).body[0].value) is expected


@pytest.mark.parametrize(('judge', 'allowed'), [(moves, MOVES), (writes, PLAIN)], ids=['moves', 'writes'])
def test_files_are_written_in_one_way(judge, allowed):
    places = places_of(judge)
    assert set(places) <= set(allowed), (
        f'write by way of results/store/atomic.py: { ({file: lines for file, lines in places.items() if file not in allowed}) }'
    )
    assert set(allowed) <= set(places), f'no longer needed: {sorted(set(allowed) - set(places))}'
