"""Declared flags: what a class may say, and that nothing which is meant as a flag passes unread."""

import dataclasses
import re

import jax.numpy as jnp
import pytest
from flax import linen as nn

from ablations.tasks import TASKS
from arch.block import BASES, Block, Downsample, Mixer, Norm, Residual, adopted
from arch.contracts import check
from arch.declared import DEFAULTS, check_flags, mistakes
from arch.flags import Flags, Knob
from arch.model import build
from arch.sockets import TABLES


def refused(base: type, **attributes: object) -> str:
    """The first mistake of a plain flax module with these attributes, in a family."""
    notes = attributes.pop('__annotations__', {})
    cls = type('Mine', (nn.Module,), {'__annotations__': notes, **attributes})
    return next(iter(mistakes(adopted(cls, base), base)), '')


def test_every_kind_of_the_lab_is_of_its_family_and_declares_what_the_lab_understands():
    for family, table in TABLES.items():
        for kind, cls in table.items():
            base = BASES.get(family, Flags)
            assert issubclass(cls, base) and mistakes(cls, base) == (), (family, kind)


def test_every_flag_has_one_type_and_a_sentence():
    for base in BASES.values():
        for name in vars(base).get('__annotations__', {}):
            assert not name.isupper() or type(vars(base)[name]) is type(DEFAULTS[name])


@pytest.mark.parametrize(
    ('name', 'value', 'meant'),
    [
        ('FITTS', ('tokens',), 'FITS'),
        ('FIT', ('tokens',), 'FITS'),
        ('FTIS', ('tokens',), 'FITS'),
        ('_FITS', ('tokens',), 'FITS'),
        ('Fits', ('tokens',), 'FITS'),
        ('fits', ('tokens',), 'FITS'),
        ('fits', 'tokens', 'FITS'),
        ('KNOB', {}, 'KNOBS'),
        ('knobs', {'gain': 1.0}, 'KNOBS'),
        ('TAKE', ('rotate',), 'TAKES'),
        ('NEED', 3, 'NEEDS'),
        ('SCAN', False, 'SCANS'),
        ('scans', False, 'SCANS'),
        ('SCANNED', False, 'SCANS'),
        ('SKANS', 0, 'SCANS'),
        ('MIX_BATCH', True, 'MIXES_BATCH'),
        ('mixes_batch', True, 'MIXES_BATCH'),
        ('EQUIVARIENT', True, 'EQUIVARIANT'),
        ('SUBSAMPLE', True, 'SUBSAMPLES'),
    ],
)
def test_a_name_close_to_a_flag_names_the_flag(name, value, meant):
    assert refused(Mixer, **{name: value}).startswith(f'{name} is no flag; allowed: ')
    assert refused(Mixer, **{name: value}).endswith(f"Did you mean '{meant}'?")


