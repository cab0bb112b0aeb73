"""Options of commands: what is not asked for is not done."""

from collections.abc import Iterator

from typer.main import get_command

import archlab as door


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
