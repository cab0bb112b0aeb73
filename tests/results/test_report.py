"""Report: one page that holds the whole study and needs nothing else."""

import copy
import dataclasses
import functools
import json
import re
from html.parser import HTMLParser

from ablations.quickstart import study as quickstart
from results.evidence import findings
from results.report import inline, report, runs, sentence
from sweeps.plan import schedule
from sweeps.simulate import World, simulate

SMALL = dataclasses.replace(quickstart, trials=8, replicates=2, looks=(), extension=0)
CHECKLIST = [
    {'rule': 'equal budgets', 'holds': True, 'why': '16 trials each'},
    {'rule': 'two datasets', 'holds': False, 'why': 'one & only <one>'},
    {'rule': 'sealed test', 'holds': None, 'why': 'unfinished'},
]


@functools.cache
def data(cliff: float = 0.4) -> tuple:
    planned, records = simulate(SMALL, World(top={'no_mixer': -0.4}, noise=0.01, split=0.01, cliff=cliff), seed=3)
    manifest = {'costs': {}, 'looks': [2], 'test_reads': {'digits': 10}}
    return SMALL, planned, records, manifest, findings(SMALL, planned, records, manifest)


@functools.cache
def page() -> str:
    return report(*data(), CHECKLIST)


def embedded(html: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="runs-data">(.*?)</script>', html, re.S)[1])


class Parsed(HTMLParser):
    """Ids and unclosed elements of a page."""

    def __init__(self, html: str):
        super().__init__()
        self.ids, self.open, self.wrong, self.attributes = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == 'id']
        self.attributes.append((tag, dict(attrs)))
        if tag not in ('meta', 'link', 'input', 'br'):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == 'id']

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_page_is_the_same_twice():
    assert report(*data(), CHECKLIST) == page()


def test_page_asks_for_nothing_from_outside():
    assert re.search(r'(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}', page()) is None
    assert re.search(r'<(?:script|img|iframe|link)[^>]* src=', page()) is None
    assert "default-src 'none'" in page()


