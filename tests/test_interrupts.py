"""Interrupts: none is lost, wherever Python is when it comes."""

import signal
import time
from collections.abc import Iterator
from importlib.machinery import ExtensionFileLoader

import pytest

from archlab.application import _ended_in_order


class Dropping:
    """Drops what is raised while it is removed, as Python does in callbacks of garbage collection."""

    def __init__(self, number: int):
        self.number = number

    def __del__(self):
        signal.raise_signal(self.number)
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def _heard() -> Iterator[None]:
    """Ctrl-C is heard, which it is not where the tests run in a shell's background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_python_drops_comes_again(number: int, capsys):
    heard, began = [], time.monotonic()
    with pytest.raises(KeyboardInterrupt), _ended_in_order(heard):
        Dropping(number)
        while time.monotonic() - began < 10:
            time.sleep(0.01)
    assert set(heard) == {number} and 'ignored' not in capsys.readouterr().err


class Loading(ExtensionFileLoader):
    """Loads no module: a signal comes while it would, and what the machine code does after it must be done."""

    def exec_module(self, module: object) -> None:
        signal.raise_signal(signal.SIGINT)
        self.loaded = True


def test_an_interrupt_waits_while_machine_code_is_loaded():
    """Raised in there it ended the process with a core dump, or was dropped."""
    heard, loader, began = [], Loading('name', 'path'), time.monotonic()
    with pytest.raises(KeyboardInterrupt), _ended_in_order(heard):
        loader.exec_module(None)
        while time.monotonic() - began < 10:
            time.sleep(0.01)
    assert loader.loaded and len(heard) == 2
    with _ended_in_order(heard):
        loader.exec_module(None)
    time.sleep(0.1)
    assert len(heard) == 3, 'what ends meanwhile is told no more'


def test_other_errors_that_python_drops_are_told_as_ever(monkeypatch):
    told = []
    monkeypatch.setattr('sys.unraisablehook', told.append)

    class Failing:
        def __del__(self):
            raise ValueError('dropped')

    with _ended_in_order([]):
        Failing()
    assert [type(one.exc_value) for one in told] == [ValueError]


class Reading:
    """Loads a module of Python, which may be interrupted anywhere."""

    def exec_module(self, module: object) -> None:
        signal.raise_signal(signal.SIGINT)
        raise AssertionError('it goes on')


def test_an_interrupt_does_not_wait_for_a_module_of_python():
    heard = []
    with pytest.raises(KeyboardInterrupt), _ended_in_order(heard):
        Reading().exec_module(None)
    assert heard == [signal.SIGINT]
