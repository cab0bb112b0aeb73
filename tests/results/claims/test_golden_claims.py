"""Claims are told as they were told, in each format and on their page: claims by hand that stand in every relation."""

import re

import golden_texts
import pytest
from made_claims import CLAIM, LAYER, claim, collection
from painted import painted

from results.claims.formats import FORMATS, text
from results.claims.page import page
from results.claims.terminal import terminal

RMS = {'kind': 'rms_norm', 'eps': 1e-6}
LARGE = {'params': 1_200_000, 'base_params': 1_200_000}
CLAIMS = (
    CLAIM,
    claim(study='second', study_digest='1' * 16, verdict='better', effect=0.02, interval=(0.011, 0.03)),
    claim(study='third', study_digest='2' * 16, effect=-0.03, interval=(-0.04, -0.02)),
    claim(LARGE, study='larger', study_digest='3' * 16, verdict='undecided', p_adjusted=0.4),
    claim({'steps': 14_000, 'base_steps': 14_000}, study='longer', study_digest='4' * 16, verdict='equivalent', effect=0.001),
    claim({'differences': ({'path': 'norm', 'from': LAYER, 'to': RMS},)}, arm='rms', verdict='not comparable', effect=None),
    claim(study='again', replicates=8, diverged=2, base_diverged=1, reason='one & only <one>'),
)  # fmt: skip


@pytest.mark.parametrize('form', ['terminal', *FORMATS])
def test_claims_are_told_as_they_were(form):
    golden_texts.hold(f'claims_{form}', text(collection(*CLAIMS), form, silent=3, width=100))


def test_a_screen_shows_what_it_showed():
    odd = claim(arm='an arm \x1b[31m of a long name indeed', verdict='unstable', diverged=3, censored=('layer_norm',))
    shown = painted(terminal(collection(*CLAIMS, odd), silent=1), terminal(collection()), width=60)
    golden_texts.hold('claims_screen', '\n'.join(shown))


def test_their_page_says_what_it_said():
    made = re.sub(r'<style>.*?</style>', '', page(collection(*CLAIMS), 'dynamic_tanh'), flags=re.S)
    golden_texts.hold('claims_page', made)
