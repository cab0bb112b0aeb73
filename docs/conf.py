"""Sphinx configuration: the pages of this folder as a site, and the catalogue of kinds that is made before each build."""

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from kinds import catalogue  # noqa: E402

project, author, copyright = 'archlab', 'the authors of archlab', 'Apache-2.0'
extensions = ['myst_nb', 'sphinx.ext.autodoc']
exclude_patterns = ['site', 'jupyter_execute']
html_theme, html_title, html_show_sourcelink = 'furo', 'archlab', False
myst_heading_anchors = 3
nb_execution_mode = 'off'
"""The notebook is shown as it was executed; a test executes it again."""
autodoc_member_order = 'bysource'
autodoc_preserve_defaults = True

(HERE / 'generated').mkdir(exist_ok=True)
(HERE / 'generated' / 'kinds.md').write_text(catalogue(), encoding='utf-8')


def _paragraph(lines: list[str]) -> list[str]:
    """A paragraph of a docstring: an example and a list in columns as they stand, all else as prose."""
    if lines[0].startswith('>>>'):
        return ['.. code-block:: python', '', *(f'   {line}' for line in lines), '']
    if any(re.search(r'^\s|\S {2,}\S', line) for line in lines):
        return ['.. code-block:: text', '', *(f'   {line}' for line in lines), '']
    parts = re.split(r'(`[^`]+`)', ' '.join(lines))
    return [''.join(f'`{one}`' if one[:1] == '`' else re.sub(r'([*|_\\])', r'\\\1', one) for one in parts), '']


def _as_written(app: Sphinx, what: str, name: str, owner: object, options: object, lines: list[str]) -> None:
    """Docstrings of the lab are plain text with `names`, lists in columns, and examples."""
    paragraphs = [part.split('\n') for part in re.split(r'\n\s*\n', '\n'.join(lines).strip('\n')) if part.strip()]
    lines[:] = [line for paragraph in paragraphs for line in _paragraph(paragraph)]


def setup(app: Sphinx) -> None:
    """Connect the docstrings."""
    app.connect('autodoc-process-docstring', _as_written)
