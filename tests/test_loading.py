"""Loading: while a command imports its libraries Ctrl-C ends it in order; a program of a user's own stays as it is."""

import gc
import os
import signal
import sys
import threading
import types
from collections.abc import Iterator

import pytest

from archlab.loading import INTERRUPTED, NEW_OBJECTS, STOPPED, THREADS, loading

MODULE = sys.modules['archlab.loading']
OFTEN = (701, 11, 13)
"""How often cycles are searched for before."""


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Signals and the search for cycles are afterwards as they were."""
    before, often = signal.signal(signal.SIGINT, signal.default_int_handler), gc.get_threshold()
    gc.set_threshold(*OFTEN)
    yield
    signal.signal(signal.SIGINT, before)
    gc.set_threshold(*often)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list:
    """What the process would have written and how it would have ended; it has imported nothing yet."""
    done = []
    own = types.SimpleNamespace(path=os.path, environ={}, write=lambda *given: done.append(given), _exit=done.append)
    monkeypatch.setattr(MODULE, 'os', own)
    monkeypatch.setattr(sys, 'argv', ['/bin/archlab', 'list'])
    monkeypatch.delitem(sys.modules, 'numpy', raising=False)
    return done


def test_ctrl_c_ends_a_command_with_one_sentence(told: list):
    with pytest.raises(ImportError, match='broken'), loading():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        signal.raise_signal(signal.SIGINT)
        assert told == [(2, f'{STOPPED}\n'.encode()), INTERRUPTED]
        raise ImportError('broken')
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert gc.get_threshold() == (NEW_OBJECTS, *OFTEN[1:])


def test_where_ctrl_c_is_ignored_it_stays_so(told: list):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with loading():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_another_thread_loads_without_a_word_on_signals(told: list):
    seen = []

    def load() -> None:
        with loading():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=load)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


@pytest.mark.parametrize('argv', [['notebook.py'], [''], []])
def test_a_program_of_a_users_own_stays_as_it_is(told: list, monkeypatch: pytest.MonkeyPatch, argv: list[str]):
    monkeypatch.setattr(sys, 'argv', argv)
    with loading():
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert MODULE.os.environ == {} and gc.get_threshold() == OFTEN and not told


@pytest.mark.parametrize(
    ('given', 'has_numpy', 'threads'),
    [({}, False, '1'), ({THREADS: '8'}, False, '8'), ({}, True, None)],
    ids=['one thread', 'as the user says', 'too late'],
)
def test_linear_algebra_runs_on_one_thread_unless_told_otherwise(told, monkeypatch, given, has_numpy, threads):
    MODULE.os.environ.update(given)
    if has_numpy:
        monkeypatch.setitem(sys.modules, 'numpy', types.ModuleType('numpy'))
    with loading():
        assert MODULE.os.environ.get(THREADS) == threads
