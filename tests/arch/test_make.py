"""make: one look-up, and one clear message for each way to be wrong."""

import dataclasses

import pytest

from arch.make import divides, fields, make, positive
from arch.norms import NORMS


@dataclasses.dataclass
class Thing:
    size: int
    ratio: float = 0.5
    wide: bool = False
    name: str = ''
    label: str = 'a'
    sizes: tuple = (1, 2)
    steps: tuple = dataclasses.field(default_factory=lambda: (0.5,))
    free: object = None
    anything: tuple = ()


TABLE = {'thing': Thing}


def thing(**values):
    return make('part', TABLE, {'kind': 'thing', 'size': 3, **values}, name='given')


def test_a_spec_becomes_a_block_with_its_fields_and_the_labs_own():
    made = thing(ratio=2, sizes=[3], steps=[1], free='x', anything=[1, 'b'])
    assert thing(anything=[]).anything == (), 'what is empty by default may be given empty'
    assert (made.ratio, made.sizes, made.steps, made.free, made.name) == (2, (3,), (1,), 'x', 'given')
    assert set(fields(Thing)) == {'size', 'ratio', 'wide', 'label', 'sizes', 'steps', 'free', 'anything'}


@pytest.mark.parametrize(
    ('spec', 'message'),
    [
        ('layer_norm', r"norm: given 'layer_norm', allowed a spec \{'kind': ..., fields\}; name a kind of \['adaptive"),
        ({'eps': 1e-6}, r"norm: given \{'eps': 1e-06\}, allowed a spec"),
        ({'kind': 'layr_norm'}, r"norm: unknown kind 'layr_norm'; allowed: \['adaptive_.*\]. Did you mean 'layer_norm'\?"),
        ({'kind': 'zzz'}, r"unknown kind 'zzz'; allowed: \[[^\]]*\]\.$"),
        ({'kind': ['layer_norm']}, r"unknown kind '\['layer_norm'\]'"),
        (
            {'kind': 'layer_norm', 'epz': 1.0},
            r"norm 'layer_norm': unknown field 'epz'; allowed: \['bias', 'eps'\]. Did you mean 'eps'\?",
        ),
        ({'kind': 'layer_norm', 'name': 'x'}, r"unknown field 'name'"),
        ({'kind': 'layer_norm', 'eps': 'small'}, r"eps='small' is a str; allowed: float such as 1e-06"),
        ({'kind': 'layer_norm', 'eps': None}, r'eps=None is a NoneType; allowed: float'),
    ],
)
def test_messages(spec, message):
    with pytest.raises(ValueError, match=message):
        make('norm', NORMS, spec)


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'size': 1, 'ratio': True}, 'ratio=True is a bool; allowed: float such as 0.5'),
        ({'wide': 1}, 'wide=1 is a int; allowed: bool such as False'),
        ({'label': 3}, "label=3 is a int; allowed: str such as 'a'"),
        ({'sizes': 3}, r'sizes=3 is a int; allowed: a list such as \[1, 2\]'),
        ({'sizes': []}, r'sizes=\[\] has nothing in it; allowed: a list such as \[1, 2\]'),
        ({'sizes': [1, 'b']}, r"sizes=\[1, 'b'\] has a value of another type; allowed: a list such as \[1, 2\]"),
        ({'sizes': [True]}, 'sizes'),
        ({'sizes': [1.5]}, 'sizes'),
        ({'steps': ['a']}, r'allowed: a list such as \[0.5\]'),
    ],
)
def test_values_of_another_type(values, message):
    with pytest.raises(ValueError, match=message):
        thing(**values)


def test_an_int_is_a_float_but_a_float_or_bool_is_no_int():
    assert thing(ratio=1).ratio == 1
    for value in (2.0, True):
        with pytest.raises(ValueError, match=rf'eps={value} is a (float|bool); allowed: int such as 1'):
            make('part', {'k': dataclasses.make_dataclass('K', [('eps', int, 1)])}, {'kind': 'k', 'eps': value})


@pytest.mark.parametrize(
    ('values', 'shown'), [({'ratio': float('nan')}, 'ratio=nan'), ({'steps': [0.5, float('inf')]}, r'steps=\[0.5, inf\]')]
)
def test_numbers_that_are_not_finite(values, shown):
    with pytest.raises(ValueError, match=f"part 'thing': {shown}; allowed: finite numbers; change {shown.split('=')[0]}"):
        thing(**values)


def test_a_missing_field_is_named():
    with pytest.raises(ValueError, match=r"part 'thing': \['size'\] must be given; add size=..."):
        make('part', TABLE, {'kind': 'thing'})


@pytest.mark.parametrize('value', [0, -1, float('nan')])
def test_positive(value):
    positive('part', size=1, ratio=0.5)
    with pytest.raises(ValueError, match=f'part: ratio={value} is given, allowed is above 0; raise ratio'):
        positive('part', size=1, ratio=value)


def test_divides():
    divides('part', 'heads', 4, 'width', 8)
    with pytest.raises(
        ValueError, match=r'part: heads=3 does not divide width=8; allowed: \[1, 2, 4, 8\]; change heads or width'
    ):
        divides('part', 'heads', 3, 'width', 8)
    with pytest.raises(ValueError, match='part: heads=0 is given, allowed is above 0; raise heads'):
        divides('part', 'heads', 0, 'width', 8)


def test_every_missing_field_is_named():
    pair = dataclasses.make_dataclass('Pair', [('size', int), ('depth', int), ('ratio', float, 0.5)])
    with pytest.raises(ValueError, match=r"part 'pair': \['size', 'depth'\] must be given; add size=\.\.\., depth=\.\.\.$"):
        make('part', {'pair': pair}, {'kind': 'pair'})
    with pytest.raises(ValueError, match=r"part 'pair': \['depth'\] must be given; add depth=\.\.\.$"):
        make('part', {'pair': pair}, {'kind': 'pair', 'size': 1})


def test_what_the_lab_gives_reaches_a_kind_that_has_the_field_and_no_other():
    pair = dataclasses.make_dataclass('Pair', [('size', int), ('features', int, 0)])
    made = make('part', {'pair': pair}, {'kind': 'pair', 'size': 1}, features=7, stride=2)
    assert (made.size, made.features) == (1, 7)
    with pytest.raises(ValueError, match=r"part 'pair': unknown field 'features'; allowed: \['size'\]\.$"):
        make('part', {'pair': pair}, {'kind': 'pair', 'size': 1, 'features': 7})
