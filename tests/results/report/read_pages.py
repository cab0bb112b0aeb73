"""Pages for the tests of reports, and what a reader and a parser find on them."""

import functools
import re
from html.parser import HTMLParser

import pytest
from simulated_study import read, small

from results.report.page import report

CHECKLIST = [
    {'rule': 'equal budgets', 'holds': True, 'why': '16 trials each'},
    {'rule': 'two datasets', 'holds': False, 'why': 'one & only <one>'},
    {'rule': 'sealed test', 'holds': None, 'why': 'unfinished'},
]


def data(cliff: float = 0.9) -> tuple:
    return small(cliff=cliff)


@functools.cache
def page(shape: str = 'one_swap') -> str:
    return report(*read(*small(shape)), CHECKLIST)


def bare(*given: object) -> str:
    """A page without figures, which take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('results.report.inline_figures.FIGURES', {})
        return report(*given)


@functools.cache
def words(shape: str = 'one_swap') -> str:
    return text_of(bare(*read(*small(shape)), CHECKLIST))


def text_of(html: str) -> str:
    """What a reader sees, without JavaScript."""
    text = re.sub(r'<(script|style|svg).*?</\1>', ' ', html, flags=re.S)
    text = re.sub(r'<[^>]+>', ' ', text).replace('&lt;', '<').replace('&gt;', '>').replace('&#34;', '"').replace('&amp;', '&')
    return ' '.join(text.replace('&#39;', "'").split())


class Parsed(HTMLParser):
    """Ids and unclosed elements of a page."""

    def __init__(self, html: str):
        super().__init__()
        self.ids, self.open, self.wrong, self.attributes = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == 'id']
        self.attributes.append((tag, dict(attrs)))
        if tag not in ('meta', 'link', 'input', 'br', 'wbr', '!doctype'):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == 'id']

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)