def test_page_is_well_formed_and_its_ids_are_unique():
    parsed = Parsed(page())
    assert parsed.wrong == [] and parsed.open == []
    assert len(parsed.ids) == len(set(parsed.ids))
    used = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"|aria-labelledby="([^"]+)"', page()))
    assert {name for names in used for name in names if name} <= set(parsed.ids)


def test_page_has_accessible_names():
    parsed = Parsed(page())
    assert ('html', {'lang': 'en'}) in parsed.attributes
    assert re.search(r'<title>quickstart.*</title>', page()) and page().count('<h1>') == 1
    for tag, attributes in parsed.attributes:
        if tag == 'th':
            assert 'scope' in attributes
        if attributes.get('role') in ('region', 'img'):
            assert attributes.get('aria-label')
    assert page().count('<table') == page().count('<caption>')
    assert 'aria-sort' in page()


def test_every_arm_and_task_has_its_sentence():
    study, _, _, _, found = data()
    for one in found:
        assert f'{one.arm} against {study.base} on {one.task}: {one.verdict}' in page()
    for arm in study.arms:
        assert arm in page()


def test_every_record_is_embedded():
    _, planned, records, *_ = data()
    held = embedded(page())
    assert len(held['rows']) == len(records)
    place = {name: i for i, name in enumerate(held['columns'])}
    assert {row[place['id']] for row in held['rows']} == set(records)
    row = held['rows'][0]
    trial = planned.trials[0]
    assert held['words']['arm'][row[place['arm']]] == trial.arm
    assert row[place['lr']] == dict(trial.knobs)['lr'] and row[place['seed']] == trial.seed
    lost = sum(held['words']['status'][row[place['status']]] == 'diverged' for row in held['rows'])
    assert lost == sum(record['status'] == 'diverged' for record in records.values()) > 0


def test_records_that_are_no_longer_planned_stay_visible():
    study, planned, records, manifest, found = data()
    extra = {**records, 'old': {'id': 'old', 'arm': 'gone', 'task': 'digits', 'status': 'failed', 'reason': 'no memory'}}
    held = runs(study, planned, extra)
    row = held['rows'][-1]
    assert row[-1] == 'old' and held['words']['phase'][row[2]] == 'not planned' and held['words']['arm'][row[0]] == 'gone'
    assert 'no longer planned' in report(study, planned, extra, manifest, found, [])


def test_text_of_records_cannot_break_the_page():
    study, planned, records, manifest, found = data()
    spoiled = copy.deepcopy(records)
    first = next(iter(spoiled.values()))
    first |= {'status': 'failed', 'reason': '</script><script>alert(1)</script>', 'environment': {'source': '<i>'}}
    html = report(study, planned, spoiled, manifest, found, CHECKLIST)
    assert '<script>alert' not in html and '<i>' not in html
    assert '</script><script>alert(1)</script>' in embedded(html)['words']['note']


def test_checklist_is_shown_with_its_answers():
    for wanted in ('equal budgets', '>holds<', '>fails<', '>not known<', 'one &amp; only &lt;one&gt;'):
        assert wanted in page()


def test_budgets_and_recipes_are_shown():
    study, planned, *_ = data()
    chosen = planned.selections['rms_norm', 'digits', 0]
    assert f'lr {dict(chosen.knobs)["lr"]:.3g}, weight_decay {dict(chosen.knobs)["weight_decay"]:.3g}' in page()
    assert f'<td>{planned.budgets[study.base, "digits"]["steps"]:,}</td>' in page()
    uneven = dataclasses.replace(planned, budgets={**planned.budgets, ('no_mixer', 'digits'): {'trials': 1}})
    assert 'unequal' in report(study, uneven, *data()[2:], CHECKLIST)


def test_unfinished_and_diverged_studies_have_a_page():
    study, _, records, manifest, _ = data()
    kept = dict(list(records.items())[: len(records) // 4])
    planned = schedule(study, kept, manifest)
    html = report(study, planned, kept, manifest, findings(study, planned, kept, manifest), [])
    assert 'nothing is claimed' in html and 'None' not in re.sub(r'<script.*?</script>', '', html, flags=re.S)
    assert 'undecided, because unfinished' in html
    lost = report(*data(cliff=-9.0), [])
    assert 'not comparable, because every tuning run' in lost
    assert 'every tuning run diverged or failed' in lost


def test_sentence_says_the_effect_once_and_marks_censoring():
    one = next(one for one in data()[-1] if one.arm == 'no_mixer')
    text = sentence(dataclasses.replace(one, verdict='worse', censored=('adamw lr high',)))
    assert text.startswith(f'no_mixer against layer_norm on {one.task}: worse. Effect −') and 'points [' in text
    assert text.count('adjusted p') == 1
    assert 'Censored: the optimum of no_mixer lies at the edge of its range (adamw lr high).' in text


def test_inline_figures_keep_to_themselves():
    svg = (
        '<?xml version="1.0"?>\n<svg xmlns:xlink="x" width="10pt" height="5pt" viewBox="0 0 10 5" version="1.1">'
        '<metadata>m</metadata><style>*{}</style><g id="a"><use xlink:href="#b" x="1.23456" y="2" style="fill: red"/>\n'
        '<use xlink:href="#b" x="3.45678" y="4" style="fill: red"/></g><g clip-path="url(#c)"/></svg>'
    )
    text = inline(svg, 'lr', 'a figure')
    assert 'metadata' not in text and '<style>' not in text and 'xmlns' not in text
    assert '<g id="lr-a" style="fill: red">' in text and text.count('fill: red') == 1
    assert 'href="#lr-b" x="1.23"' in text and 'url(#lr-c)' in text and 'role="img" aria-label="a figure"' in text
