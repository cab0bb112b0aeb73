"""Who may import whom: the rooms of the house, read from the sources, and what each door loads when it opens."""

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ('arch', 'ablations', 'sweeps', 'results', 'benchmarks')
ALLOWED = {
    'arch': ('arch', 'ablations.user_file'),
    'ablations': ('ablations',),
    'results': ('results', 'ablations'),
    'benchmarks': ('benchmarks', 'arch', 'ablations', 'sweeps', 'results'),
    'sweeps': (
        'sweeps',
        'arch',
        'ablations',
        'results.store',
        'results.selection',
        'results.edges',
        'results.budgets',
        'results.undecided',
        'results.protocol',
        'results.resolution',
    ),
}
"""What a room may import of ours; whole modules, or one module of a room.

A block file is the user's code as a study file is, so arch has it run by the module that runs those.
Of results the sweeps need the records, the selection that tuning ends in, and the rule of equal budgets: what the plan accepts
as matched compute is what the verdicts call equal, so both ask one function. Which arms a look left undecided is a verdict too.
What a test split can resolve is told by the statistics of the verdicts, and named before a run begins.
"""
WHOLE = {
    'sweeps/protocol/world_studies.py': (
        'results.evidence',
        'results.factorial',
        'results.looks',
        'results.runs',
        'results.statistics',
    ),
    'sweeps/protocol/calibrate.py': ('results.calibration',),
}
"""Calibration judges the lab as a whole, from plan to verdict, so it needs both ends of it."""
HOMES = {
    # Foreign package: the only places that may import it.
    'flax': ('arch/',),
    'ml_collections': ('ablations/',),
    'orbax': ('sweeps/training/checkpoints.py',),
    'jax': ('arch/', 'sweeps/', 'archlab/', 'benchmarks/'),
    'jaxlib': ('arch/', 'sweeps/', 'archlab/', 'benchmarks/'),
    'optax': ('sweeps/', 'benchmarks/'),
    'matplotlib': ('results/', 'benchmarks/charts.py'),
    'safetensors': ('arch/published/',),
    'sklearn': ('sweeps/tasks/', 'sweeps/datasets/'),
    'ray': ('sweeps/launch/ray_tasks.py',),
    'tensorboard': ('results/exports/tensorboard_files.py',),
    'wandb': ('results/exports/wandb_files.py',),
    'mlflow': ('results/exports/mlflow_store.py',),
    'optuna': ('sweeps/protocol/search/', 'benchmarks/sides/optuna_study.py'),
    'grain': ('sweeps/training/stream.py',),
    'PIL': ('sweeps/datasets/',),
    'pyarrow': ('sweeps/datasets/',),
    'tokenizers': ('sweeps/tasks/',),
    'torch': ('sweeps/protocol/search/', 'benchmarks/accelerator/peers.py', 'benchmarks/sides/'),
    'duckdb': ('results/store/query.py', 'results/store/parquet_cache.py', 'results/store/frames.py', 'results/store/index.py'),
}
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob('*.py'))
DOOR = sorted((ROOT / 'archlab').rglob('*.py'))


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding='utf-8'), str(path))


@functools.cache
def imported(path: Path) -> list[tuple[str, bool]]:
    """Every module that a file imports, and whether at the top of the file (inside functions it is lazy)."""
    tree = tree_of(path)
    top = {id(node) for node in tree.body}
    modules = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path}: relative import; write the whole name'
            # `from results import records` names a module as much as `from results.store.records import commit` does.
            if node.module in (*ROOMS, 'archlab'):
                modules += [(f'{node.module}.{alias.name}', id(node) in top) for alias in node.names]
            else:
                modules.append((node.module, id(node) in top))
    return modules


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


