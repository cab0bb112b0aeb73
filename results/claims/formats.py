"""Formats: claims as text for people and programs, by the name of a format."""

import io

from rich.console import Console

from results.claims.collection import Collection
from results.claims.flat import comma_separated
from results.claims.linked import as_jsonld
from results.claims.markdown import markdown
from results.claims.sentences import sentences
from results.claims.terminal import terminal

FORMATS = {
    'csv': lambda collection, silent: comma_separated(collection),
    'jsonld': lambda collection, silent: as_jsonld(collection),
    'sentences': lambda collection, silent: sentences(collection),
    'md': markdown,
}
"""{format: function of a collection and of the number of verdicts that say nothing and are left out}."""


def text(collection: Collection, form: str, silent: int = 0, width: int = 80) -> str:
    """The claims in a format of FORMATS, or as on a terminal of some width. Raises ValueError on an unknown format."""
    if form == 'terminal':
        page = io.StringIO()
        Console(file=page, width=width).print(terminal(collection, silent))
        return page.getvalue()
    if form not in FORMATS:
        raise ValueError(f"there is no format '{form}' of claims; allowed: {['terminal', *FORMATS]}; choose one of them")
    return FORMATS[form](collection, silent)
