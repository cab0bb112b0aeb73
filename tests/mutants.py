"""Mutants: the lines of a module's functions, each of which can be broken in a few ways.

A break is a slip of the pen: a comparison that is flipped, a part of a condition that is dropped, a number that is one larger,
a text with a letter more, a function that gives nothing, a statement that is left out. Only what is within functions is broken:
constants and defaults are held by tests of their own (tests/declared_numbers.py).
"""

import ast
import copy
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
CALLS = {'min': 'max', 'max': 'min', 'any': 'all', 'all': 'any', 'sorted': 'list'}
CHANGES_NOTHING = ('strict',)
"""Keywords that only guard against what does not happen."""
WITHIN = ('body', 'orelse', 'finalbody', 'handlers', 'cases')
"""The fields of a statement that hold further statements."""
Break = tuple[ast.AST, ast.AST, str]
"""A node, the one that takes its place, and words for it."""


@dataclasses.dataclass(frozen=True)
class Line:
    """A line that can be broken: `ways` says how.

    `function` is the dotted name of the outermost function around it, whose code begins in line `start`, decorators included.
    """

    path: Path
    number: int
    function: str
    start: int
    text: str
    ways: tuple[str, ...]

    def broken(self, way: int) -> CodeType:
        """The code of the module with the line broken in one of its ways."""
        tree = ast.parse(self.path.read_text(encoding='utf-8'))
        old, new, _ = _by_line(tree)[self.number, self.start][1][way]
        tree = ast.fix_missing_locations(_Replaced(old, ast.copy_location(new, old)).visit(tree))
        return compile(tree, str(self.path), 'exec', dont_inherit=True)


def lines(path: Path) -> list[Line]:
    """The lines of a module that can be broken, from the first to the last."""
    text = path.read_text(encoding='utf-8')
    rows = text.splitlines()
    return [
        Line(path, number, name, start, rows[number - 1].strip(), tuple(words for *_, words in breaks))
        for (number, start), (name, breaks) in sorted(_by_line(ast.parse(text)).items(), key=lambda item: item[0])
    ]


class _Replaced(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST):
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


def _by_line(tree: ast.Module) -> dict[tuple[int, int], tuple[str, list[Break]]]:
    """By line and start of the function: its name, and the breaks."""
    told: dict[tuple[int, int], tuple[str, list[Break]]] = {}
    for name, start, statement in _statements(tree, ''):
        for old, new, words in _breaks(statement):
            line = getattr(old, 'lineno', statement.lineno)
            told.setdefault((line, start), (name, []))[1].append((old, new, words))
    return told


def _statements(node: ast.AST, place: str) -> Iterator[tuple[str, int, ast.stmt]]:
    """The statements of all functions, with the name and the start of the outermost one around each."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            start = min([child.lineno, *(one.lineno for one in child.decorator_list)])
            for statement in ast.walk(child):
                if isinstance(statement, ast.stmt) and not _is_told(statement) and statement is not child:
                    yield f'{place}{child.name}', start, statement
        elif isinstance(child, ast.ClassDef):
            yield from _statements(child, f'{place}{child.name}.')
        elif isinstance(child, ast.stmt):
            yield from _statements(child, place)


def _is_told(statement: ast.stmt) -> bool:
    """Whether a statement is a docstring, or the head of a further function or class."""
    text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return text or isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _breaks(statement: ast.stmt) -> Iterator[Break]:
    """All breaks of one statement, without those of the statements within it."""
    match statement:
        case ast.If(test=test) | ast.While(test=test):
            yield statement, _with(statement, test=ast.UnaryOp(ast.Not(), test)), 'the condition turned round'
        case ast.Return(value=value) if value is not None and not (isinstance(value, ast.Constant) and value.value is None):
            yield statement, _with(statement, value=ast.Constant(None)), 'gives None'
        case ast.Raise() | ast.AugAssign() | ast.Expr(value=ast.Call()):
            yield statement, ast.Pass(), 'left out'
    # The words of an error are for people.
    for node in _expressions(statement, texts=not isinstance(statement, ast.Raise)):
        yield from ((node, new, words) for new, words in _expression_breaks(node))


def _expressions(statement: ast.stmt, texts: bool) -> Iterator[ast.AST]:
    """The expressions of one statement, annotations and formats left out; without `texts` no texts either."""
    left = [
        value
        for name, field in ast.iter_fields(statement)
        if name not in (*WITHIN, 'annotation')
        for value in (field if isinstance(field, list) else [field])
        if isinstance(value, ast.AST)
    ]
    while left:
        node = left.pop()
        if isinstance(node, ast.keyword) and node.arg in CHANGES_NOTHING:
            continue
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str) and not texts):
            yield node
        parts = [node.value] if isinstance(node, ast.FormattedValue) else ast.iter_child_nodes(node)
        left += [part for part in parts if not isinstance(part, ast.expr_context | ast.operator | ast.cmpop)]


def _expression_breaks(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """What may take the place of one expression, and words for it."""
    match node:
        case ast.Compare(ops=signs):
            for place, sign in enumerate(signs):
                other = COMPARISONS[type(sign)]()
                yield _with(node, ops=[*signs[:place], other, *signs[place + 1 :]]), f'{_name(sign)} to {_name(other)}'
        case ast.BinOp(op=sign, left=left, right=right) if _is_text(left) or _is_text(right):
            if isinstance(sign, ast.Add):
                yield left, 'only the first of two'
        case ast.BinOp(op=sign) if type(sign) in ARITHMETIC:
            other = ARITHMETIC[type(sign)]()
            yield _with(node, op=other), f'{_name(sign)} to {_name(other)}'
        case ast.BoolOp(op=sign, values=values):
            other = ast.Or() if isinstance(sign, ast.And) else ast.And()
            yield _with(node, op=other), f'{_name(sign)} to {_name(other)}'
            yield (_with(node, values=values[:-1]) if len(values) > 2 else values[0]), 'the last part left out'
        case ast.UnaryOp(op=ast.Not() | ast.USub() as sign, operand=operand):
            yield operand, f'without {_name(sign)}'
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value), f'{value} to {not value}'
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value + 1), f'{value} to {value + 1}'
        # Python reads 'utf-8_' as it reads 'utf-8'.
        case ast.Constant(value=str() as value) if value not in ('', 'utf-8'):
            yield ast.Constant(f'{value}_'), 'a text with a letter more'
        case ast.IfExp(body=body, orelse=other):
            yield body, 'always the first of two'
            yield other, 'always the second of two'
        case ast.comprehension(ifs=[*_, _] as conditions):
            yield _with(node, ifs=conditions[:-1]), 'a condition left out'
        case ast.Call(func=ast.Name(id=name), keywords=[]) if name in CALLS:
            yield _with(node, func=ast.Name(CALLS[name], ast.Load())), f'{name} to {CALLS[name]}'
        case ast.Call(keywords=[*others, ast.keyword(arg=name)]) if name not in CHANGES_NOTHING:
            yield _with(node, keywords=others), f'without {name or "**"}'


def _is_text(node: ast.AST) -> bool:
    """Whether an expression is a text, list or tuple as it is written: what can be joined and not subtracted."""
    kinds = ast.JoinedStr | ast.List | ast.ListComp | ast.Tuple
    return isinstance(node, kinds) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _with(node: ast.AST, **fields: object) -> ast.AST:
    """A copy of a node with other fields."""
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def _name(sign: ast.AST) -> str:
    return type(sign).__name__
