"""Claims as CSV, Markdown, terminal text and a page: what is shown, and that names of others do no harm."""

import csv
import dataclasses
import io
import re
import tempfile
from pathlib import Path

import pytest
from devtools import Browser, chromium
from made_claims import SETTING, claim, collection, published
from markupsafe import escape

from ablations.study import Study
from results.claims.collection import Collection
from results.claims.flat import NAMES, comma_separated, to_dict
from results.claims.forest import forest
from results.claims.formats import FORMATS, text
from results.claims.markdown import cells as markdown_cells
from results.claims.page import page
from results.claims.remarks import summary
from results.claims.source import Source

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


def test_what_is_not_known_is_an_empty_cell():
    fields = {
        'question': 'Which\n  norm?',
        'interval': None,
        'effect': None,
        'p_adjusted': None,
        'setting': {'base_params': None},
    }
    failing = (
        {'kind': 'bundle', 'place': 'a', 'failing': ['one', 'two']},
        {'kind': 'runs', 'place': 'b', 'failing': ['three']},
    )
    (row,) = csv.DictReader(io.StringIO(comma_separated(collection(claim(**fields, sources=failing)))))
    assert row['question'] == 'Which norm?'
    assert [row[name] for name in ('effect', 'effect_low', 'effect_high', 'p_adjusted', 'base_params')] == [''] * 5
    assert (row['params'], row['source'], row['failing']) == ('12143', 'a; b', 'one; two; three')


SETTINGS = tuple(
    dataclasses.replace(SETTING, task=name, dataset=name, steps=steps) for name, steps in (('a', 2400), ('b', 90), ('c', 90))
)


@pytest.mark.parametrize(
    ('fields', 'cells'),
    [
        ({}, ('worse', '-2.1 [-3.0, -1.2] points', '12.1k', '140')),
        ({'interval': None}, ('worse', '-2.1 points', '12.1k', '140')),
        ({'interval': (-0.03, None)}, ('worse', '-2.1 points', '12.1k', '140')),
        ({'effect': None}, ('worse', '', '12.1k', '140')),
        ({'setting': {'params': None}}, ('worse', '-2.1 [-3.0, -1.2] points', '', '140')),
        ({'censored': ('layer_norm',)}, ('worse, layer_norm censored', '-2.1 [-3.0, -1.2] points', '12.1k', '140')),
        ({'settings': SETTINGS}, ('worse', '-2.1 [-3.0, -1.2] points', '12.1k', '90 to 2,400')),
        ({'settings': SETTINGS[1:]}, ('worse', '-2.1 [-3.0, -1.2] points', '12.1k', '90')),
    ],
    ids=str,
)
def test_cells_say_what_is_known(fields: dict, cells: tuple):
    assert markdown_cells(claim(**fields))[3:7] == cells


@pytest.mark.parametrize(('p', 'shown'), [(None, ''), (0.0009, '<0.001'), (0.001, '0.001'), (0.0014, '0.001'), (0.25, '0.250')])
def test_p_is_shown_to_three_decimals(p: float | None, shown: str):
    (row,) = re.findall(r'<tr>(.*?)</tr>', page(collection(claim(p_adjusted=p))).replace('\n', '').partition('Every claim')[2])[
        1:2
    ]
    assert escape(shown) in [re.sub('<[^>]+>', '', cell) for cell in re.findall(r'<td.*?>(.*?)</td>', row)]


@pytest.mark.parametrize(
    ('claims', 'about', 'lead'),
    [
        ((claim(),), '', 'What 1 study concludes.'),
        ((claim(), claim(study_digest='b' * 16)), 'norms', 'What 2 studies conclude about norms.'),
    ],
    ids=['one', 'two'],
)
def test_a_page_says_what_it_is_about(claims: tuple, about: str, lead: str):
    made = page(collection(*claims), about)
    assert f'<p class="lead">{lead}</p>' in made and f'<h1>{about or "Claims"}</h1>' in made


