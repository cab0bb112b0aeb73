"""identifiers: the names in Python's own sources by what they name."""

import ast
import functools
import hashlib

import numpy as np

from sweeps.datasets.prepared import Part
from sweeps.tasks.made.library_files import sources
from sweeps.tasks.made.made_set import MadeSet

ROLES = ('class', 'function', 'method', 'parameter', 'attribute')
FOLDERS = ('', 'asyncio', 'concurrent/futures', 'email', 'http', 'importlib', 'json', 'multiprocessing', 'unittest', 'urllib')
SHORTEST, LONGEST = 3, 24
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
BODIES = ('body', 'orelse', 'finalbody', 'handlers')
"""Where a statement has others inside."""
SEALED = 5
"""One name in this many is of the test split, by its hash."""


def roles(tree: ast.Module) -> set[tuple[str, str]]:
    """Every name of a source with its role: classes, functions of the module, methods, parameters, attributes of `self`.

    >>> sorted(roles(ast.parse('def area(side): return side * side')))
    [('area', 'function'), ('side', 'parameter')]
    """
    named, waiting = set(), [(tree, 'function')]
    while waiting:
        # Statements alone: expressions are most of a source, and name nothing but lambdas' parameters.
        node, role = waiting.pop()
        inner = 'method' if isinstance(node, ast.ClassDef) else '' if isinstance(node, FUNCTIONS) else role
        inside = [one for part in BODIES for one in getattr(node, part, ())]
        waiting += [(one, inner) for one in inside]
        if isinstance(node, ast.ClassDef):
            named.add((node.name, 'class'))
        elif isinstance(node, FUNCTIONS):
            named |= {(node.name, role)} if role else set()
            named |= {(one.arg, 'parameter') for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
        for target in getattr(node, 'targets', ()):
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == 'self':
                named.add((target.attr, 'attribute'))
    return named


@functools.cache
def known() -> dict[str, frozenset[str]]:
    """Every name of the modules of 2 to 40 kB with its roles."""
    made: dict[str, set[str]] = {}
    for path in sources(FOLDERS, 2_000, 40_000):
        for name, role in roles(ast.parse(path.read_bytes())):
            made.setdefault(name, set()).add(role)
    return {name: frozenset(made[name]) for name in sorted(made)}


def draw(generator: np.random.Generator, count: int, sealed: bool) -> Part:
    """Names of SHORTEST to LONGEST letters that have the same role wherever they stand. A name is one example, of one split.

    Raises ValueError where there are too few.
    """
    names = []
    for name, own in known().items():
        told = int(hashlib.sha256(name.encode()).hexdigest(), 16) % SEALED == 0
        if len(own) == 1 and len(name.strip('_')) >= SHORTEST and len(name.encode()) <= LONGEST and told == sealed:
            names.append(name)
    if len(names) < count:
        raise ValueError(f'identifiers: {len(names)} names, {count} needed; use a Python with more modules')
    names = [names[number] for number in np.sort(generator.permutation(len(names))[:count])]
    rows = [np.frombuffer(name.encode(), np.uint8) for name in names]
    y = np.array([ROLES.index(next(iter(known()[name]))) for name in names], np.int32)
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    return Part(np.concatenate(rows), y, np.arange(count), offsets)


IDENTIFIERS = MadeSet('identifiers', 'texts', 'class', ROLES, {'pool': 3072, 'test': 768}, draw)
