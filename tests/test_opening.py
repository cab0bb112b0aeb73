"""Opening: how a page is handed to a browser, what others get, and whether there is a browser to show it."""

import http.client
import threading
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from refused import refuse

from archlab import opening
from archlab.live_pages import LIVE_SECONDS
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


@pytest.fixture
def shown_while_open(monkeypatch: pytest.MonkeyPatch) -> Iterator[list]:
    """What is shown while a page is open: what the browser was given, and the page at each pause. The second one ends it."""
    told, servers, daemons, made = [], [], [], PageServer.__init__
    looks = [[('norms', 'first'), ('norms', 'second'), ('norms', None)], [('norms', None)]]

    def live_pages(study: str, runs: Path, settings: list[str] | None) -> Iterator[tuple]:
        assert (study, runs, settings) == ('norms.py', Path('there'), ['trials=8'])
        for name, html in looks.pop(0):
            yield types.SimpleNamespace(reading=types.SimpleNamespace(study=types.SimpleNamespace(name=name))), html

    def sleep(seconds: float) -> None:
        told.append((servers[0].page, seconds))
        if not looks:
            raise KeyboardInterrupt

    serve = PageServer.serve_forever
    monkeypatch.setattr(PageServer, '__init__', lambda self, port: (made(self, port), servers.append(self))[0])

    def serve_here(self: PageServer, poll_interval: float = 0.01) -> None:
        daemons.append(threading.current_thread().daemon)
        serve(self, poll_interval)

    monkeypatch.setattr(PageServer, 'serve_forever', serve_here)
    monkeypatch.setattr('archlab.live_pages.live_pages', live_pages)
    monkeypatch.setattr(opening, 'sleep', sleep)
    monkeypatch.setattr(opening.webbrowser, 'open', lambda address: told.append(address == servers[0].address))
    yield told
    assert all(daemons), 'a server keeps no process alive'


OPEN = ('open', 'norms.py', '--runs', 'there', '--set', 'trials=8')


@pytest.mark.parametrize(
    ('screen', 'options', 'shown'), [(True, (), True), (False, (), False), (True, ('--no-browser',), False)]
)
def test_a_page_is_shown_and_goes_on_until_it_is_ended(
    called: Callable, shown_while_open: list, monkeypatch: pytest.MonkeyPatch, screen: bool, options: tuple, shown: bool
):
    monkeypatch.setattr(opening, '_has_screen', lambda: screen)
    done = called(*OPEN, *options)
    assert (
        done.returncode == 0
        and done.stdout.startswith('norms: http://127.0.0.1:')
        and done.stdout.endswith(' (until Ctrl-C)\n')
    )
    assert shown_while_open == [*[True] * shown, (b'second', LIVE_SECONDS), (b'second', LIVE_SECONDS)]


def test_a_port_that_cannot_be_used_is_named(called: Callable, shown_while_open: list, server: PageServer):
    done = called(*OPEN, '--port', server.server_port)
    refuse(done, f'--port {server.server_port} cannot be used (Address already in use); give another one, or none')
    for port in (-1, 65536):
        refuse(called(*OPEN, '--port', port), f'--port {port}; allowed: 0 (any free one) to 65535')
    assert shown_while_open == []
