"""Source hashes: what stands when words and layout change, and changes with the code; the same under every Python."""

import ast
import re

import pytest

from results.store.hashes import _files, _joined, code, content_hash, syntax_hash

CODE = '''"""A module."""
import math

X: int = 1
"""What X is."""


class A:
    """A class."""

    y = 2
    """A field."""

    def f(self, a, *, b=None):
        """A method."""
        return f"{a}: {b!r:>{X}}" + "text" * X  # why
'''


@pytest.mark.parametrize(
    ('old', 'new'),
    [
        ('A module.', 'Another module.'),
        ('What X is.', 'What X means.'),
        ('A class.', ''),
        ('    """A field."""\n\n', '\n'),
        ('        """A method."""\n', ''),
        ('  # why', ''),
        ('import math\n', '# first\nimport math\n'),
        ('"text"', "'text'"),
        ('return f', 'return (\n            f'),
    ],
)
def test_words_and_layout_are_no_code(old, new):
    changed = CODE.replace(old, new)
    if new.endswith('(\n            f'):
        changed = changed.replace('* X  # why', '* X)')
    assert changed != CODE and code(changed) == code(CODE)


@pytest.mark.parametrize(
    ('old', 'new'),
    [
        ('= 1', '= 2'),
        ('= 1', '= True'),
        ('= 1', '= 1.0'),
        ('X: int', 'X: float'),
        ('y = 2', 'z = 2'),
        ('b=None', 'b=0'),
        ('*, b', 'b'),
        ('"text"', '"Text"'),
        ('!r', '!s'),
        (': {b', ':{b'),
        ('import math', 'from math import sin'),
        ('class A', 'class A(B)'),
        ('"text"', 'b"text"'),
        ('>{X}', '<{X}'),
        ('    y = 2\n', '    y = 2\n    y = 2\n'),
        ('    y = 2\n', '    y = 2\n    ...\n'),
        ('    y = 2\n', '    y = 2\n    X\n'),
    ],
)
def test_all_else_is_code(old, new):
    changed = CODE.replace(old, new)
    assert changed != CODE and code(changed) != code(CODE)


def test_docstrings_count_where_a_page_prints_them():
    changed = CODE.replace('A method.', 'A figure.')
    assert code(changed, docstrings=True) != code(CODE, docstrings=True)
    assert code(CODE.replace('  # why', ''), docstrings=True) == code(CODE, docstrings=True)


def test_fields_of_newer_versions_change_nothing():
    """As Python 3.12 gave functions type parameters, empty where there are none."""
    expected = code(CODE)

    class Newer(ast.NodeVisitor):
        def visit(self, node):
            node._fields = (*node._fields, 'a_new_list', 'a_new_value')
            node.a_new_list, node.a_new_value = [], None
            self.generic_visit(node)

    tree = ast.parse(CODE)
    Newer().visit(tree)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ast, 'parse', lambda text: tree)
        assert code(CODE) == expected


def test_f_strings_that_are_cut_otherwise_are_the_same():
    assert code('f"a" f"b{x}" ""') == code('f"ab{x}"') != code('f"a{x}b"')


def test_a_hash_of_known_code_stands():
    """The same under Python 3.11, 3.12 and 3.13; changes with `code` alone, and then all half-run studies begin anew."""
    assert code('x = [1, "é", None, *y]') == (
        "(Module body(Assign targets(Name id 'x') value(List elts(Constant int 1)(Constant str '\\xe9')(Constant NoneType None)"
        "(Starred value(Name id 'y')))))"
    )
    assert code('f(a, b=1)') == (
        "(Module body(Expr value(Call args(Name id 'a') func(Name id 'f') keywords(keyword arg 'b' value(Constant int 1)))))"
    )


def test_names_contents_and_broken_files_count(tmp_path):
    (tmp_path / 'a.py').write_text('x = 1  # one\n')
    (tmp_path / 'a.css').write_text('p {}')

    def hashed() -> str:
        syntax_hash.cache_clear()
        return syntax_hash(('*.py', '*.css'), root=tmp_path)

    first = hashed()
    (tmp_path / 'a.py').write_text('x = 1\n')
    assert hashed() == first
    (tmp_path / 'a.css').write_text('p { }')
    assert hashed() != first, 'of what is no Python every byte counts'
    (tmp_path / 'a.css').write_text('p {}')
    (tmp_path / 'a.py').write_text('x = (\n')
    broken = hashed()
    (tmp_path / 'a.py').write_text('x = (  \n')
    assert len({first, broken, hashed()}) == 3
    (tmp_path / 'a.py').rename(tmp_path / 'b.py')
    assert hashed() not in (first, broken)


def test_caches_are_by_content():
    assert re.fullmatch('[0-9a-f]{16}', content_hash(('results/store/hashes.py',)))
    assert content_hash(('results/store/hashes.py',)) != content_hash(('results/store/records.py',))


def test_files_are_taken_once_and_in_the_order_of_their_names(tmp_path):
    names = [f'{letter}{number}.py' for letter in 'zeab' for number in range(9)]
    for name in names:
        (tmp_path / name).write_text('')
    wanted = [tmp_path / name for name in sorted(names)]
    assert _files(tmp_path, ['*.py', 'a*.py']) == _files(tmp_path, ['z*.py', '*b*.py', '*.py', '*.css']) == wanted


def test_texts_of_an_f_string_are_joined_with_their_neighbours_alone():
    name = ast.Name('a')
    parts = [ast.Constant('one'), name, ast.Constant('two'), ast.Constant(''), ast.Constant('three'), name, ast.Constant('')]
    made = _joined(parts)
    assert [part if part is name else part.value for part in made] == ['one', name, 'twothree', name]
    assert _joined([ast.Constant('')]) == [] == _joined([]) and _joined([name, name]) == [name, name]
