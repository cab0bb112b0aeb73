"""Report figures: every figure that applies to a study, as SVG inside a page."""

import re
from collections.abc import Callable, Mapping

from markupsafe import Markup, escape

from results.figures import FIGURES, Inapplicable
from results.figures.style import rendered
from results.finding import Finding
from results.store.reading import Reading


def inline(svg: str, prefix: str, label: str) -> Markup:
    """A rendered SVG as part of a page: with ids of its own, without style, metadata or outside addresses."""
    body = svg[svg.index('<svg') :]
    body = re.sub(r'<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->', '', body, flags=re.S)
    body = re.sub(r'\s(?:xmlns(?::\w+)?|version)="[^"]*"', '', body)
    body = body.replace('xlink:href=', 'href=')
    body = re.sub(r'\bid="', f'id="{prefix}-', body)
    body = re.sub(r'href="#', f'href="#{prefix}-', body)
    body = re.sub(r'url\(#', f'url(#{prefix}-', body)

    def hoist(group: re.Match) -> str:
        """Write the style that all marks of a group share once, in the group."""
        styles = set(re.findall(r'style="([^"]*)"', group[2]))
        if len(styles) != 1 or 'style=' in group[1]:
            return group[0]
        return f'<g{group[1]} style="{styles.pop()}">{re.sub(r" style=.[^>]*?.(?=/>)", "", group[2])}</g>'

    body = re.sub(r'<g([^>]*)>((?:\s*<use [^>]*style="[^"]*"/>)+)\s*</g>', hoist, body)
    body = re.sub(r'\b([xy])="(-?\d+\.\d{2})\d+"', r'\1="\2"', body)
    size = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', body)
    look = 'style="stroke-linejoin:round;stroke-linecap:butt"'
    opening = f'role="img" aria-label="{escape(label)}" width="{float(size[1]):.0f}" height="{float(size[2]):.0f}" {look}'
    return Markup(re.sub(r'\n\s*', '\n', body.replace(size[0], opening, 1)))


def caption(draw: Callable) -> str:
    """The caption of a figure: the first paragraph of its docstring."""
    return ' '.join((draw.__doc__ or '').strip().split('\n\n')[0].split())


def inline_figures(reading: Reading, findings: list[Finding], drawn: Mapping[str, bytes] | None = None) -> list[dict]:
    """{kind, svg, caption, why} of every figure; a figure that does not apply has no SVG, and `why` says the reason.

    `drawn` are figures by kind, as SVG, that were drawn before.
    """
    shown = []
    for kind, draw in FIGURES.items():
        about = {'kind': kind.replace('_', ' '), 'caption': caption(draw), 'svg': '', 'why': ''}
        try:
            svg = (drawn or {}).get(kind) or rendered(draw(reading, findings), 'svg')
        except Inapplicable as error:
            shown.append({**about, 'why': str(error)})
            continue
        shown.append({**about, 'svg': inline(svg.decode(), kind, f'Figure: {about["caption"]}')})
    return shown