WINGS = {
    # From the top floor down: a wing may import what stands below it, and the root of its room may import every wing.
    'sweeps.models': ('sweeps.training', 'sweeps.tasks', 'sweeps.augment'),
    'sweeps.training': ('sweeps.protocol', 'sweeps.tasks', 'sweeps.metrics'),
    'sweeps.launch': (),
    'sweeps.protocol': (),
    'sweeps.tasks': ('sweeps.datasets', 'sweeps.augment', 'sweeps.metrics'),
    'sweeps.metrics': (),
    'sweeps.augment': (),
    'sweeps.datasets': (),
    'results.report': ('results.figures', 'results.tables', 'results.store', 'results.pages'),
    'results.claims': ('results.tables', 'results.store', 'results.pages'),
    'results.abstraction': ('results.figures', 'results.tables', 'results.store'),
    'results.gains': ('results.figures', 'results.tables', 'results.store', 'results.pages'),
    'results.audit': ('results.tables', 'results.store'),
    'results.exports': ('results.store',),
    'results.figures': ('results.tables', 'results.store'),
    'results.tables': ('results.store',),
    'results.store': (),
    'results.pages': (),
    'ablations.flagships': ('ablations.tasks',),
    'ablations.studies': ('ablations.tasks',),
    'ablations.tasks': (),
    'benchmarks.accelerator': (),
    'benchmarks.sides': (),
}
"""What a wing of a room may import of the room's other wings."""


def name_of(path: Path) -> str:
    return '.'.join(path.relative_to(ROOT).with_suffix('').parts).removesuffix('.__init__')


def wing_of(module: str) -> str | None:
    return next((wing for wing in WINGS if within(module, (wing,))), None)


@functools.cache
def arrows() -> dict[str, set[str]]:
    """Module -> the modules of ours that it imports, at its top or inside a function."""
    modules = {name_of(path): path for path in (*FILES, *DOOR)}
    drawn = {}
    for name, path in modules.items():
        drawn[name] = {module for module, _ in imported(path) if module in modules}
        drawn[name] |= {module.rpartition('.')[0] for module, _ in imported(path) if module.rpartition('.')[0] in modules}
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ImportFrom):
                drawn[name] |= {f'{node.module}.{alias.name}' for alias in node.names} & set(modules)
        drawn[name] -= {name}
    return drawn


def circles(arrows: dict[str, set[str]]) -> list[set[str]]:
    """The groups of nodes that reach each other, by Kosaraju's two passes."""
    order, seen = [], set()

    def visit(start: str, graph: dict[str, set[str]], done) -> None:
        stack = [(start, iter(sorted(graph.get(start, ()))))]
        seen.add(start)
        while stack:
            node, following = stack[-1]
            fresh = next((other for other in following if other not in seen), None)
            if fresh is None:
                done(node)
                stack.pop()
            else:
                seen.add(fresh)
                stack.append((fresh, iter(sorted(graph.get(fresh, ())))))

    for node in sorted(arrows):
        if node not in seen:
            visit(node, arrows, order.append)
    back = {}
    for node, others in arrows.items():
        for other in others:
            back.setdefault(other, set()).add(node)
    seen.clear()
    groups = []
    for node in reversed(order):
        if node not in seen:
            group: set[str] = set()
            visit(node, back, group.add)
            groups.append(group)
    return [group for group in groups if len(group) > 1]


def test_circles_are_found():
    assert circles({'a': {'b'}, 'b': {'c'}, 'c': set()}) == []
    assert circles({'a': {'b'}, 'b': {'c'}, 'c': {'b'}, 'd': {'a'}}) == [{'b', 'c'}]


def test_no_modules_import_each_other_in_a_circle():
    drawn = {name: {other for other in others if not name.startswith(f'{other}.')} for name, others in arrows().items()}
    circles_drawn = circles(drawn)
    assert not circles_drawn, f'circles of imports: {[sorted(circle) for circle in circles_drawn]}'


def test_wings_import_only_the_wings_below_them():
    folders = {str(path.parent.relative_to(ROOT)).replace('/', '.') for path in FILES if len(path.relative_to(ROOT).parts) > 2}
    assert set(WINGS) == {'.'.join(name.split('.')[:2]) for name in folders if not name.startswith('arch.')}
    wrong_imports = {}
    for name, others in arrows().items():
        own = wing_of(name)
        room = [wing for wing in WINGS if own and wing.partition('.')[0] == own.partition('.')[0]]
        wrong = {other for other in others if wing_of(other) in room and wing_of(other) not in (own, *WINGS[own])}
        if wrong:
            wrong_imports[name] = sorted(wrong)
    assert not wrong_imports, f'imports from a wing that stands no lower: {wrong_imports}'


