"""Forest: the effects of claims beside each other, in margins of their tasks, as SVG that is part of a page.

A margin is the largest negligible effect, so effects in points and in nats stand on one axis. It is linear within a margin and
grows like a logarithm far from it (asinh), because effects differ by orders of magnitude.
"""

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from results.claims.claim import Claim

WIDTH, LEFT, RIGHT, ROW, TOP = 940, 380, 30, 22, 34
COLOURS = {'better': '#0b6b3a', 'worse': '#a3261b', 'equivalent': '#0b57a4'}
"""As in the style sheet of the pages."""
OTHER = '#555'
TICKS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10000)


def shown(claims: Sequence[Claim]) -> list[Claim]:
    """The claims that have an effect to show."""
    return [claim for claim in claims if claim.effect is not None]


def forest(claims: Sequence[Claim]) -> Markup:
    """A line with a dot for each claim that has an effect; nothing where none has."""
    drawn = shown(claims)
    if not drawn:
        return Markup('')
    ends = [abs(end) for claim in drawn for end in _margins(claim) if end is not None]
    far = next((tick for tick in TICKS if tick >= max(ends)), max(ends))

    def place(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (0.5 + 0.5 * math.asinh(value) / math.asinh(far))

    height = TOP + ROW * len(drawn) + 8
    lines = [
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-label="Effects in margins, one line a claim; the sentences above say the same" font-size="12">',
        f'<text x="{LEFT - 36}" y="14" text-anchor="end">effect in margins</text>',
        f'<rect x="{place(-1):.1f}" y="{TOP - 8}" width="{place(1) - place(-1):.1f}" height="{height - TOP}" fill="#eef1f5"/>',
    ]
    for tick in [*(-one for one in reversed(TICKS) if one <= far), 0, *(one for one in TICKS if one <= far)]:
        text = f'{tick:,}'.replace('-', '\N{MINUS SIGN}')
        dash = '' if tick == 0 else ' stroke-dasharray="2 3"'
        lines.append(f'<text x="{place(tick):.1f}" y="14" text-anchor="middle">{text}</text>')
        lines.append(f'<path d="M{place(tick):.1f} {TOP - 12}V{height - 4}" stroke="#999"{dash}/>')
    for number, claim in enumerate(drawn):
        lines.append(_line(claim, TOP + ROW * number + 6, place))
    return Markup('\n'.join([*lines, '</svg>']))


def _margins(claim: Claim) -> tuple:
    """Effect and interval in margins."""
    return tuple(None if end is None else end / claim.margin for end in (claim.effect, *(claim.interval or (None, None))))


def _line(claim: Claim, y: float, place: object) -> str:
    effect, low, high = _margins(claim)
    colour = COLOURS.get(claim.verdict, OTHER)
    where = claim.datasets[0] if claim.scope == 'dataset' else f'all {len(claim.datasets)} datasets'
    label = f'{claim.arm} against {claim.base}, {where} ({claim.study})'
    label = label if len(label) <= 62 else f'{label[:61]}\N{HORIZONTAL ELLIPSIS}'
    span = (
        '' if None in (low, high) else f'<path d="M{place(low):.1f} {y}H{place(high):.1f}" stroke="{colour}" stroke-width="2"/>'
    )
    hollow = f'fill="{colour}"' if claim.says else f'fill="#fff" stroke="{colour}" stroke-width="1.5"'
    dot = f'<circle cx="{place(effect):.1f}" cy="{y}" r="4" {hollow}><title>{escape(claim.verdict)}</title></circle>'
    return f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end">{escape(label)}</text>{span}{dot}'
