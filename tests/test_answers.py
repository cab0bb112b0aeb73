"""How commands answer: on a terminal and elsewhere, without what steers it, and in JSON that every program reads."""

import io
import sys

import pytest
from painted import worded
from rich.live import Live
from rich.table import Table
from rich.text import Text

from archlab import answers
from archlab.answers import Plain, Terminal, plain_output, print_json, waiting, warn_skipped


def terminal(width: int = 30) -> Terminal:
    return Terminal(file=io.StringIO(), force_terminal=True, color_system='standard', width=width, _environ={})


def test_texts_and_tables_are_shown_without_what_steers_a_terminal_and_keep_their_looks():
    screen, table = terminal(), Table(box=None, show_header=False)
    table.add_row(Text('re\x1bd', 'red'), 'a\x9bb')
    screen.print('[b]no mark\x1bup[/b] :dna: 15')
    screen.print('[bold]markup[/bold] 15', markup=True)
    screen.print(Text('15', 'green'), table)
    assert [worded(line.rstrip()) for line in screen.file.getvalue().splitlines()] == [
        '[b]no mark\N{REPLACEMENT CHARACTER}up[/b] :dna: 15',
        '<bold>markup</> 15',
        '<green>15</>',
        ' <red>re\N{REPLACEMENT CHARACTER}d</>  a\N{REPLACEMENT CHARACTER}b',
    ]


def test_numbers_have_colours_where_asked_for():
    screen = terminal()
    screen.print('15', highlight=True)
    assert worded(screen.file.getvalue()).strip() == '<bold cyan>15</>'


def test_a_live_display_on_a_plain_stream_steers_the_terminal_itself():
    stream = io.StringIO()
    screen = Terminal(file=Plain(stream), force_terminal=True, width=30)
    with Live(console=screen, transient=True, auto_refresh=False) as live:
        live.update(Text('at work'), refresh=True)
    assert 'at work' in stream.getvalue() and '\x1b[' in stream.getvalue()


def test_what_is_waited_for_is_shown_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch):
    screen, file = terminal(), Terminal(file=io.StringIO(), force_terminal=False)
    for one in (screen, file):
        monkeypatch.setattr(answers, 'ERR', one)
        with waiting('counting'):
            pass
    assert 'counting' in screen.file.getvalue() and file.file.getvalue() == ''


def test_output_is_plain_within_and_as_it_was_after(monkeypatch: pytest.MonkeyPatch):
    out = io.StringIO()
    monkeypatch.setattr(sys, 'stdout', out)
    monkeypatch.setattr(sys, 'stderr', None)
    with pytest.raises(RuntimeError), plain_output():
        print('a\x1bb')
        assert sys.stdout.write('four') == 4 and sys.stdout.getvalue() == 'a\N{REPLACEMENT CHARACTER}b\nfour'
        assert sys.stderr is None
        raise RuntimeError
    assert sys.stdout is out and sys.stderr is None


def test_answers_for_programs_are_json_that_all_of_them_read(capsys: pytest.CaptureFixture):
    print_json({'a': [1, None]})
    assert capsys.readouterr().out == '{\n "a": [\n  1,\n  null\n ]\n}\n'
    for number in (float('nan'), float('inf')):
        with pytest.raises(ValueError, match='not JSON compliant'):
            print_json(number)


def test_a_file_that_is_not_used_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch):
    screen = terminal()
    monkeypatch.setattr(answers, 'ERR', screen)
    warn_skipped(['one.jsonl: it is damaged, as far as anybody knows', 'two'])
    assert worded(screen.file.getvalue()).splitlines() == [
        '<yellow>archlab: warning: skipped: one.jsonl: it is damaged, as far as anybody knows</>',
        '<yellow>archlab: warning: skipped: two</>',
    ]