@pytest.mark.parametrize(
    ('attributes', 'why'),
    [
        ({'CAUSAL': False}, 'CAUSAL is no flag; allowed'),
        ({'WHERE': ('maps', 'tokens')}, 'WHERE is no flag; allowed'),
        ({'FITS': 'tokens'}, "FITS = 'tokens' is a str; allowed: a tuple of"),
        ({'FITS': ('tokenz',)}, "holds 'tokenz'; allowed: .*Did you mean 'tokens'"),
        ({'FITS': ('queries',)}, "holds 'queries'"),
        ({'FITS': ()}, 'works nowhere'),
        ({'TAKES': ('rotates',)}, "Did you mean 'rotate'"),
        ({'SCANS': 0}, 'SCANS = 0 is a int; allowed: True or False'),
        ({'SCANS': 'False'}, 'is a str; allowed: True or False'),
        ({'KNOBS': ('gain',)}, 'is a tuple; allowed: a dict'),
        ({'KNOBS': {'gain': 'gian'}, 'gain': 1.0, '__annotations__': {'gain': float}}, "Did you mean 'gain'"),
        ({'KNOBS': {'gain': None}}, 'None of knob .gain. is no number'),
        ({'KNOBS': {'gain': Knob(None)}}, 'None of knob .gain. is no number'),
        ({'KNOBS': {'gain': Knob('gian')}, 'gain': 1.0, '__annotations__': {'gain': float}}, "Did you mean 'gain'"),
        ({'KNOBS': {'gain': Knob(1.0, low=2, high=2)}}, 'the bounds of knob .gain. hold nothing'),
        ({'KNOBS': {'gain': Knob(1.0, low='0')}}, 'the bounds of knob .gain. hold nothing'),
        ({'KNOBS': property(lambda self: {})}, 'KNOBS is a property'),
        ({'FITS': ('tokens',), '__annotations__': {'FITS': tuple}}, 'FITS is a field'),
        ({'FITTS': ('tokens',), '__annotations__': {'FITTS': tuple}}, "Did you mean 'FITS'"),
        ({'BRANCHES': 2}, r"BRANCHES is a flag of \['block'\] alone"),
        ({'SUBSAMPLES': True}, "no field 'stride'"),
        ({'NEEDS': 'rotate'}, r"NEEDS = 'rotate' is a str; allowed: a tuple of \['rotate', .*; write e.g. \('first_values',\)"),
        (
            {'KNOBS': {'gain': 'mode'}, 'mode': 'x', '__annotations__': {'mode': str}},
            "the field 'mode' has no number as default; allowed: a field that has",
        ),
        (
            {'KNOBS': {'gain': 'wide'}, 'wide': True, '__annotations__': {'wide': bool}},
            "the field 'wide' has no number as default",
        ),
        ({'KNOBS': {'gain': True}}, 'True of knob .gain. is no number'),
        ({'KNOBS': {'gain': 1.0, 'slope': Knob(1.0, low=3, high=2)}}, 'the bounds of knob .slope. hold nothing'),
        ({'KERNELS': ('query',)}, r"KERNELS = \('query',\); allowed: for each path to a kernel a tuple with a word of"),
        ({'KERNELS': {'query': ('in', 'heads')}}, 'allowed: for each path to a kernel a tuple'),
        ({'KERNELS': {'query': ('each', 'out')}}, "'in' and 'out' or 'tap' among them"),
        ({'KERNELS': {'query': 'tap'}}, 'allowed: for each path to a kernel a tuple'),
        ({'KERNELS': {'query': ('in', 'out'), 'key': ('in', 'in')}}, 'allowed: for each path to a kernel a tuple'),
    ],
    ids=lambda part: ' '.join(part) if isinstance(part, dict) else '',
)
def test_a_flag_that_the_lab_would_not_understand_is_refused(attributes, why):
    assert re.search(why, refused(Mixer, **attributes)), refused(Mixer, **attributes)


@pytest.mark.parametrize(
    'attributes',
    [
        {'KERNELS': {'query': ('in', 'out', 'out'), 'short': ['tap', 'each']}},
        {'TAKES': ['rotate']},
        {'FITS': {'tokens'}},
        {'KNOBS': {'gain': Knob('gain', low=0)}, 'gain': 1, '__annotations__': {'gain': int}},
    ],
    ids=lambda part: ' '.join(part),
)
def test_a_flag_that_the_lab_understands_passes(attributes):
    assert refused(Mixer, **attributes) == ''


@pytest.mark.parametrize(
    ('name', 'meant', 'other'),
    [
        ('SKANS', (None, 'no', 1), (2, 3.5)),
        ('TAEKS', (['a', 'b'], (1, 2)), ([1, 2], 3)),
        ('KNABS', ({'gain': 1.0}, None, 'gain'), (3, (1,))),
    ],
)
def test_a_name_that_is_not_quite_a_flag_is_refused_with_a_value_that_could_be_meant_for_it(name, meant, other):
    for value in meant:
        assert refused(Mixer, **{name: value}).startswith(f'{name} is no flag; allowed: '), value
    for value in other:
        assert refused(Mixer, **{name: value}) == '', value


