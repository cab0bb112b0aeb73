"""Configs and fields that are made of a few numbers, whole: bases, decoders, tasks of other sizes: tests/golden/bases.txt."""

import golden_texts
import pytest
from told_values import told

from ablations.tasks import bases, own_bases
from ablations.tasks.decoders import ATTENTION, CONVOLUTION, decoder
from ablations.tasks.simulated_tasks import coming
from ablations.tasks.trajectory_tasks import law, numbers, probed

PLANETS = {'kind': 'planets', 'interval': 0.02}
MADE = {
    'convnext': lambda: bases.convnext(outputs=3, patch=2, widths=[4, 8], depths=[1, 2], kernel=5),
    'decoder': lambda: bases.decoder(11, 7, width=6, depth=2, mixer=CONVOLUTION, ratio=2.0),
    'vit': lambda: bases.vit(outputs=3, patch=2, length=16, width=6, depth=2, heads=3),
    'waveform': lambda: bases.waveform(3, kernel=4, factor=2, width=6, depth=2, mixer=ATTENTION),
    'rows': lambda: bases.rows(outputs=3, width=6, depth=2),
    'texts': lambda: bases.texts(11, 7, outputs=3, width=6, depth=2, mixer=ATTENTION),
    'labelled_tokens': lambda: bases.labelled_tokens(11, 7, outputs=3, width=6, depth=2, mixer=ATTENTION),
    'ngrams': lambda: bases.ngrams(11, outputs=3, width=6, sizes=[2, 3], buckets=32),
    'ngrams once': lambda: bases.ngrams(11, outputs=3, width=6, sizes=[2], buckets=32, once=True),
    'scores of answers': lambda: decoder({'kind': 'compression', 'tokens': 4, 'length': 5}, 6, 2, ATTENTION, 2.0),
    'of sounds': lambda: own_bases.of_sounds(3, 64, 32),
    'of a table': lambda: own_bases.of_table(3, 7),
    'of a sequence': lambda: own_bases.of_sequence(3, 11, 7),
    'of each token': lambda: own_bases.of_sequence(3, 11, 7, per_token=True),
    'of each step': lambda: own_bases.of_series(3, 700, per_step=True),
    'of a language': lambda: own_bases.of_language(11, 7),
    'of each pixel': lambda: own_bases.of_maps(3, 8, 12),
    'balls': lambda: coming({'kind': 'balls', 'size': 6}, 'pixels', events=8, steps=600),
    'doors': lambda: coming({'kind': 'doors'}, 'symbols', events=4, steps=300, horizon=2, asked='last'),
    'numbers': lambda: numbers(PLANETS, events=24, steps=600, bits=6),
    'law': lambda: law({**PLANETS, 'laws': ['a', 'b', 'c']}, events=24, steps=600, control='order'),
    'law probed': lambda: probed({'kind': 'pendulums'}, events=8, steps=100, held=5),
}


def test_bases_are_what_they_were():
    golden_texts.hold('bases', '\n'.join(line for name, make in MADE.items() for line in told(f'# {name}', make())))


def test_a_config_is_a_copy_of_its_own():
    mixer = {'kind': 'attention', 'heads': 2, 'biases': 'needed'}
    one = bases.texts(11, 7, outputs=3, width=6, depth=2, mixer=mixer)
    one['mixer']['heads'], one['norm']['eps'] = 3, 1.0
    assert mixer['heads'] == 2 and bases.PLAIN['norm']['eps'] == 1e-6


def test_a_body_may_say_how_it_runs_and_a_socket_that_is_none_is_refused():
    given = {'stem': {'kind': 'a'}, 'mixer': {'kind': 'b'}, 'head': {'kind': 'c'}}
    body = bases.complete(body={'kind': 'isotropic', 'remat': True}, **given)['body']
    assert body == {'kind': 'isotropic', 'remat': True, 'over_depth': 'loop', 'compute': 'float32'}
    with pytest.raises(ValueError, match=r"unknown sockets \['mixers'\]; allowed: \['activation', .*; mend the name"):
        bases.complete(body={}, **given, mixers={})


@pytest.mark.parametrize(
    ('make', 'said'),
    [
        (
            lambda: coming({'size': 6}, 'pixels', 8, 600),
            r"simulator {'size': 6}; allowed: .* of \['balls', 'doors'\]; name one",
        ),
        (
            lambda: numbers({'kind': 'comets'}, 8, 600),
            r"motion {'kind': 'comets'}; allowed: .* of \['pendulums', 'planets', 'three_bodies'\]; name one",
        ),
        (lambda: law({}, 8, 600), 'motion {}; allowed'),
    ],
)
def test_what_the_lab_cannot_simulate_is_refused(make, said: str):
    with pytest.raises(ValueError, match=said):
        make()
