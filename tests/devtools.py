"""A headless Chromium driven through the DevTools protocol over a pipe: no server, no port, no further package."""

import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

NAMES = ('chromium', 'chromium-browser', 'google-chrome')
FLAGS = ('--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--no-first-run', '--disable-extensions')
PATIENCE = 60.0
"""Seconds that an answer may take on a busy machine."""


def chromium() -> str | None:
    """The path of a Chromium, None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page. `messages` holds what it said on its console and every error, since the last `open`."""

    def __init__(self, program: str, profile: Path):
        down, self._out = os.pipe()
        self._in, up = os.pipe()
        # The protocol speaks on the descriptors 3 and 4, which a shell can name and a subprocess cannot.
        line = f'exec "$0" "$@" 3<&{down} 4>&{up}'
        flags = [*FLAGS, '--remote-debugging-pipe', f'--user-data-dir={profile}', 'about:blank']
        self._process = subprocess.Popen(
            ['bash', '-c', line, program, *flags],
            pass_fds=(down, up),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(down)
        os.close(up)
        self._numbers, self._read, self._events, self.messages = itertools.count(1), b'', [], []
        self._session = None
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self._session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self.call(f'{domain}.enable')

    def _receive(self, until: float) -> dict:
        while b'\0' not in self._read:
            ready, _, _ = select.select([self._in], [], [], max(0.0, until - time.monotonic()))
            chunk = os.read(self._in, 1 << 20) if ready else b''
            if not chunk:
                raise TimeoutError('the browser gave no answer')
            self._read += chunk
        message, _, self._read = self._read.partition(b'\0')
        answer = json.loads(message)
        if 'method' in answer:
            self._note(answer)
        return answer

    def _note(self, event: dict) -> None:
        self._events.append(event['method'])
        if event['method'] == 'Runtime.exceptionThrown':
            self.messages.append(event['params']['exceptionDetails'].get('exception', {}).get('description', 'an exception'))
        if event['method'] == 'Runtime.consoleAPICalled':
            self.messages.append(str(event['params']['args']))
        if event['method'] == 'Log.entryAdded':
            self.messages.append(event['params']['entry']['text'])
        if event['method'] == 'Network.requestWillBeSent':
            url = event['params']['request']['url']
            if not url.startswith(('file:', 'data:', 'about:')):
                self.messages.append(f'request of {url}')

    def call(self, method: str, **given: object) -> dict:
        """The result of a method of the protocol; raises RuntimeError where the browser refuses it."""
        number, until = next(self._numbers), time.monotonic() + PATIENCE
        about = {'id': number, 'method': method, 'params': given}
        about |= {'sessionId': self._session} if self._session else {}
        os.write(self._out, json.dumps(about).encode() + b'\0')
        while (answer := self._receive(until)).get('id') != number:
            pass
        if 'error' in answer:
            raise RuntimeError(f'{method}: {answer["error"]}')
        return answer['result']

    def open(self, page: Path, fragment: str = '') -> None:
        """Load a page anew and wait for the end of its loading."""
        self.call('Page.navigate', url='about:blank')
        self.messages, self._events = [], []
        self.call('Page.navigate', url=page.as_uri() + fragment)
        until = time.monotonic() + PATIENCE
        while self('location.href == "about:blank" || document.readyState') != 'complete':
            if time.monotonic() > until:
                raise TimeoutError(f'{page} did not load')
            time.sleep(0.02)

    def __call__(self, script: str) -> object:
        """The value of a JavaScript expression."""
        answer = self.call('Runtime.evaluate', expression=script, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in answer:
            raise RuntimeError(answer['exceptionDetails'].get('exception', {}).get('description', script))
        return answer['result'].get('value')

    def press(self, key: str, code: int, text: str = '') -> None:
        """Press a key and let it go."""
        about = {'key': key, 'code': key, 'windowsVirtualKeyCode': code}
        self.call('Input.dispatchKeyEvent', type='keyDown', **about, **({'text': text} if text else {}))
        self.call('Input.dispatchKeyEvent', type='keyUp', **about)

    def screen(self, width: int, height: int = 800, dark: bool = False, media: str = '', script: bool = True) -> None:
        """The screen from now on: its size in CSS pixels, dark or light, 'print' or '', with JavaScript or without."""
        phone = width < 500
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=phone)
        scheme = {'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}
        self.call('Emulation.setEmulatedMedia', media=media, features=[scheme])
        self.call('Emulation.setScriptExecutionDisabled', value=not script)

    def close(self) -> None:
        """End the browser and all its processes."""
        os.close(self._out)
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._in)
