"""Spreadsheets: cells of CSV that no program which opens them takes for a formula."""

import re
import unicodedata

FORMULA = ('=', '+', '-', '@')
_PLAIN = re.compile(r"[+-]\d[^=|!(@'\t\r\n]*")


def inert(value: object) -> object:
    """The value of a cell; a text that would be run, as names and notes of others may be, gets a quote before it.

    >>> inert('=1+2'), inert('\uff1d1'), inert('base'), inert(-0.5)
    ("'=1+2", "'\uff1d1", 'base', -0.5)
    """
    if not isinstance(value, str):
        return value
    # Some programs take wide forms of these letters for the letters.
    first = unicodedata.normalize('NFKC', value.lstrip()[:1])
    risky = first in FORMULA or value[:1] in ('\t', '\r')
    return f"'{value}" if risky else value


def inert_sentence(value: object) -> object:
    """The same of a sentence of the lab's, which may begin with a signed number and words.

    >>> inert_sentence('-0.037 share of images, adjusted p 1'), inert_sentence("-1 cmd|' /C calc'!A0")
    ('-0.037 share of images, adjusted p 1', "'-1 cmd|' /C calc'!A0")
    """
    return value if isinstance(value, str) and _PLAIN.fullmatch(value) else inert(value)