def test_no_wings_import_each_other_in_a_circle():
    """Each wing as one node, beside the modules that stand in the root of a room."""
    drawn = {}
    for name, others in arrows().items():
        node = wing_of(name) or name
        drawn.setdefault(node, set()).update({wing_of(other) or other for other in others} - {node})
    drawn = {node: {other for other in others if not node.startswith(f'{other}.')} for node, others in drawn.items()}
    assert circles(drawn) == []


@pytest.mark.parametrize('path', [*FILES, *DOOR], ids=lambda path: str(path.relative_to(ROOT)))
def test_foreign_packages_stay_where_they_belong(path):
    place = str(path.relative_to(ROOT))
    for module, _ in imported(path):
        package = module.partition('.')[0]
        if package in HOMES:
            assert place.startswith(HOMES[package]), f'{place} imports {module}; only {HOMES[package]} may'


@pytest.mark.parametrize('path', DOOR, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_door_imports_lazily(path):
    """`archlab --help` answers at once: rooms and what is heavy are imported by the command that needs them."""
    for module, at_top in imported(path):
        light = module.partition('.')[0] in (*sys.stdlib_module_names, 'typer', 'rich', 'archlab')
        assert light or not at_top, f'{path.name} imports {module} at the top; import it in the command that needs it'


HEAVY = ('jax', 'flax', 'optax', 'orbax', 'arch', 'sklearn', 'matplotlib', 'optuna', 'torch', 'duckdb', 'pandas')


LOADED = [
    (('ablations.study_files',), (*HEAVY, 'scipy', 'sweeps', 'results')),
    (('results.store.records', 'results.store.recorded', 'results.budgets'), (*HEAVY, 'sweeps', 'numpy', 'scipy')),
    (
        (
            *('results.selection', 'results.statistics', 'results.sensitivity', 'results.evidence', 'results.tables'),
            *('results.audit.comparisons', 'results.audit.views', 'results.verify', 'results.status'),
            *('results.abstraction.place', 'results.abstraction.place_table'),
            *('results.claims.formats', 'results.claims.bundles', 'results.claims.page', 'results.claims.study_file'),
        ),
        (*HEAVY, 'sweeps'),
    ),
    (('sweeps.protocol.search.sobol', 'sweeps.metrics.ratios', 'sweeps.metrics.ranking'), (*HEAVY, 'scipy')),
    (
        (
            *('sweeps.protocol.plan', 'sweeps.protocol.pack', 'sweeps.protocol.simulate', 'sweeps.protocol.search'),
            'sweeps.protocol.tuning',
        ),
        HEAVY,
    ),
    (('sweeps.run', 'sweeps.progress', 'sweeps.launch', 'sweeps.launch.local'), HEAVY),
    (('archlab', 'archlab.__main__'), (*HEAVY, 'scipy', 'numpy', *ROOMS)),
]
"""Modules, and what loading them one after the other never loads."""


@pytest.mark.parametrize(('modules', 'never'), LOADED, ids=[modules[0] for modules, _ in LOADED])
def test_what_a_module_loads(modules, never):
    """In a process of their own, with everything that they import in turn."""
    code = (
        'import importlib, sys\n'
        f'for module in {modules!r}:\n'
        '    importlib.import_module(module)\n'
        f"    print(module, *sorted({{name.partition('.')[0] for name in sys.modules}} & {set(never)!r}))\n"
    )
    done = subprocess.run([sys.executable, '-W', 'error', '-c', code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == list(modules)


def test_test_files_have_names_of_their_own():
    """Two of one name cannot be collected together."""
    stems = [path.name for path in (ROOT / 'tests').rglob('test_*.py')]
    assert sorted({name for name in stems if stems.count(name) > 1}) == []
