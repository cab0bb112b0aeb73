"""Markdown text: names, units and notes of others in a line of Markdown, so that no renderer takes them for anything else."""

import re

_TAG, _MARK = re.compile(r'<(?=[A-Za-z/!?])'), re.compile(r'([\\`|]|(?<=\])(?=\())')


def unrendered(text: str) -> str:
    """One line in which no tag, link, code or end of a cell begins; `<0.001` stays as it is.

    >>> print(unrendered('[a](b) | <img src=x> <0.001'))
    [a]\\(b) \\| &lt;img src=x> <0.001
    """
    return _TAG.sub('&lt;', _MARK.sub(r'\\\1', text)).replace('\n', ' ')
