"""Typeset: a page of Markdown as Typst, or as HTML that stands alone."""

from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

PAGE = """#set page(paper: "a4", margin: (x: 22mm, y: 24mm), numbering: "1")
#set text(size: 10pt, font: ("Libertinus Serif", "New Computer Modern"))
#set par(justify: true)
#set table(stroke: 0.4pt + luma(160), inset: 4pt)
#show table: set text(size: 7.5pt)
#show table: set par(justify: false)
#show heading.where(level: 2): set block(above: 1.6em)
"""
STYLE = """body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 Georgia, serif; color: #111; }
table { border-collapse: collapse; font-size: .8rem; display: block; overflow-x: auto; }
th, td { border: 1px solid #bbb; padding: .2rem .4rem; text-align: left; vertical-align: top; }
img { max-width: 100%; }
h1 { line-height: 1.2; }
"""
MARKS = {
    'strong_open': '#strong[',
    'strong_close': ']',
    'em_open': '#emph[',
    'em_close': ']',
    'softbreak': ' ',
    'hardbreak': ' \\\n',
}


def _parsed(text: str) -> Sequence[Token]:
    return MarkdownIt('commonmark').enable('table').parse(text)


def as_html(text: str, title: str) -> str:
    """A page of Markdown as HTML.

    >>> '<h1>Both</h1>' in as_html('# Both', 'Both')
    True
    """
    body = MarkdownIt('commonmark').enable('table').render(text)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}<style>\n{STYLE}</style></head><body>\n{body}</body></html>\n'


def as_typst(text: str) -> str:
    """A page of Markdown as Typst: headings, paragraphs, lists, tables, figures, links, code.

    >>> as_typst('a *b* [1.0, 2.0]').strip().splitlines()[-1]
    'a #emph[b] \\\\[1.0, 2.0\\\\]'
    """
    return PAGE + ''.join(map(_block, _blocks(_parsed(text))))


def _blocks(tokens: Sequence[Token]) -> list[list[Token]]:
    """The tokens of each block at the top, from where it opens to where it closes."""
    blocks, depth = [], 0
    for token in tokens:
        if not depth:
            blocks.append([])
        blocks[-1].append(token)
        depth += token.nesting
    return blocks


def _block(tokens: list[Token]) -> str:
    first = tokens[0]
    if first.type == 'heading_open':
        return f'\n{"=" * int(first.tag[1])} {_inline(tokens[1])}\n'
    if first.type in ('bullet_list_open', 'ordered_list_open'):
        mark = '-' if first.type.startswith('bullet') else '+'
        return '\n' + ''.join(f'{mark} {_inline(token)}\n' for token in tokens if token.type == 'inline')
    if first.type == 'table_open':
        cells = [token for token in tokens if token.type == 'inline']
        columns = sum(token.type == 'th_open' for token in tokens)
        head, rest = cells[:columns], cells[columns:]
        body = ''.join(f'  [{_inline(cell)}],\n' for cell in rest)
        named = ', '.join(f'[*{_inline(cell)}*]' for cell in head)
        return f'\n#table(columns: {columns}, table.header({named}),\n{body})\n'
    if first.type == 'paragraph_open':
        image = next((child for child in tokens[1].children if child.type == 'image'), None)
        if image is not None:
            return f'\n#figure(image("{image.attrs["src"]}", width: 75%), caption: [{_escaped(image.content)}])\n'
        return f'\n{_inline(tokens[1])}\n'
    raise ValueError(
        f'the paper has a block {first.type!r}, which has no form in Typst; allowed: headings, paragraphs, lists, tables'
    )


def _inline(token: Token) -> str:
    made = []
    for child in token.children:
        if child.type == 'text':
            made.append(_escaped(child.content))
        elif child.type == 'code_inline':
            made.append(f'`{child.content}`')
        elif child.type == 'link_open':
            made.append(f'#link("{child.attrs["href"]}")[')
        else:
            made.append(']' if child.type == 'link_close' else MARKS[child.type])
    return ''.join(made)


def _escaped(text: str) -> str:
    return ''.join(f'\\{sign}' if sign in '\\#$*_`<>@[]~="\'/' else sign for sign in text)
