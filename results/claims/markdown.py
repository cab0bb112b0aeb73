"""Markdown: claims as a table and a list, for a README or a pull request."""

import re

from results.claims.claim import Claim
from results.claims.collection import Collection
from results.claims.remarks import SHORT, remarks, summary
from results.claims.sentence import number_of, params_of, sentence_of, unit_of

HEADS = ('arm', 'against', 'dataset', 'verdict', 'effect', 'parameters', 'steps', 'study', 'claim')
RIGHT = ('effect', 'parameters', 'steps')


def plain(text: str) -> str:
    """A text that no renderer of Markdown takes for anything else.

    >>> print(plain('a|b <img src=x>'))
    a\\|b &lt;img src=x&gt;
    """
    escaped = re.sub(r'([|\\`*\[])', r'\\\1', ' '.join(text.split()))
    return escaped.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')


def effect_of(claim: Claim) -> str:
    """An effect with its interval and unit, or nothing."""
    if claim.effect is None:
        return ''
    interval = ''
    if claim.interval is not None and None not in claim.interval:
        interval = f' [{", ".join(number_of(claim, end) for end in claim.interval)}]'
    return f'{number_of(claim, claim.effect)}{interval} {unit_of(claim)}'


def verdict_of(claim: Claim) -> str:
    """A verdict with its marks: `negligible` for a difference within the margin, and the censored side."""
    said = ['censored' if name == claim.arm else f'{name} censored' for name in claim.censored]
    return ', '.join([claim.verdict, *['negligible'] * claim.negligible, *said])


def cells(claim: Claim) -> tuple[str, ...]:
    """A claim as cells, one for each of HEADS."""
    steps = sorted({one.steps for one in claim.settings})
    told = f'{steps[0]:,}' if len(steps) == 1 else f'{steps[0]:,} to {steps[-1]:,}'
    where, size = ', '.join(claim.datasets), params_of(claim)
    return (claim.arm, claim.base, where, verdict_of(claim), effect_of(claim), size, told, claim.study, claim.digest[:SHORT])


def _line(texts: tuple[str, ...]) -> str:
    return f'| {" | ".join(map(plain, texts))} |'


def markdown(collection: Collection, silent: int = 0) -> str:
    """The claims as a table, what contradicts, supersedes and repeats what, and the claims as sentences."""
    rule = f'| {" | ".join("---:" if head in RIGHT else "---" for head in HEADS)} |'
    lines = [_line(HEADS), rule, *(_line(cells(claim)) for claim in collection.claims), '', plain(summary(collection, silent))]
    for told in remarks(collection):
        lines += ['', f'**{told.heading}**', '']
        lines += [f'- {plain(what)}: "{plain(first)}" beside "{plain(second)}"' for what, first, second in told.lines]
        lines += [f'- {told.note}'] * bool(told.note)
    if collection.claims:
        lines += ['', '**In sentences**', '', *(f'- {plain(str(sentence_of(claim)))}' for claim in collection.claims)]
    return '\n'.join(lines) + '\n'
