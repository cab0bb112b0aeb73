"""Claims as CSV, Markdown, terminal text and a page: what is shown, and that names of others do no harm."""

import csv
import io
import re
import tempfile
from pathlib import Path

import pytest
from devtools import Browser, chromium
from made_claims import claim, collection, published

from results.claims.flat import NAMES, comma_separated, to_dict
from results.claims.forest import forest
from results.claims.formats import FORMATS, text
from results.claims.page import page

EVIL = '=1+2 | <img src=x onerror=alert(1)> \x1b[31m`x` "q"'
ODD = claim(setting={'dataset': EVIL}, metric='loss', unit=EVIL, question=EVIL, reason=EVIL)
CONFLICT = collection(
    claim(),
    claim(study='second', verdict='better', effect=0.03, interval=(0.02, 0.04)),
    claim(study='third', verdict='equivalent', effect=0.001, setting={'steps': 2400, 'base_steps': 2400}),
    claim(study='fourth', verdict='undecided'),
)


def test_a_row_of_csv_for_each_claim():
    rows = list(csv.DictReader(io.StringIO(comma_separated(published()))))
    assert len(rows) == len(published().claims) and tuple(rows[0]) == NAMES
    by_address = {one.digest: one for one in published().claims}
    for row in rows:
        one = by_address[row['claim']]
        assert row['verdict'] == one.verdict and row['datasets'] == '; '.join(one.datasets)
        assert row['effect'] == ('' if one.effect is None else str(one.effect))
    one = next(csv.DictReader(io.StringIO(comma_separated(collection(claim())))))
    assert one['params'] == '12143' and one['examples'] == '8960' and one['effect_low'] == '-0.03'


def test_no_cell_is_a_formula():
    (row,) = csv.DictReader(io.StringIO(comma_separated(collection(ODD))))
    assert row['datasets'] == f"'{EVIL}" and row['unit'] == f"'{EVIL}"
    assert row['effect'] == '-0.021'  # a number stays one


def test_markdown_is_a_table_whatever_the_names():
    lines = text(collection(ODD), 'md').splitlines()
    (row,) = [line for line in lines[2:] if line.startswith('|')]
    assert len(re.findall(r'(?<!\\)\|', row)) == len(re.findall(r'\|', lines[0])) == 10
    assert '<img' not in '\n'.join(lines) and '\\`x\\`' in row


def test_every_page_tells_of_contradictions():
    for form in ('terminal', 'md'):
        told = text(CONFLICT, form)
        assert 'Contradictions' in told and '1 comparison more' not in told
        assert 'contradicts it' in ' '.join(told.split()) and 'reverses it' in ' '.join(told.split())
    assert len(CONFLICT.contradictions) == 3
    assert '3 contradictions' in ' '.join(text(CONFLICT, 'terminal', silent=1).split())
    assert '1 comparison more is undecided' in ' '.join(text(CONFLICT, 'terminal', silent=1).split())


def test_many_remarks_are_counted():
    many = collection(*(claim(study=f's{number}') for number in range(12)))
    assert len(many.relations) == 66
    for told in (text(many, 'terminal'), text(many, 'md'), page(many)):
        assert told.count(' repeats ') == 50 and '16 pairs more: --json has all of them.' in told
    assert len(to_dict(many)['relations']) == 66


def test_a_screen_of_80_columns_is_enough():
    for one in (published(), CONFLICT, collection(ODD)):
        lines = text(one, 'terminal', width=80).splitlines()
        assert max(map(len, lines)) <= 80
    assert 'dynamic_tanh' in text(CONFLICT, 'terminal') and '[-3.0, -1.2]' in text(CONFLICT, 'terminal')


def test_no_text_steers_the_terminal():
    assert '\x1b' not in text(collection(ODD), 'terminal') and '\N{REPLACEMENT CHARACTER}' in text(collection(ODD), 'terminal')
    assert '\x1b' not in text(collection(ODD), 'sentences')


def test_doubts_stand_beside_every_verdict():
    doubtful = collection(claim(negligible=True, censored=('dynamic_tanh', 'layer_norm')))
    assert '| worse, negligible, censored, layer_norm censored |' in text(doubtful, 'md')
    assert 'worse, negligible, censored, layer_norm censored' in page(doubtful)
    (row,) = csv.DictReader(io.StringIO(comma_separated(doubtful)))
    assert row['censored'] == 'dynamic_tanh; layer_norm' and row['sentence'].endswith(', which is negligible (censored).')


def test_an_unknown_format_is_refused():
    with pytest.raises(ValueError, match=r"no format 'pdf' of claims; allowed: .*'terminal', 'csv'"):
        text(CONFLICT, 'pdf')
    assert set(FORMATS) == {'csv', 'jsonld', 'sentences', 'md'}


def test_plain_data_have_claims_and_relations():
    made = to_dict(CONFLICT)
    assert len(made['claims']) == 4 and len(made['relations']) == 3
    assert {one['claim'] for one in made['claims']} >= {one['first'] for one in made['relations']}


def test_a_page_holds_everything_and_no_markup_of_others():
    made = page(collection(ODD, *CONFLICT.claims), 'dynamic_tanh')
    assert '<img' not in made and '&lt;img' in made and '<script' not in made
    assert '<h2 id="contradictions">' in made and 'effect in margins' in made
    assert not re.search(r'https?:|url\(', made)
    assert page(collection(claim())) == page(collection(claim()))


def test_a_page_without_claims_says_so():
    assert 'No verdict says anything yet' in page(collection(claim(verdict='undecided')))
    assert 'effect in margins' not in page(collection(claim(effect=None, interval=None)))


def test_effects_are_drawn_in_margins():
    drawn = forest([claim(), claim(effect=0.0, interval=None), claim(effect=0.01, interval=None), claim(effect=None)])
    places = [float(place) for place in re.findall(r'circle cx="([\d.]+)"', drawn)]
    assert len(places) == 3 and places[0] < places[1] < places[2]
    band = re.search(r'<rect x="([\d.]+)" y="\d+" width="([\d.]+)"', drawn)
    assert places[2] == pytest.approx(float(band[1]) + float(band[2]), abs=0.11)  # one margin
    assert places[1] == pytest.approx(float(band[1]) + float(band[2]) / 2, abs=0.11)
    ticks = re.findall(r'<text x="[\d.]+" y="14" text-anchor="middle">([^<]*)<', drawn)
    assert ticks == ['−3', '−1', '0', '1', '3']
    assert forest([]) == ''


@pytest.mark.skipif(chromium() is None, reason='no Chromium is installed (chromium or google-chrome)')
def test_a_reader_sees_the_page(tmp_path: Path):
    path = tmp_path / 'claims.html'
    path.write_text(page(CONFLICT, 'dynamic_tanh'), encoding='utf-8')
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(chromium(), Path(profile))
        for width in (1280, 390):
            browser.screen(width)
            browser.open(path)
            assert browser.messages == []
            assert browser('document.documentElement.scrollWidth') <= width
            assert browser('document.querySelectorAll("ul.verdicts")[0].children.length') == 3
            links = browser('[...document.querySelectorAll("nav a")].map(a => !document.querySelector(a.getAttribute("href")))')
            assert links and not any(links)
        browser.close()
