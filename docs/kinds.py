"""Every kind of block with its fields, as a page in Markdown, from the tables and docstrings of the lab itself."""

import inspect
import re

from sweeps.models.listing import listing

TITLES = {'qk_norm': 'qk_norm (of queries and keys)'}


def catalogue() -> str:
    """The page: a section for each socket, and an entry for each kind with its docstring, places and fields."""
    from arch.sockets import TABLES

    lines = [
        '# Every kind and its fields',
        '',
        'Made from the docstrings of the blocks. `archlab list blocks` prints the same in short. Shapes: B examples, N tokens,',
        'H and W rows and columns of a map, C channels, V outputs.',
    ]
    for family, kinds in listing('blocks').items():
        lines += ['', f'## {TITLES.get(family, family)}']
        for kind, facts in kinds.items():
            lines += ['', f'### {family}: {kind}', '', *_described(TABLES[family][kind]), '']
            lines += [f'- {name}: {", ".join(facts[name])}' for name in ('fits', 'needs', 'takes', 'notes') if facts[name]]
            fields = ', '.join(f'`{name}={value!r}`' for name, value in facts['fields'].items())
            lines += [f'- fields, as they are unless given: {fields}'] if fields else []
    return '\n'.join(lines) + '\n'


def _described(cls: type) -> list[str]:
    """A docstring as Markdown: formulas in lines of their own stand as they are, all else is prose."""
    lines: list[str] = []
    for paragraph in re.split(r'\n\s*\n', inspect.getdoc(cls) or ''):
        if re.search(r'^\s|\S {2,}\S', paragraph, flags=re.M):
            lines += ['```text', *paragraph.splitlines(), '```', '']
            continue
        for line in paragraph.splitlines():
            parts = re.split(r'(`[^`]+`)', line)
            told = ''.join(one if one[:1] == '`' else re.sub(r'([\\*_<>$\[\]])', r'\\\1', one) for one in parts)
            # Shapes stand below each other.
            lines += [f'{told}\\' if line.endswith('`') and not line.endswith('.') else told]
        lines[-1:] = [lines[-1].removesuffix('\\'), '']
    return lines[:-1]


if __name__ == '__main__':
    print(catalogue(), end='')
