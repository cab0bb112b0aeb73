"""Rewriting: texts with one kind of evidence taken out, to learn what a classifier of texts rests on (2502.12150, section 4).

>>> [rewrite('**Sure!**  Two words, here.', [name]) for name in ('without_markdown', 'without_marks', 'lower_case')]
['Sure!  Two words, here.', 'Sure Two words here', '**sure!**  two words, here.']
>>> rewrite('Sure! Two words, here.', ['first_words:2'])
'Sure! Two'
"""

import random
import re
import unicodedata
from collections.abc import Callable, Sequence

import numpy as np

from ablations.config import closest
from ablations.seeds import derive
from sweeps.datasets.prepared import Part

LINE = re.compile(
    r'^[ \t]*(?:(?:-{3,}|={3,}|\*{3,}|_{3,}|```\w*)[ \t]*$|(?:#{1,6}|[-*+]|\d{1,3}[.)])(?:[ \t]+|$)|>[ \t]?)', re.MULTILINE
)
"""What Markdown puts before a line: a heading, an item, a quotation, a fence, a rule."""
INSIDE = re.compile(r'(\*{1,3}|_{2,3}|`+)(?=\S)(.+?)(?<=\S)\1', re.DOTALL)
"""Strong, emphasised and code text."""
LINK = re.compile(r'!?\[([^\]\n]*)\]\([^)\n]*\)')


def _without_markdown(text: str, _: random.Random) -> str:
    return LINK.sub(r'\1', INSIDE.sub(r'\2', LINE.sub('', text)))


def _without_marks(text: str, _: random.Random) -> str:
    """Letters, digits and single spaces."""
    plain = ''.join(' ' if one.isspace() else one for one in text if one.isspace() or unicodedata.category(one)[0] in 'LMN')
    return ' '.join(plain.split())


def _shuffled_words(text: str, draw: random.Random) -> str:
    words = text.split()
    draw.shuffle(words)
    return ' '.join(words)


def _shuffled_letters(text: str, draw: random.Random) -> str:
    letters = list(text)
    draw.shuffle(letters)
    return ''.join(letters)


REWRITINGS: dict[str, Callable[[str, random.Random], str]] = {
    'lower_case': lambda text, _: text.lower(),
    'without_markdown': _without_markdown,
    'without_marks': _without_marks,
    'shuffled_words': _shuffled_words,
    'shuffled_letters': _shuffled_letters,
}
"""Name of a rewriting -> the new text of a text; what is shuffled takes white space between words as one space."""
FIRST_WORDS = re.compile(r'first_words:([1-9]\d{0,5})')


def check(names: Sequence[str]) -> None:
    """Raise ValueError for the name of a rewriting that there is not."""
    for name in names:
        if not isinstance(name, str) or (name not in REWRITINGS and not FIRST_WORDS.fullmatch(name)):
            allowed = [*REWRITINGS, 'first_words:16']
            raise ValueError(f'rewrite {name!r}; allowed: {allowed} (or another number).{closest(str(name), allowed)}')


def rewrite(text: str, names: Sequence[str]) -> str:
    """The text after each rewriting in turn. What is shuffled depends on the text alone, so it is the same everywhere."""
    for name in names:
        if first := FIRST_WORDS.fullmatch(name):
            text = ' '.join(text.split()[: int(first[1])])
        else:
            text = REWRITINGS[name](text, random.Random(derive('rewrite', name, text)))
    return text


def rewritten(part: Part, names: Sequence[str]) -> Part:
    """A part of texts, each of them rewritten; bytes that are no UTF-8 become a mark."""
    rows = []
    for number in range(len(part)):
        text = bytes(part.example(number)).decode('utf-8', 'replace')
        rows.append(np.frombuffer(rewrite(text, names).encode(), np.uint8))
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    return Part(np.concatenate([np.zeros(0, np.uint8), *rows]), part.y, part.group, offsets)