def test_verdicts_are_counted_from_the_better_to_the_unstable():
    told = collection(
        claim(verdict='unstable', diverged=3), claim(verdict='better'), claim(), claim(arm='x'), claim(verdict='undecided')
    )
    assert '4 claims: 1 better, 2 worse, 1 unstable.' in page(told) and '1 comparison undecided or not comparable' in page(told)


@pytest.mark.parametrize(
    ('silent', 'studies', 'said'),
    [
        (0, 1, '1 claim of 1 study, 0 contradictions.'),
        (1, 1, '1 claim of 1 study, 0 contradictions; 1 comparison more is undecided or not comparable (--all shows them).'),
        (
            2,
            2,
            '2 claims of 2 studies, 0 contradictions; 2 comparisons more are undecided or not comparable (--all shows them).',
        ),
    ],
)
def test_what_was_read_is_counted_in_a_sentence(silent: int, studies: int, said: str):
    claims = [claim(study_digest=str(number) * 16, arm=f'arm_{number}', metric=f'm{number}') for number in range(studies)]
    assert summary(collection(*claims), silent) == said


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


def test_a_size_that_is_not_known_leaves_no_line_empty():
    lines = text(collection(claim(setting={'params': None})), 'terminal').splitlines()
    first = next(line for line in lines if line.split()[:1] == ['dynamic_tanh'])
    assert '140' in first.split() and '12.1k' in text(collection(claim()), 'terminal')


def test_a_part_of_a_collection_has_its_claims_and_what_they_take_part_in():
    first, second, third, silent = CONFLICT.claims
    part = CONFLICT.only([first])
    assert part.claims == (first,) and len(part.relations) == 2 and len(CONFLICT.relations) == 3
    assert all(first in (one.first, one.second) for one in part.relations)
    assert CONFLICT.only([silent]).relations == () and CONFLICT.only(()).claims == ()
    assert CONFLICT.saying().claims == (first, second, third) and CONFLICT.saying().relations == CONFLICT.relations


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


def test_a_page_names_the_studies_that_its_claims_come_from():
    def source(name: str, digest: str, question: str = 'Which\n  norm?\n\nWhy it is asked.', failing: tuple = ()) -> Source:
        study = Study(name=name, question=question, arms={'base': ()}, tasks=('digits',))
        return Source(study, digest, [], {}, 'runs', f'runs/{name}', failing)

    own, silent = claim(study='first'), claim(study='second', study_digest='b' * 16, verdict='undecided')
    given = (
        source('first', own.study_digest, failing=('one', 'two')),
        source('second', 'b' * 16, 'Is it?'),
        source('third', 'c' * 16),
    )
    made = page(Collection((own, silent), (), given, ('somewhere: it is damaged',)))
    told = made.partition('id="studies"')[2].partition('</section>')[0]
    heads = re.findall(r'<th scope="col" class="(\w+)">([^<]*)</th>', told)
    kinds = {'study': 'word', 'question': 'long', 'read from': 'long', 'digest': 'word', 'rules it breaks': 'long'}
    assert {name: kind for kind, name in heads} == kinds
    rows = [re.findall(r'<t[hd][^>]*>([^<]*)<', row) for row in re.findall(r'<tr>(.*?)</tr>', told, flags=re.S)[1:]]
    assert rows == [
        ['first', 'Which norm?', 'runs/first', own.study_digest, 'one; two'],
        ['second', 'Is it?', 'runs/second', 'b' * 16, ''],
    ]
    assert re.findall(r'class="note">([^<]*)<', told) == ['Not used: somewhere: it is damaged']
    assert 'What 2 studies conclude.' in made


