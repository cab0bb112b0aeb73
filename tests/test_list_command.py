"""`archlab list`: whole lines elsewhere, and on a terminal lines that fit it."""

from collections.abc import Callable

import pytest

from archlab import answers

CLAIMS = {
    'one': {'claim': 'Normalising keys is all that is needed', 'studies': ['one_small', 'one_large']},
    'two': {'claim': 'It is not', 'studies': ['two_small']},
}
WHOLE = ['one  Normalising keys is all that is needed', '    one_small, one_large', 'two  It is not', '    two_small']
NARROW = ['one  Normalising keys is', '     all that is needed', *WHOLE[1:]]


@pytest.fixture
def listed(called: Callable, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The lines that are listed."""
    monkeypatch.setattr('sweeps.models.listing.listing', {'flagships': CLAIMS, 'studies': {'one': 'Is it?'}}.get)
    return lambda *words: called('list', *words).stdout.splitlines()


def test_lines_fit_a_screen_unless_all_is_wanted(listed: Callable, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(answers.OUT, '_width', 26)
    assert listed('flagships') == WHOLE
    monkeypatch.setattr(answers.OUT, '_force_terminal', True)
    assert listed('flagships') == NARROW and listed('flagships', '--wide') == WHOLE
    assert listed('studies') == ['one  Is it?']


def test_each_line_of_a_text_fits_a_screen(listed: Callable, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr('results.tables.sizes.fits_lines', lambda entries: ['first line\nthe second of the lines is long'])
    for name, value in (('_width', 22), ('_force_terminal', True)):
        monkeypatch.setattr(answers.OUT, name, value)
    assert listed('blocks') == ['first line', 'the second of the', '  lines is long']


def test_optimizers_stand_above_their_knobs(listed: Callable, monkeypatch: pytest.MonkeyPatch):
    entries = {'optimizers': {name: {'about': f'{name} descent'} for name in ('plain', 'steep')}}
    monkeypatch.setattr('sweeps.models.listing.listing', entries.get)
    monkeypatch.setattr('sweeps.models.readers.knob_lines', lambda width: [f'knobs on {width}'])
    assert listed('optimizers') == ['plain  plain descent', 'steep  steep descent', '', 'knobs on None']
