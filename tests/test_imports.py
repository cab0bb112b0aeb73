"""Who may import whom: the rooms of the house, read from the sources, and what each door loads when it opens."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ('arch', 'ablations', 'sweeps', 'results')
ALLOWED = {
    'arch': ('arch',),
    'ablations': ('ablations',),
    'results': ('results', 'ablations'),
    'sweeps': ('sweeps', 'arch', 'ablations', 'results.records', 'results.selection'),
}
"""What a room may import of ours; whole modules, or one module of a room."""
WHOLE = {'sweeps/calibrate.py': ('results.evidence', 'results.statistics')}
"""Calibration judges the lab as a whole, from plan to verdict, so it needs both ends of it."""
KEPT = {
    # Foreign package: the only places that may import it.
    'flax': ('arch/',),
    'ml_collections': ('ablations/',),
    'orbax': ('sweeps/checkpoints.py',),
    'jax': ('arch/', 'sweeps/', 'archlab/'),
    'jaxlib': ('arch/', 'sweeps/', 'archlab/'),
    'optax': ('sweeps/',),
    'matplotlib': ('results/',),
    'safetensors': ('arch/published/',),
    'sklearn': ('sweeps/tasks/', 'sweeps/datasets/'),
    'optuna': ('sweeps/search/',),
    'grain': ('sweeps/stream.py',),
    'PIL': ('sweeps/datasets/',),
    'pyarrow': ('sweeps/datasets/',),
    'tokenizers': ('sweeps/tasks/',),
    'torch': ('sweeps/search/',),
    'duckdb': ('results/query.py', 'results/cache.py', 'results/frames.py', 'results/index.py'),
}
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob('*.py'))
DOOR = sorted((ROOT / 'archlab').rglob('*.py'))


def imported(path: Path) -> list[tuple[str, bool]]:
    """Every module that a file imports, and whether at the top of the file (inside functions it is lazy)."""
    tree = ast.parse(path.read_text(encoding='utf-8'), str(path))
    top = {id(node) for node in tree.body}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path}: relative import; write the whole name'
            # `from results import records` names a module as much as `from results.records import commit` does.
            if node.module in (*ROOMS, 'archlab'):
                found += [(f'{node.module}.{alias.name}', id(node) in top) for alias in node.names]
            else:
                found.append((node.module, id(node) in top))
    return found


def within(module: str, allowed: tuple) -> bool:
    return any(module == name or module.startswith(f'{name}.') for name in allowed)


def test_there_are_files_to_read():
    assert len(FILES) > 30
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == set(ROOMS)
    assert len(DOOR) > 10


@pytest.mark.parametrize('path', FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_rooms_import_only_what_lies_before_them(path):
    room = path.relative_to(ROOT).parts[0]
    for module, _ in imported(path):
        if within(module, (*ROOMS, 'archlab')):
            allowed = ALLOWED[room] + WHOLE.get(str(path.relative_to(ROOT)), ())
            assert within(module, allowed), f'{room} must not import {module}'


@pytest.mark.parametrize('path', [*FILES, *DOOR], ids=lambda path: str(path.relative_to(ROOT)))
def test_foreign_packages_stay_where_they_belong(path):
    place = str(path.relative_to(ROOT))
    for module, _ in imported(path):
        package = module.partition('.')[0]
        if package in KEPT:
            assert place.startswith(KEPT[package]), f'{place} imports {module}; only {KEPT[package]} may'


@pytest.mark.parametrize('path', DOOR, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_door_imports_lazily(path):
    """`archlab --help` answers at once: rooms and what is heavy are imported by the command that needs them."""
    for module, at_top in imported(path):
        light = module.partition('.')[0] in (*sys.stdlib_module_names, 'typer', 'rich', 'archlab')
        assert light or not at_top, f'{path.name} imports {module} at the top; import it in the command that needs it'


HEAVY = ('jax', 'flax', 'optax', 'orbax', 'arch', 'sklearn', 'matplotlib', 'optuna', 'torch', 'duckdb', 'pandas')


@pytest.mark.parametrize(
    ('module', 'never'),
    [
        ('ablations.catalog', (*HEAVY, 'scipy', 'sweeps', 'results')),
        ('sweeps.plan', HEAVY),
        ('sweeps.pack', HEAVY),
        ('sweeps.simulate', HEAVY),
        ('sweeps.search.sobol', (*HEAVY, 'scipy')),
        ('results.records', (*HEAVY, 'sweeps', 'numpy', 'scipy')),
        ('results.selection', (*HEAVY, 'sweeps')),
        ('results.statistics', (*HEAVY, 'sweeps')),
        ('results.sensitivity', (*HEAVY, 'sweeps')),
        ('results.evidence', (*HEAVY, 'sweeps')),
        ('results.tables', (*HEAVY, 'sweeps')),
        ('results.audit', (*HEAVY, 'sweeps')),
        ('results.audit_views', (*HEAVY, 'sweeps')),
        ('results.verify', (*HEAVY, 'sweeps')),
        ('results.status', (*HEAVY, 'sweeps')),
        ('sweeps.search', HEAVY),
        ('sweeps.tuning', HEAVY),
        ('archlab', (*HEAVY, 'scipy', 'numpy', *ROOMS)),
        ('archlab.__main__', (*HEAVY, 'scipy', 'numpy', *ROOMS)),
    ],
)
def test_what_a_module_loads(module, never):
    """In a process of its own, with everything it imports in turn."""
    code = f'import sys, {module}; print(*sorted({{name.partition(".")[0] for name in sys.modules}} & {set(never)}))'
    done = subprocess.run([sys.executable, '-W', 'error', '-c', code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