def test_a_field_is_taken_for_a_flag_only_with_the_words_of_one():
    notes = {'fits': tuple}
    assert refused(Mixer, fits=('tokens',), __annotations__=notes).endswith("Did you mean 'FITS'?")
    assert refused(Mixer, fits=(3,), __annotations__=notes) == refused(Mixer, fits=(), __annotations__=notes) == ''
    assert refused(Mixer, takes=staticmethod(len)) == refused(Mixer, takes=classmethod(len)) == ''


def test_queries_are_a_place_of_norms_alone():
    assert refused(Norm, FITS=('queries', 'tokens')) == '' and "'queries'" not in refused(Mixer, FITS=('token',))
    assert "allowed: ['hierarchical', 'isotropic', 'causal', 'bidirectional', 'maps', 'tokens', 'queries']" in refused(
        Norm, FITS=('nowhere',)
    )


@pytest.mark.parametrize('value', [0, True, 1.0, '2'])
def test_branches_are_counted_in_whole_numbers(value):
    assert refused(BASES['block'], BRANCHES=value) == f'BRANCHES = {value!r}; allowed: whole numbers from 1; mend the value'
    assert refused(BASES['block'], BRANCHES=1) == ''


def test_flags_on_an_instance_and_promises_of_other_families_are_refused():
    class Late(nn.Module):
        def setup(self):
            self.FITS = ('tokens',)

    said = 'setup sets FITS on an instance, which nobody reads; write FITS = ... in the class'
    assert mistakes(adopted(Late, Mixer), Mixer) == (said,)
    assert 'not both an enter and a leave' in refused(Residual, STREAMS=True)
    assert "no 'step'" in refused(Downsample, IN_BLOCK=True)
    assert 'whole numbers from 1' in refused(BASES['block'], BRANCHES=0)
    assert "no field 'over_depth'" in refused(BASES['body'], SCANS=True)


def test_a_flag_of_a_mixin_counts_or_is_refused_where_it_is_hidden():
    class OnTokens:
        FITS = ('tokens', 'isotropic', 'bidirectional')

    class First(OnTokens, Mixer):
        pass

    class Last(Mixer, OnTokens):
        pass

    class Misspelt(First):
        pass

    OnTokens.KNOB = {}
    assert First.FITS == OnTokens.FITS
    assert "Did you mean 'KNOBS'" in mistakes(Misspelt, Mixer)[0]
    del OnTokens.KNOB

    class Plain(nn.Module, OnTokens):
        pass

    assert adopted(Plain, Mixer).FITS == OnTokens.FITS and mistakes(adopted(Plain, Mixer), Mixer) == ()
    assert mistakes(First, Mixer) == ()
    assert mistakes(Last, Mixer) == ('FITS of OnTokens is hidden by Flags; name OnTokens first among the base classes',)


def test_a_class_says_it_anew_where_its_base_said_it():
    class First(nn.Module):
        FITS = ('tokens',)
        SCANS = False

    class Second(First):
        FITS = ('maps',)

    assert adopted(Second, Mixer).FITS == ('maps',) and adopted(Second, Mixer).SCANS is False


def test_what_is_the_classs_own_affair_passes():
    class Own(nn.Module):
        TAPS = 4
        BITS = 8
        SCALE = 1
        SHAPES = ([1], {'a': 2})
        SPANS = jnp.ones(2)
        MODE = 'causal'
        mode = 'bias'
        kernel: int = 3
        strides: int = 2
        branches: int = 1

        @property
        def needs(self):
            return 1

        def scans(self, x):
            self.sow('aux', 'x', x)
            return x

    assert mistakes(adopted(Own, Mixer), Mixer) == ()


