"""Commands: what is not asked for is not done, and errors of the system are told in one line."""

from collections.abc import Iterator

import pytest
from typer.main import get_command

import archlab as door
from archlab import application


def flags(command: object, name: str = '') -> Iterator[tuple[str, str, object]]:
    """The flags of a command and of those below it: the words that call it, the flag, its value unless given."""
    for word, below in getattr(command, 'commands', {}).items():
        yield from flags(below, f'{name} {word}'.strip())
    yield from ((name, one.opts[0], one.default) for one in command.params if getattr(one, 'is_flag', False))


def test_flags_are_off_unless_given():
    told = list(flags(get_command(door.app)))
    assert {flag for _, flag, _ in told} >= {'--json', '--draw', '--live', '--force'}
    assert len({name for name, flag, _ in told if flag == '--json'}) > 20
    # A person who opens pages wants to see them.
    assert [(name, flag) for name, flag, given in told if given] == [('open', '--browser')]


@pytest.mark.parametrize(
    ('error', 'said'),
    [
        (OSError(28, 'No space left on device', 'runs/x'), 'runs/x: No space left on device; check the path and the disk'),
        (OSError(5, 'Input/output error'), 'Input/output error; check the path and the disk'),
    ],
    ids=['place', 'no_place'],
)
def test_an_error_of_the_system_is_told_with_its_place(monkeypatch, capsys, error: OSError, said: str):
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(application, 'app', fails)
    assert application.main(['list', 'studies']) == 2
    assert capsys.readouterr().err == f'archlab: error: {said}\n'
