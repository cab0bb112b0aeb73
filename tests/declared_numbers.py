"""Declared numbers: those of the lab's constants, and the values of its fields and defaults, as they stand in its sources.

`python tests/declared_numbers.py` writes golden_numbers.json anew, and `git diff` shows what has changed. Results that were
made before rest on the old numbers.
"""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ('ablations', 'arch', 'archlab', 'benchmarks', 'results', 'sweeps')
GOLDEN = ROOT / 'tests' / 'golden_numbers.json'


PLAIN = (bool, int, float)


def _values(node: ast.AST | None, kinds: tuple[type, ...] = PLAIN) -> list:
    """The values of some types that are written in an expression, from left to right."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, kinds) else []
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        return [-node.operand.value]
    return [value for child in ast.iter_child_nodes(node) for value in _values(child, kinds)] if node is not None else []


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Names with their values, also of `A, B = 1, 2`."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, own in zip(target.elts, value.elts, strict=True):
            yield from _pairs(one, own)
    elif isinstance(target, ast.Name):
        yield target.id, value


def declared(tree: ast.AST, place: str = '') -> Iterator[tuple[str, object]]:
    """Each constant of a module with its numbers, each field of a class and default of a function with all of its values.

    A field or default without a value in it, such as another constant, is there as it is written.

    >>> source = 'A, B = 2, (-3, x, 1e-6)\\nclass C:\\n    d: str = "e"\\n    def f(self, g=None, *, h=True, i=A): pass'
    >>> dict(declared(ast.parse(source)))
    {'A': 2, 'B': [-3, 1e-06], 'C.d': 'e', 'C.f(g)': None, 'C.f(h)': True, 'C.f(i)': 'A'}
    """
    for node in getattr(tree, 'body', ()):
        pairs = []
        if isinstance(node, ast.Assign):
            pairs = [pair for target in node.targets for pair in _pairs(target, node.value)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            pairs = [(node.target.id, node.value)]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = node.args
            last = [*given.posonlyargs, *given.args][-len(given.defaults) :] if given.defaults else []
            both = [*zip(last, given.defaults, strict=True), *zip(given.kwonlyargs, given.kw_defaults, strict=True)]
            pairs = [(f'{node.name}({one.arg})', own) for one, own in both]
        elif isinstance(node, ast.ClassDef):
            yield from declared(node, f'{place}{node.name}.')
        for name, value in pairs:
            constant = isinstance(node, ast.Assign) or (isinstance(node, ast.AnnAssign) and not place)
            values = _values(value, PLAIN if constant else (*PLAIN, str, type(None)))
            if not (constant or values) and value is not None:
                values = [ast.unparse(value)]
            if values:
                yield f'{place}{name}', values[0] if len(values) == 1 else values


def all_declared() -> dict[str, dict[str, object]]:
    """The numbers of every file that declares some."""
    files = sorted(path for room in ROOMS for path in (ROOT / room).rglob('*.py'))
    told = {str(path.relative_to(ROOT)): dict(declared(ast.parse(path.read_text(encoding='utf-8')))) for path in files}
    return {name: numbers for name, numbers in told.items() if numbers}


def written(told: dict[str, dict[str, object]]) -> str:
    """As JSON with a line for each name."""
    files = []
    for file, numbers in told.items():
        lines = ',\n'.join(f'  {json.dumps(name)}: {json.dumps(own)}' for name, own in numbers.items())
        files.append(f' {json.dumps(file)}: {{\n{lines}\n }}')
    return '{\n' + ',\n'.join(files) + '\n}\n'


if __name__ == '__main__':
    GOLDEN.write_text(written(all_declared()), encoding='utf-8')