def test_a_plain_flax_module_becomes_a_kind_and_stays_what_it_was():
    class Plain(nn.Module):
        """`[..., C] -> [..., C]`"""

        size: int
        KNOBS = {'strength': 2.0}

        @nn.compact
        def __call__(self, x, context):
            return x * self.size

    cls = adopted(Plain, Norm)
    assert issubclass(cls, Plain) and issubclass(cls, Norm) and adopted(Plain, Norm) is cls and adopted(cls, Norm) is cls
    assert (cls.__name__, cls.__doc__, cls.SCALES_BRANCH, cls.KNOBS) == ('Plain', Plain.__doc__, False, {'strength': 2.0})
    assert cls(3, site='end').apply({}, jnp.ones(2), None).tolist() == [3.0, 3.0]
    assert [field.name for field in dataclasses.fields(Plain)] == ['size', 'parent', 'name']


class Scaled(Norm):
    """A norm with a first scale of its own.

    `[B, N, C] -> [B, N, C]`
    """

    FITTS = ('tokens',)

    @nn.compact
    def __call__(self, x, context):
        start = context.initial.end(context.branches) if self.site == 'end' else 1.0
        return x * self.param('scale', nn.initializers.constant(start), ()).astype(x.dtype)


def test_check_and_build_refuse_a_misspelt_flag():
    tables = {**TABLES, 'norm': {**TABLES['norm'], 'mine': Scaled}}
    contracts = {contract.rule: contract for contract in check('norm', 'mine', tables)}
    assert list(contracts) == ['definition', 'flags'] and "Did you mean 'FITS'?" in contracts['flags'].why
    with pytest.raises(ValueError, match=r"norm 'mine': FITTS is no flag; .* Did you mean 'FITS'\?"):
        build({**TASKS['digits'].base, 'norm': {'kind': 'mine'}}, tables)
    with pytest.raises(ValueError, match="norm 'mine': FITTS is no flag"):
        check_flags('norm', 'mine', Scaled)


def test_check_finds_flags_that_are_not_true():
    class Silent(Scaled):
        __doc__ = Scaled.__doc__

    class Streams(Block):
        """`[B, N, C] -> [B, N, C]`"""

        @nn.nowrap
        def enter(self, x):
            return x, x

        @nn.nowrap
        def leave(self, stream, context, name):
            return stream[0]

        @nn.compact
        def __call__(self, stream, branch, context):
            return stream[0] + branch(stream[0], context), stream[1]

    del Scaled.FITTS
    try:
        contracts = {contract.rule: contract.why for contract in check('norm', 'mine', {**TABLES, 'norm': {'mine': Silent}})}
    finally:
        Scaled.FITTS = ('tokens',)
    assert 'say SCALES_BRANCH = True' in contracts['flags']
    tables = {**TABLES, 'residual': {'mine': Streams}}
    contracts = {contract.rule: contract.why for contract in check('residual', 'mine', tables)}
    assert 'say STREAMS = True' in contracts['flags']


PLACED = "['hierarchical', 'isotropic', 'causal', 'bidirectional', 'maps', 'tokens'"
OF_MIXERS = "['EQUIVARIANT', 'FITS', 'GENERATES', 'KERNELS', 'KNOBS', 'MIXES_BATCH', 'NEEDS', 'SCANS', 'SUBSAMPLES', 'TAKES']"


