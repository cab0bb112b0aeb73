"""Config: complete from what differs, the same in both rooms that compose models."""

import pytest

from ablations.tasks import bases
from arch import config
from arch.sockets import TABLES

GIVEN = {
    'body': {'kind': 'isotropic', 'width': 8, 'remat': True},
    'stem': {'kind': 'patchify', 'patch': 2},
    'mixer': {'kind': 'identity'},
    'head': {'kind': 'classifier', 'outputs': 3},
}


def test_both_rooms_start_from_the_same_plain_config_with_every_socket():
    assert list(config.PLAIN) == list(bases.PLAIN) and set(config.PLAIN) == set(TABLES)
    assert config.PLAIN == bases.PLAIN and config.RUNS == bases.BODY
    assert config.complete(**GIVEN) == bases.complete(**GIVEN)


@pytest.mark.parametrize('complete', [config.complete, bases.complete], ids=['arch', 'ablations'])
def test_what_is_given_stands_and_what_is_plain_is_not_shared(complete):
    made = complete(**GIVEN, norm={'kind': 'rms_norm', 'eps': 1e-5})
    assert made['norm'] == {'kind': 'rms_norm', 'eps': 1e-5} and made['residual'] == {'kind': 'pre'}
    assert made['body'] == {'kind': 'isotropic', 'width': 8, 'remat': True, 'over_depth': 'loop', 'compute': 'float32'}
    made['residual']['kind'] = 'post'
    assert complete(**GIVEN)['residual'] == {'kind': 'pre'}
    with pytest.raises(ValueError, match=r'norms.*allowed'):
        complete(**GIVEN, norms={'kind': 'rms_norm'})
