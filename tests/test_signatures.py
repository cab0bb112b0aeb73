"""Signatures: every public function says what it takes."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ('arch', 'ablations', 'sweeps', 'results', 'benchmarks', 'archlab')
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob('*.py'))


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


@pytest.mark.parametrize('room', ROOMS)
def test_public_functions_say_what_they_take(room):
    lacking = set()
    for path in FILES:
        place = str(path.relative_to(ROOT))
        if place.startswith(f'{room}/'):
            lacking |= {(place, *one) for one in bare(ast.parse(path.read_text(encoding='utf-8')))}
    assert lacking == set()


def test_what_is_looked_for_is_seen():
    tree = ast.parse(
        'def one(a, b: int, *rest, key=None): pass\n'
        'def _own(a): pass\n'
        'class Box:\n'
        '    def put(self, thing): pass\n'
        '    def __call__(self, x): pass\n'
        'def two(b: int):\n'
        '    def inner(thing): pass\n'
    )
    assert bare(tree) == {('one', 'a'), ('one', 'rest'), ('one', 'key'), ('Box.put', 'thing'), ('Box.__call__', 'x')}