@pytest.mark.parametrize(
    ('base', 'attributes', 'said'),
    [
        (Mixer, {'FITS': 'tokens'}, f"FITS = 'tokens' is a str; allowed: a tuple of {PLACED}]; write e.g. ('tokens',)"),
        (Mixer, {'FITS': ('tokenz',)}, f"FITS = ('tokenz',) holds 'tokenz'; allowed: {PLACED}]. Did you mean 'tokens'?"),
        (Norm, {'FITS': ('x',)}, f"FITS = ('x',) holds 'x'; allowed: {PLACED}, 'queries']."),
        (Mixer, {'FITS': ()}, f'FITS = () works nowhere; allowed: some of {PLACED}]; name the places where it works'),
        (Mixer, {'SCANS': 0}, 'SCANS = 0 is a int; allowed: True or False; mend the value'),
        (
            Mixer,
            {'KNOBS': ('gain',)},
            "KNOBS = ('gain',) is a tuple; allowed: a dict of numbers or fields; write e.g. {'gain': 1.0}",
        ),
        (
            Mixer,
            {'KNOBS': {'gain': 'gian'}, 'gain': 1.0, '__annotations__': {'gain': float}},
            "KNOBS = {'gain': 'gian'}: 'gian' is no field of it; allowed: a field or a number. Did you mean 'gain'?",
        ),
        (
            Mixer,
            {'KNOBS': {'gain': 'mode'}, 'mode': 'x', '__annotations__': {'mode': str}},
            "KNOBS = {'gain': 'mode'}: the field 'mode' has no number as default; allowed: a field that has; give it one",
        ),
        (
            Mixer,
            {'KNOBS': {'gain': None}},
            "KNOBS = {'gain': None}: None of knob 'gain' is no number; allowed: a number, or the name of a field",
        ),
        (
            Mixer,
            {'KNOBS': {'gain': Knob(1.0, 2, 2)}},
            "KNOBS = {'gain': Knob(first=1.0, low=2, high=2)}: the bounds of knob 'gain' hold nothing; allowed: numbers, "
            'low < high; mend them',
        ),
        (
            Mixer,
            {'KNOBS': property(len)},
            'KNOBS is a property, which a class has not yet; write KNOBS = ... with a value such as {}',
        ),
        (
            Mixer,
            {'FITS': ('tokens',), '__annotations__': {'FITS': tuple}},
            'FITS is a field, which a spec could set; write FITS = ... without a type',
        ),
        (Mixer, {'BRANCHES': 2}, f"BRANCHES is a flag of ['block'] alone; allowed here: {OF_MIXERS}; leave it out"),
        (Mixer, {'NOTHING': True}, f"NOTHING is a flag of ['norm', 'qk_norm'] alone; allowed here: {OF_MIXERS}; leave it out"),
        (Mixer, {'CAUSAL': False}, f'CAUSAL is no flag; allowed: {OF_MIXERS}. Rename it.'),
        (Mixer, {'FITTS': ('tokens',)}, f"FITTS is no flag; allowed: {OF_MIXERS}. Did you mean 'FITS'?"),
        (
            Mixer,
            {'KERNELS': ('query',)},
            "KERNELS = ('query',); allowed: for each path to a kernel a tuple with a word of ['each', 'in', 'out', 'tap'] for "
            "each axis, 'in' and 'out' or 'tap' among them; write e.g. {'attend/query': ('in', 'out', 'out')}",
        ),
        (
            Mixer,
            {'SUBSAMPLES': True},
            "SUBSAMPLES = True, but it has no field 'stride' for the lab to set; add the field or say SUBSAMPLES = False",
        ),
        (
            Residual,
            {'STREAMS': True},
            'STREAMS = True, but it has not both an enter and a leave; add them or say STREAMS = False',
        ),
        (
            Residual,
            {'STREAMS': True, 'enter': lambda self, x: x},
            'STREAMS = True, but it has not both an enter and a leave; add them or say STREAMS = False',
        ),
        (
            Downsample,
            {'IN_BLOCK': True},
            "IN_BLOCK = True, but it has no 'step' for the block to read; add the property or say IN_BLOCK = False",
        ),
        (
            BASES['body'],
            {'SCANS': True},
            "SCANS = True, but it has no field 'over_depth' for the lab to set; add the field or say SCANS = False",
        ),
    ],
)
def test_a_mistake_is_told_with_its_fix(base, attributes, said):
    assert refused(base, **attributes) == said
