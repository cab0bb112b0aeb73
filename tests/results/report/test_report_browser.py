"""Report in a browser: what a reader sees and can do, in a real headless Chromium."""

import json
import tempfile
from pathlib import Path

import pytest
from devtools import Browser, chromium
from simulated_study import manifest_of, read, record, score, small, study_of

from results.evidence import findings
from results.report.page import report
from results.report.trial_table import PAGE, trials
from results.store.reading import Reading
from results.store.recorded import Records
from sweeps.protocol.plan import schedule

NORMS = Path(__file__).parents[3] / 'results' / 'published' / 'norms' / 'report.html'
SECONDS, BYTES = 2.0, 5_000_000
"""What a report of 5,000 trials may take to open, and how large it may be."""
CHECKLIST = [{'rule': 'equal budgets', 'holds': True, 'why': '16 trials each'}]
pytestmark = pytest.mark.skipif(chromium() is None, reason='no Chromium is installed (chromium or google-chrome)')


@pytest.fixture(scope='module')
def browser():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        chrome = Browser(chromium(), Path(profile))
        yield chrome
        chrome.close()


@pytest.fixture(scope='module')
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('report') / 'small.html'
    path.write_text(report(*read(*small()), CHECKLIST), encoding='utf-8')
    return path


@pytest.fixture(autouse=True)
def desk(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue('browser').screen(1280)


def column(browser: Browser, name: str) -> list[str]:
    """The cells of a column of the table of runs, as they are shown."""
    return browser(
        f"""(() => {{ const table = document.getElementById('table-of-runs');
        const place = [...table.querySelectorAll('thead th')].findIndex(th => th.textContent === '{name}');
        return [...table.tBodies[0].rows].map(row => row.cells[place].textContent); }})()"""
    )


def known(name: str, **wanted: str) -> list:
    """A column of the records, of the runs that have these words, as Python finds them in the page's data."""
    data = trials(Reading(*small()[:3]))
    place = data['columns'].index

    def value(row: list, key: str):
        cell = row[place(key)]
        return data['words'][key][cell] if key in data['words'] and cell is not None else cell

    return [value(row, name) for row in data['rows'] if all(str(value(row, key)) == word for key, word in wanted.items())]


def sorts(browser: Browser) -> dict[str, str]:
    heads = browser(
        "[...document.querySelectorAll('#table-of-runs th')].map(th => [th.textContent, th.getAttribute('aria-sort')])"
    )
    return {name: way for name, way in heads if way != 'none'}


def test_the_page_opens_without_errors_and_without_asking_anything_of_the_network(browser, page):
    browser.open(page)
    assert browser.messages == []
    assert browser('document.title') == 'small_one_swap: archlab report'
    assert len(column(browser, 'id')) == PAGE == 100
    assert browser("document.getElementById('shown').textContent") == f'Runs 1 to 100 of {len(small()[2])}'
    browser('console.error("seen"); setTimeout(() => { throw new Error("thrown"); }, 0)')
    browser('new Promise(done => setTimeout(done, 50))')
    assert len(browser.messages) == 2  # so that silence means something


@pytest.mark.parametrize('order', ['ascending', 'descending'])
@pytest.mark.parametrize('name', ['score', 'lr', 'arm'])
def test_the_address_sorts(browser, page, name, order):
    browser.open(page, f'#sort={name}&order={order}')
    values = [value for value in known(name) if value is not None]
    wanted = sorted(values, reverse=order == 'descending')[:PAGE]
    shown = column(browser, name)
    assert ([float(cell) for cell in shown] if name != 'arm' else shown) == wanted
    assert sorts(browser) == {name: order}


def test_what_has_no_number_is_last_either_way(browser, page):
    lost = known('status').count('diverged')
    assert 0 < lost < PAGE
    for order in ('ascending', 'descending'):
        browser.open(page, f'#sort=score&order={order}&page=99')
        assert column(browser, 'score')[-lost:] == ['–'] * len(column(browser, 'score')[-lost:])
        assert column(browser, 'status')[-1] == 'diverged'


def test_the_address_filters_and_the_controls_follow_it(browser, page):
    browser.open(page, '#arm=no_mixer&task=digits&phase=confirm&sort=seed&order=ascending')
    wanted = sorted(known('seed', arm='no_mixer', task='digits', phase='confirm'))
    assert [int(cell) for cell in column(browser, 'seed')] == wanted and len(wanted) == 12
    assert browser("[...document.querySelectorAll('#controls select')].map(select => [select.name, select.value])") == [
        ['arm', 'no_mixer'],
        ['task', 'digits'],
        ['phase', 'confirm'],
        ['replicate', ''],
        ['optimizer', ''],
        ['status', ''],
    ]
    assert browser("document.getElementById('shown').textContent") == f'Runs 1 to 12 of 12 ({len(small()[2])} in all)'
    one = known('id')[7]
    browser.open(page, f'#find={one[:12].upper()}')
    assert column(browser, 'id') == [one]
    browser.open(page, '#find=nothing-like-this')
    assert column(browser, 'id') == [] and browser("document.getElementById('shown').textContent") == 'No run matches.'


def test_controls_change_the_table_and_the_address(browser, page):
    browser.open(page)
    browser(
        """(() => { const select = document.querySelector('select[name=status]'); select.value = 'diverged';
        select.dispatchEvent(new Event('change')); })()"""
    )
    assert set(column(browser, 'status')) == {'diverged'} and browser('location.hash') == '#status=diverged'
    browser("document.getElementById('all-runs').click()")
    assert len(column(browser, 'id')) == PAGE and browser('location.hash') == '#runs'
    browser("document.getElementById('next').click()")
    assert column(browser, 'id')[0] == known('id')[PAGE] and browser('location.hash') == '#page=2'
    assert not browser("document.getElementById('previous').disabled")
    browser("document.getElementById('previous').click()")
    assert column(browser, 'id')[0] == known('id')[0] and browser("document.getElementById('previous').disabled")


def test_a_link_within_the_page_leaves_the_table_as_it_is(browser, page):
    browser.open(page, '#sort=score&order=descending')
    before = column(browser, 'id')
    browser("document.querySelector('nav a').click()")
    browser('new Promise(done => setTimeout(done, 50))')
    assert browser('location.hash') == '#verdicts' and column(browser, 'id') == before


def test_an_address_of_nonsense_shows_all_runs(browser, page):
    browser.open(page, '#sort=nothing&order=up&page=-3&colour=red')
    assert column(browser, 'id') == known('id')[:PAGE] and browser.messages == []


def test_the_keyboard_sorts_and_the_focus_is_seen(browser, page):
    browser.open(page)
    browser("document.querySelectorAll('#table-of-runs th button')[0].focus()")
    browser.press('Tab', 9)
    assert browser('document.activeElement.textContent') == 'task'
    outline = browser('getComputedStyle(document.activeElement).outline')
    assert 'solid 2px' in outline or '2px solid' in outline or ('solid' in outline and '2px' in outline)
    browser.press('Enter', 13, '\r')
    assert sorts(browser) == {'task': 'ascending'}
    browser.press('Enter', 13, '\r')
    assert sorts(browser) == {'task': 'descending'} and browser('document.activeElement.textContent') == 'task'


def test_every_control_has_a_name_and_every_scrolling_box_can_be_focused(browser, page):
    browser.open(page)
    nameless = browser(
        """[...document.querySelectorAll('button, select, input, summary, a[href]')].filter(one =>
        !(one.getAttribute('aria-label') || one.textContent.trim() || (one.labels && one.labels.length)))
        .map(one => one.outerHTML)"""
    )
    assert nameless == []
    unreachable = browser(
        """[...document.querySelectorAll('*')].filter(one => /auto|scroll/.test(getComputedStyle(one).overflowX)
        && one.tabIndex < 0).map(one => one.outerHTML.slice(0, 80))"""
    )
    assert unreachable == []


@pytest.mark.parametrize('shape', ['one_swap', 'path', 'factorial'])
@pytest.mark.parametrize('width', [360, 1280])
def test_the_page_never_scrolls_sideways(browser, tmp_path, page, shape, width):
    path = page
    if shape != 'one_swap':
        path = tmp_path / 'page.html'
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr('results.report.inline_figures.FIGURES', {})
            path.write_text(report(*read(*small(shape)), CHECKLIST), encoding='utf-8')
    browser.screen(width)
    browser.open(path)
    assert browser('innerWidth') == width
    assert browser('Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)') <= width
    assert browser('getComputedStyle(document.querySelector("main p:not([class])")).fontSize') == '16px'
    if width == 360:
        assert browser("(box => box.scrollWidth > box.clientWidth)(document.querySelector('.findings').parentElement)")


@pytest.mark.parametrize(('width', 'height'), [(1280, 800), (390, 844)])
def test_the_first_screen_has_the_question_and_the_answer_on_every_arm(browser, width, height):
    """The published study of norms: six arms on three tasks, each with its verdict, its effect and its drawing."""
    browser.screen(width, height)
    browser.open(NORMS)
    lowest = browser("document.querySelector('.answer').getBoundingClientRect().bottom")
    assert 0 < lowest <= height
    seen = browser(
        """[...document.querySelectorAll('.answer tbody tr')].map(row => [row.querySelector('strong').textContent,
        row.querySelector('.said').textContent.length, row.querySelectorAll('svg').length,
        [...row.querySelectorAll('.number')].map(one => one.getBoundingClientRect().width > 10)])"""
    )
    assert len(seen) == 6 and all(said > 10 and drawn == 3 and all(numbers) for _, said, drawn, numbers in seen)
    assert browser("document.querySelector('h1').getBoundingClientRect().top") > 0
    tree = json.dumps(browser.call('Accessibility.getFullAXTree'))
    assert 'undecided' in tree and '[\\u22121.0, +1.6]' in tree  # what is hidden for want of room is still read out


def test_all_that_is_folded_is_open_on_paper(browser, page):
    browser.open(page)
    assert browser("document.querySelectorAll('details:not([open])').length") > 3
    browser("window.dispatchEvent(new Event('beforeprint'))")
    assert browser("document.querySelectorAll('details:not([open])').length") == 0


def test_dark_mode_is_dark_and_figures_stay_on_white(browser, page):
    grounds = {}
    for dark in (False, True):
        browser.screen(1280, dark=dark)
        browser.open(page)
        grounds[dark] = browser(
            "['body', 'th[scope=row]', '.sheet'].map(name => getComputedStyle(document.querySelector(name)).backgroundColor)"
        )
    assert grounds[False] == ['rgb(255, 255, 255)'] * 3
    assert grounds[True] == ['rgb(20, 23, 27)', 'rgb(20, 23, 27)', 'rgb(255, 255, 255)']


def test_on_paper_there_are_no_controls_and_nothing_is_cut_off(browser, page):
    browser.screen(1000, dark=True, media='print')
    browser.open(page)
    assert browser("getComputedStyle(document.querySelector('nav')).display") == 'none'
    assert browser("getComputedStyle(document.getElementById('controls')).display") == 'none'
    assert set(browser("[...document.querySelectorAll('.box, .sheet')].map(one => getComputedStyle(one).overflowX)")) == {
        'visible'
    }
    assert browser('getComputedStyle(document.body).backgroundColor') == 'rgb(255, 255, 255)'


def test_on_a_sheet_of_paper_no_cell_of_the_answer_runs_into_the_next(browser):
    browser.screen(794, 1123, media='print')
    browser.open(NORMS)
    wide = """[...document.querySelectorAll('.answer th, .answer td, .findings td.verdict')].filter(cell =>
        [...cell.querySelectorAll('*'), cell].some(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0 &&
        getComputedStyle(one).display !== 'inline' && !one.closest('svg'))).map(cell => cell.textContent)"""
    assert browser(wide) == []
    assert browser("getComputedStyle(document.querySelector('.findings td.verdict')).overflowWrap") == 'normal'


def test_without_javascript_the_page_says_where_the_runs_are(browser, page):
    browser.screen(1280, script=False)
    browser.open(page)
    tree = json.dumps(browser.call('Accessibility.getFullAXTree'))
    browser.screen(1280)
    browser.open(page)
    usual = json.dumps(browser.call('Accessibility.getFullAXTree'))
    assert 'switched off here' not in usual and 'Previous page' in usual
    assert 'switched off here' in tree and 'Findings by task and arm' in tree and 'Previous page' not in tree


@pytest.mark.slow
def test_five_thousand_trials_open_fast_and_are_not_large(browser, tmp_path):
    """A study whose tuning has just ended: all its runs are in the table and in the figures of the learning rate."""
    study = study_of('one_swap', trials=50, replicates=5, looks=(5,))
    planned = schedule(study, {}, manifest_of(study))
    records = {t.id: record(study, t, i, score(study, t, {}, 0.9)) for i, t in enumerate(planned.trials)}
    assert len(records) == 5000
    effects = findings(Reading(study, planned, records, manifest_of(study)))
    path = tmp_path / 'large.html'
    reading = Reading(study, planned, Records.of(records.values()), manifest_of(study))
    path.write_text(report(reading, effects, CHECKLIST), encoding='utf-8')
    assert path.stat().st_size < BYTES
    times = []
    for _ in range(3):
        browser.open(path)
        times.append(browser("performance.getEntriesByType('navigation')[0].loadEventEnd / 1000"))
    assert browser("document.getElementById('shown').textContent") == 'Runs 1 to 100 of 5,000'
    assert 0 < sorted(times)[1] < SECONDS, times
    spent = browser(
        """(() => { const start = performance.now();
        document.querySelectorAll('#table-of-runs th button')[5].click(); document.body.offsetHeight;
        return (performance.now() - start) / 1000; })()"""
    )
    assert spent < 1, spent
    assert browser.messages == []
