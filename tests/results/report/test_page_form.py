"""Form of a page: well formed, accessible, and with nothing from outside."""

import itertools
import re

import pytest
from jinja2 import UndefinedError
from read_pages import CHECKLIST, Parsed, bare, page
from simulated_study import read, small

from results.pages import environment
from results.report import inline_figures
from results.report.inline_figures import inline


def test_page_asks_for_nothing_from_outside():
    assert re.search(r'(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}', page()) is None
    assert re.search(r'<(?:script|img|iframe|link)[^>]* src=', page()) is None
    assert "default-src 'none'" in page()


def test_page_is_well_formed_and_its_ids_are_unique():
    parsed = Parsed(page())
    assert parsed.wrong == [] and parsed.open == []
    assert page().startswith('<!DOCTYPE html>')
    assert len(parsed.ids) == len(set(parsed.ids))
    used = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"|aria-labelledby="([^"]+)"', page()))
    assert {name for names in used for name in names if name} <= set(parsed.ids)


def test_page_has_accessible_names():
    parsed = Parsed(page())
    assert ('html', {'lang': 'en'}) in parsed.attributes
    assert re.search(r'<title>small_one_swap.*</title>', page()) and page().count('<h1>') == 1
    for tag, attributes in parsed.attributes:
        if tag == 'th':
            assert 'scope' in attributes
        if attributes.get('role') in ('region', 'img'):
            assert attributes.get('aria-label')
    assert page().count('<table') == page().count('<caption>')
    assert 'aria-sort' in page()
    tags = [tag for tag, _ in parsed.attributes]
    assert [tags.count(name) for name in ('header', 'nav', 'main', 'footer')] == [1, 1, 1, 1]


@pytest.mark.parametrize('shape', ['one_swap', 'path', 'factorial'])
def test_headings_come_in_order_and_every_link_of_the_page_leads_somewhere(shape):
    parsed = Parsed(bare(*read(*small(shape)), CHECKLIST))
    levels = [int(tag[1]) for tag, _ in parsed.attributes if re.fullmatch(r'h[1-6]', tag)]
    assert levels[0] == 1 and all(after - before <= 1 for before, after in itertools.pairwise(levels))
    links = [attributes['href'][1:] for tag, attributes in parsed.attributes if tag == 'a']
    assert len(links) > 10 and set(links) <= set(parsed.ids)


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    digits = colour[1:] if len(colour) == 7 else ''.join(2 * digit for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_text_stands_out_from_its_ground(scheme):
    blocks = re.findall(r':root \{(.*?)\}', page(), re.S)
    colours = dict(re.findall(r'--(\w+): (#\w+)', blocks[0 if scheme == 'light' else 1]))
    for ground in ('paper', 'card'):
        for ink in ('ink', 'soft', 'link', 'good', 'bad', 'same', 'none'):
            light, dark = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)


def test_inline_figures_keep_to_themselves():
    svg = (
        '<?xml version="1.0"?>\n<svg xmlns:xlink="x" width="10pt" height="5pt" viewBox="0 0 10 5" version="1.1">'
        '<metadata>m\n<a>own</a></metadata><!-- said\naside --><style type="text/css">*{}</style>'
        '<g id="a"><use xlink:href="#b" x="1.23456" y="2" style="fill: red"/>\n'
        '<use xlink:href="#b" x="3.45678" y="4" style="fill: red"/></g><g clip-path="url(#c)"/></svg>'
    )
    text = inline(svg, 'lr', 'a figure')
    assert 'metadata' not in text and '<style' not in text and 'xmlns' not in text and 'aside' not in text and 'own' not in text
    assert '<g id="lr-a" style="fill: red">' in text and text.count('fill: red') == 1
    assert 'href="#lr-b" x="1.23"' in text and 'url(#lr-c)' in text and 'role="img" aria-label="a figure"' in text


def test_figures_that_were_drawn_before_stand_at_their_kind(monkeypatch):
    def draw(reading: None, findings: list) -> str:
        """What it shows.

        How it is drawn.
        """
        return 'anew'

    def apart(reading: None, findings: list) -> str:
        """Another."""
        raise inline_figures.Inapplicable('of no use here')

    def svg(word: str) -> bytes:
        return f'<svg width="1pt" height="2pt"><g id="{word}"/></svg>'.encode()

    monkeypatch.setattr(inline_figures, 'FIGURES', {'one': draw, 'by_task': draw, 'effect': draw, 'none': apart})
    monkeypatch.setattr(inline_figures, 'rendered', lambda figure, form: svg(f'{figure}_{form}'))
    shown = inline_figures.inline_figures(None, [], {'one': svg('first'), 'effect': svg('third')})
    assert [one['kind'] for one in shown] == ['one', 'by task', 'effect', 'none']
    wanted = ('one-first', 'by_task-anew_svg', 'effect-third')
    assert all(f'id="{name}"' in one['svg'] for name, one in zip(wanted, shown, strict=False))
    assert [one['caption'] for one in shown] == ['What it shows.'] * 3 + ['Another.']
    assert 'aria-label="Figure: What it shows."' in shown[0]['svg'] and [one['why'] for one in shown] == [
        '',
        '',
        '',
        'of no use here',
    ]
    assert shown[3]['svg'] == ''


def test_a_template_that_names_what_is_not_there_is_an_error_and_text_is_escaped(tmp_path):
    (tmp_path / 'one.html').write_text('{% if known %}\n  <b>{{ known }}</b>\n  {% endif %}\n{{ given.name }}\n')
    template = environment(tmp_path).get_template('one.html')
    assert template.render(known='a < b', given={'name': '&'}) == '  <b>a &lt; b</b>\n&amp;\n'
    for missing in ({'known': 1}, {'known': 1, 'given': {}}, {'given': {'name': ''}}):
        with pytest.raises(UndefinedError):
            template.render(**missing)


def test_marks_of_several_styles_keep_their_own():
    def of(*styles: str, group: str = '') -> str:
        marks = ''.join(f'<use href="#b" x="1" style="{style}"/>' for style in styles)
        return inline(f'<svg width="10pt" height="5.6pt"><g id="a"{group}>{marks}</g></svg>', 'k', 'x < y')

    assert of('fill: red', 'fill: blue').count('style="fill') == 2 and '<g id="k-a">' in of('fill: red', 'fill: blue')
    assert of('fill: red', group=' style="stroke: 1"').count('style="fill: red"') == 1
    assert 'aria-label="x &lt; y" width="10" height="6"' in of('fill: red')
