"""Readers: everything that can be tuned is told of, and only that."""

import golden_texts
import pytest

from ablations.knobs import KNOBS
from arch.sockets import TABLES
from sweeps.models.listing import listing
from sweeps.models.readers import _readers, knob_lines, knobs
from sweeps.training.optimizers import OPTIMIZERS
from sweeps.training.preflight import known_knobs


def test_every_knob_of_the_lab_is_declared():
    assert sorted(knobs()) == sorted(KNOBS), 'every knob has a declaration and a reader'


@pytest.mark.parametrize('name', KNOBS)
def test_what_a_knob_is_where_nobody_sets_it_lies_within_its_bounds(name):
    assert all(value is None or value in KNOBS[name].bounds for value in knobs()[name]['read_by'].values())


@pytest.mark.parametrize(
    ('name', 'read_by'),
    [
        ('lr', {f'optimizer {kind}': None for kind in OPTIMIZERS}),
        ('momentum', {'optimizer sgd': 0.9, 'optimizer rmsprop': 0.9}),
        ('beta', {'optimizer muon': 0.95, 'optimizer muon_everywhere': 0.95}),
        ('layer_decay', {'layers': 1.0}),
        ('final_fraction', {'schedule': 0.0}),
        ('label_smoothing', {'loss': 0.0}),
        ('lr_embedding', {'roles': 1.0}),
        ('weight_decay_vector', {'roles': 0.0}),
        ('layer_scale_initial', {'residual layer_scale': 1e-6}),
        ('step_high', {'mixer selective_state_space': 0.1}),
    ],
)
def test_who_reads_a_knob_and_what_it_is_otherwise(name, read_by):
    assert knobs()[name]['read_by'] == read_by


def test_every_kind_of_block_is_looked_at():
    for family, kinds in TABLES.items():
        for kind, cls in kinds.items():
            for name in getattr(cls, 'KNOBS', {}) if family != 'qk_norm' else ():
                assert f'{family} {kind}' in knobs()[name]['read_by']


@pytest.mark.parametrize('kind', OPTIMIZERS)
def test_the_list_of_optimizers_has_what_appraisal_allows(kind):
    listed = listing('optimizers')[kind]
    assert listed['about']
    own = {name: value for name, knob in listed['knobs'].items() for who, value in knob['read_by'].items() if ' ' not in who}
    own |= {
        name: knob['read_by'][f'optimizer {kind}']
        for name, knob in listed['knobs'].items()
        if f'optimizer {kind}' in knob['read_by']
    }
    del own['init_scale']
    assert own == known_knobs(kind)


def test_the_table_has_a_line_for_each():
    head, _, *lines = knob_lines()
    assert head.split('  ')[0] == 'knob' and [line.split()[0] for line in lines] == list(knobs())
    assert 'must be given' in lines[0] and all(line == line.rstrip() for line in lines)


def test_the_command_prints_it(archlab):
    told = archlab('list', 'optimizers')
    assert told.returncode == 0 and told.stdout.startswith('adamw  AdamW (1711.05101).\n')
    assert knob_lines()[-1] in told.stdout
    narrow = knob_lines(80)
    assert max(map(len, narrow)) <= 80 and 'left out for want of room' in ' '.join(narrow[-3:])


def test_readers_of_one_family_stand_together_up_to_four():
    names = ['schedule', *(f'norm n{number}' for number in range(4)), *(f'mixer m{number}' for number in range(5)), 'norm last']
    assert _readers(names[:5]) == 'schedule; norm n0, n1, n2, n3'
    assert _readers(names[:4]) == 'schedule; norm n0, n1, n2'
    assert _readers(names) == 'schedule; norm (5 kinds); mixer (5 kinds)'


def test_the_table_of_knobs_is_what_it_was():
    golden_texts.hold('knobs', '\n'.join(knob_lines()))
