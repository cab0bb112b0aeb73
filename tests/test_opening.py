"""Opening: how a page is handed to a browser, what others get, and whether there is a browser to show it."""

import http.client
import threading
from collections.abc import Iterator

import pytest

from archlab import opening
from archlab.opening import PageServer


@pytest.fixture
def server() -> Iterator[PageServer]:
    with PageServer(0) as made:
        made.page = 'the page \N{GREEK SMALL LETTER ALPHA}'.encode()
        threading.Thread(target=made.serve_forever, kwargs={'poll_interval': 0.01}, daemon=True).start()
        yield made
        made.shutdown()


@pytest.mark.parametrize(
    ('path', 'host', 'status', 'kind', 'said'),
    [
        ('/', None, 200, 'text/html', 'the page \N{GREEK SMALL LETTER ALPHA}'),
        ('/', 'localhost', 200, 'text/html', 'the page \N{GREEK SMALL LETTER ALPHA}'),
        ('/other', None, 404, 'text/plain', 'there is one page, /\n'),
        ('/', 'elsewhere.example', 403, 'text/plain', 'this page is for this machine only\n'),
        ('/other', 'elsewhere.example', 403, 'text/plain', 'this page is for this machine only\n'),
    ],
)
def test_each_answer_says_what_it_is_and_is_not_stored(server: PageServer, path, host, status, kind, said):
    link = http.client.HTTPConnection('127.0.0.1', server.server_port, timeout=10)
    for method, body in (('GET', said.encode()), ('HEAD', b'')):
        link.request(method, path, headers={} if host is None else {'Host': f'{host}:{server.server_port}'})
        answer = link.getresponse()
        assert (answer.status, answer.read()) == (status, body)
        told = {name: answer.headers[name] for name in ('Content-Type', 'Cache-Control', 'X-Content-Type-Options')}
        assert list(told.values()) == [f'{kind}; charset=utf-8', 'no-store', 'nosniff']
        assert answer.headers['Content-Length'] == str(len(said.encode()))
        link.close()


@pytest.mark.parametrize(
    ('platform', 'given', 'shown'),
    [
        ('linux', {}, False),
        ('linux', {'DISPLAY': ':0'}, True),
        ('linux', {'WAYLAND_DISPLAY': 'wayland-0'}, True),
        ('linux', {'DISPLAY': ''}, False),
        ('darwin', {}, True),
        ('win32', {}, True),
    ],
)
def test_a_browser_needs_a_screen(monkeypatch: pytest.MonkeyPatch, platform: str, given: dict, shown: bool):
    for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(opening.sys, 'platform', platform)
    assert opening._has_screen() is shown
