"""Pages: what all self-contained HTML pages of the lab share: their look, and tables with headings and notes."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

FOLDER = Path(__file__).parent


def environment(folder: Path) -> Environment:
    """The templates in a folder, which may import those that all pages share; all text is escaped."""
    return Environment(
        loader=FileSystemLoader([folder, FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def style() -> Markup:
    """The style sheet of all pages."""
    return Markup((FOLDER / 'page.css').read_text(encoding='utf-8'))


def grid(caption: str, columns: str, rows: list, notes: list | None = None) -> dict:
    """A table of a page, for the macro `shown`; a heading in `columns` has its kind after a colon, else it holds numbers.

    Kinds are 'word', 'long', 'mark' and 'number'. The first cell of a row is its heading.

    >>> grid('Sizes', 'arm:word, params', [['base', '640']])['columns']
    [('arm', 'word'), ('params', 'number')]
    """
    heads = [tuple(column.split(':')) if ':' in column else (column, 'number') for column in columns.split(', ')]
    return {'caption': caption, 'columns': heads, 'rows': rows, 'notes': notes or []}