def test_a_page_lists_each_claim_with_what_is_wrong_with_its_study():
    broken = claim(sources=({'failing': ['two datasets']}, {'failing': ['one protocol']}, {'place': 'x'}))
    made = page(collection(broken, claim(study='second', verdict='undecided'), claim(study='third', arm='other', effect=0.1)))
    told = made.partition('id="claims"')[2].partition('</section>')[0]
    items = re.findall(r'<li>(.*?)</li>', told)
    assert len(items) == 2 and 'second' not in told
    assert f'(first, {broken.digest[:8]}; the study breaks a rule: two datasets; one protocol)' in items[0]
    assert 'breaks a rule' not in items[1]
    assert f'<code>archlab claims --study {broken.digest[:8]} --out my_study.py</code>' in made
    assert '<title>Claims: archlab claims</title>' in made and '<title>norms: archlab claims</title>' in page(
        collection(broken), 'norms'
    )


def test_effects_are_drawn_in_margins():
    drawn = forest([claim(), claim(effect=0.0, interval=None), claim(effect=0.01, interval=None), claim(effect=None)])
    places = [float(place) for place in re.findall(r'circle cx="([\d.]+)"', drawn)]
    assert len(places) == 3 and places[0] < places[1] < places[2]
    band = re.search(r'<rect x="([\d.]+)" y="\d+" width="([\d.]+)"', drawn)
    assert places[2] == pytest.approx(float(band[1]) + float(band[2]), abs=0.11)  # one margin
    assert places[1] == pytest.approx(float(band[1]) + float(band[2]) / 2, abs=0.11)
    ticks = re.findall(r'<text x="[\d.]+" y="14" text-anchor="middle">([^<]*)<', drawn)
    assert ticks == ['−3', '−1', '0', '1', '3']
    assert forest([]) == '' == forest([claim(effect=None)])


def test_a_line_of_effects_says_whose_they_are():
    many = tuple(dataclasses.replace(SETTING, dataset=name) for name in 'ab')
    drawn = str(
        forest([claim(), claim(scope='overall', settings=many, unit='margins', margin=1.0), claim(verdict='undecided')])
    )
    labels = [line.partition('text-anchor="end">')[2].partition('<')[0] for line in drawn.splitlines() if '<circle' in line]
    assert labels == [f'dynamic_tanh against layer_norm, {where} (first)' for where in ('digits', 'all 2 datasets', 'digits')]
    assert drawn.count('fill="#fff"') == 1, 'what is undecided is hollow'
    assert drawn.count('fill="#a3261b"') == 2 and drawn.count('stroke="#555"') == 2
    for letters, end in ((62, '(first)'), (63, '(firs\N{HORIZONTAL ELLIPSIS}')):
        arm = 'a' * (letters - len(' against layer_norm, digits (first)'))
        (label,) = re.findall(r'text-anchor="end">(a[^<]*)<', str(forest([claim(arm=arm)])))
        assert len(label) == 62 and label.endswith(end)


@pytest.mark.parametrize(('interval', 'lines'), [((-0.03, -0.012), 1), ((None, -0.012), 0), ((-0.03, None), 0), (None, 0)])
def test_an_interval_is_drawn_where_both_ends_are_known(interval: tuple | None, lines: int):
    assert str(forest([claim(interval=interval)])).count('stroke-width="2"') == lines


def test_the_axis_reaches_the_next_tick_beyond_the_furthest_effect():
    def last(*effects: float) -> str:
        drawn = str(forest([claim(effect=effect, interval=None) for effect in effects]))
        return re.findall(r'text-anchor="middle">([^<]*)<', drawn)[-1]

    assert [last(-0.005, 0.5), last(0.5, -0.005), last(0.03), last(-0.0301), last(0.001)] == ['100', '100', '3', '10', '1']
    drawn = str(forest([claim(effect=0.001, interval=(-0.5, 0.002))]))
    assert re.findall(r'text-anchor="middle">([^<]*)<', drawn)[-1] == '100', 'an interval counts as well'


def test_an_effect_beyond_the_last_tick_is_the_end_of_the_axis():
    drawn = str(forest([claim(effect=-200.0, interval=None)]))
    assert re.search(r'circle cx="([\d.]+)"', drawn)[1] == '380.0' and '−10,000<' in drawn


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
