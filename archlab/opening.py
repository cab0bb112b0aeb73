"""Opening a study: its page on this machine's own address, made again as packs end."""

import os
import sys
import threading
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep
from typing import Annotated

import typer

from archlab.answers import OUT, waiting
from archlab.options import RUNS, Name, Runs, Settings

commands = typer.Typer()
LOOPBACK = '127.0.0.1'
LARGEST_PORT = 65535


class PageServer(ThreadingHTTPServer):
    """One page on the loopback address, for GET and HEAD of `/` by this machine's own names; it reads no file.

    Raises OSError where the port is taken.
    """

    daemon_threads = True
    page = b''

    def __init__(self, port: int):
        super().__init__((LOOPBACK, port), _Handler)

    @property
    def address(self) -> str:
        return f'http://{LOOPBACK}:{self.server_port}/'

    @property
    def names(self) -> tuple[str, ...]:
        """What a browser calls it. A page of somebody else's that has its name lead here calls it otherwise."""
        return tuple(f'{host}:{self.server_port}' for host in (LOOPBACK, 'localhost'))


class _Handler(BaseHTTPRequestHandler):
    server: PageServer

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, with_body: bool) -> None:
        status, content, kind = 200, self.server.page, 'text/html'
        if self.headers.get('Host') not in self.server.names:
            status, content, kind = 403, b'this page is for this machine only\n', 'text/plain'
        elif self.path != '/':
            status, content, kind = 404, b'there is one page, /\n', 'text/plain'
        self.send_response(status)
        self.send_header('Content-Type', f'{kind}; charset=utf-8')
        self.send_header('Content-Length', str(len(content)))
        self.send_header('Cache-Control', 'no-store')
        self.send_header('X-Content-Type-Options', 'nosniff')
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing: requests are no news."""


@commands.command('open', epilog='Example: archlab open quickstart, while archlab run quickstart is at work')
def open_page(
    study: Name,
    runs: Runs = RUNS,
    settings: Settings = None,
    port: Annotated[int, typer.Option(help='The port of the page; any free one where 0.')] = 0,
    browser: Annotated[bool, typer.Option(help='Show it in a browser, where there is a screen.')] = True,
):
    """The page of a study in a browser, made again as packs end; for this machine only, until Ctrl-C.

    Test scores are read, as by `archlab report`: claims rest on the looks declared by then."""
    from archlab.live_pages import LIVE_SECONDS, live_pages

    if not 0 <= port <= LARGEST_PORT:
        raise ValueError(f'--port {port}; allowed: 0 (any free one) to {LARGEST_PORT}')
    with waiting(f'making the page of {study}'):
        pages = live_pages(study, runs, settings)
        first, html = next(pages)
    try:
        server = PageServer(port)
    except OSError as error:
        raise ValueError(f'--port {port} cannot be used ({error.strerror}); give another one, or none') from None
    with server:
        server.page = html.encode()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        OUT.print(f'{first.reading.study.name}: {server.address} (until Ctrl-C)', soft_wrap=True)
        if browser and _has_screen():
            webbrowser.open(server.address)
        try:
            while True:
                for _, html in pages:
                    if html is not None:
                        server.page = html.encode()
                # Nobody is at work; the study may go on later.
                sleep(LIVE_SECONDS)
                pages = live_pages(study, runs, settings)
        except KeyboardInterrupt:
            server.shutdown()


def _has_screen() -> bool:
    """Whether a browser has somewhere to be shown; without one, some systems start a browser in the terminal itself."""
    if sys.platform in ('darwin', 'win32'):
        return True
    return bool(os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY'))
