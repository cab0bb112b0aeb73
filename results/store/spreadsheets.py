"""Spreadsheets: cells of CSV that no program takes for a formula."""


def inert(value: object) -> object:
    """The value of a cell; a text that would be run, as names and notes of others may be, gets a quote before it.

    >>> inert('=1+2'), inert('base'), inert(-0.5)
    ("'=1+2", 'base', -0.5)
    """
    risky = isinstance(value, str) and (value.lstrip()[:1] in ('=', '+', '-', '@') or value[:1] in ('\t', '\r'))
    return f"'{value}" if risky else value
