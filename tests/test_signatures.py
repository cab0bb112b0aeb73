"""Signatures: every public function says what it takes, and nothing is passed down as something that was `found`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ('arch', 'ablations', 'sweeps', 'results', 'benchmarks', 'archlab')
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob('*.py'))
VAGUE = ('found', 'opened', 'kept', 'keep', 'compared', 'every', 'outlook', 'appraise', 'ride', 'crown', 'as_dear')
"""Names that say how something was come by, or what is done with it, but not what it is."""


def functions(body: list[ast.stmt], owner: str = '') -> Iterator[tuple[str, ast.FunctionDef]]:
    """The functions of a module and the methods of its classes, with their names; not those inside functions."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield owner + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from functions(node.body, f'{owner}{node.name}.')


def parameters(function: ast.FunctionDef | ast.Lambda) -> list[ast.arg]:
    given = function.args
    last = [one for one in (given.vararg, given.kwarg) if one is not None]
    return [*given.posonlyargs, *given.args, *given.kwonlyargs, *last]


def is_public(name: str) -> bool:
    return not any(part.startswith('_') and not part.startswith('__') for part in name.split('.'))


def bare(tree: ast.Module) -> set[tuple[str, str]]:
    """Parameters of public functions and methods that have no type: (function, parameter)."""
    lacking = set()
    for name, function in functions(tree.body):
        taken = parameters(function)
        own = taken[1:] if '.' in name and taken and taken[0].arg in ('self', 'cls') else taken
        if is_public(name):
            lacking |= {(name, one.arg) for one in own if one.annotation is None}
    return lacking


def identifiers(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every name that the code gives or uses, with its line; of an import each part of its path."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
                names = [name]
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names = [name]
            case ast.keyword(arg=name) | ast.ExceptHandler(name=name):
                names = [name or '']
            case ast.Import(names=aliases):
                names = [part for alias in aliases for part in [*alias.name.split('.'), alias.asname or '']]
            case ast.ImportFrom(module=module, names=aliases):
                names = [*(module or '').split('.'), *(name for alias in aliases for name in (alias.name, alias.asname or ''))]
            case _:
                continue
        yield from ((node.lineno, name) for name in names)


def vague(tree: ast.Module) -> set[tuple[int, str]]:
    """Names of VAGUE in any spelling of capitals and leading underscores: (line, name)."""
    return {(line, name) for line, name in identifiers(tree) if name.strip('_').lower() in VAGUE}


@pytest.mark.parametrize('room', ROOMS)
def test_public_functions_say_what_they_take(room):
    lacking = set()
    for path in FILES:
        place = str(path.relative_to(ROOT))
        if place.startswith(f'{room}/'):
            lacking |= {(place, *one) for one in bare(ast.parse(path.read_text(encoding='utf-8')))}
    assert lacking == set()


def test_nothing_is_called_by_how_it_was_come_by():
    files = [*FILES, *sorted((ROOT / 'tests').rglob('*.py'))]
    told = {str(path.relative_to(ROOT)): vague(ast.parse(path.read_text(encoding='utf-8'))) for path in files}
    assert {place: names for place, names in told.items() if names} == {}
    assert [path for path in files if path.stem.strip('_').lower() in VAGUE] == []


def test_what_is_looked_for_is_seen():
    tree = ast.parse(
        'def one(a, b: int, *rest, key=None): pass\n'
        'def _own(a): pass\n'
        'class Box:\n'
        '    def put(self, thing): pass\n'
        '    def __call__(self, x): pass\n'
        'def two(b: int):\n'
        '    def inner(found): pass\n'
        '    return lambda opened: opened\n'
        'import keep.one as _as_dear\n'
        'from box import kept\n'
        'one.compared = two(KEPT=f"{every}", kept_apart=1)\n'
    )
    assert bare(tree) == {('one', 'a'), ('one', 'rest'), ('one', 'key'), ('Box.put', 'thing'), ('Box.__call__', 'x')}
    assert vague(tree) == {
        *((7, 'found'), (8, 'opened'), (9, 'keep'), (9, '_as_dear'), (10, 'kept')),
        *((11, 'compared'), (11, 'KEPT'), (11, 'every')),
    }
