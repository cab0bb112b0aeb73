"""Where kinds fit: every kind works at the places that it claims, and is refused at the others by a sentence that helps."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import pytest
from given_fields import GIVEN

from ablations.tasks.bases import BODY
from arch.fits import PLACES, fits
from arch.model import build
from arch.probe import PLAIN
from arch.shape_lines import SIZES, shape_lines
from arch.sockets import TABLES

IMAGE = {'stem': {'kind': 'patchify', 'patch': 2}, 'head': {'kind': 'classifier', 'outputs': SIZES['V']}}
IDS = {'stem': {'kind': 'tokens', 'vocabulary': SIZES['V']}, 'head': {'kind': 'classifier', 'outputs': SIZES['V']}}
STAGES = {'kind': 'hierarchical', 'widths': [8, 16], 'depths': [1, 1], **BODY}
ROW = {'kind': 'isotropic', 'width': 16, 'depth': 1, **BODY}
AROUND = {
    ('hierarchical', 'bidirectional', 'maps'): {**IMAGE, 'body': STAGES, 'downsample': {'kind': 'separate_conv'}},
    ('isotropic', 'bidirectional', 'maps'): {**IMAGE, 'body': ROW},
    ('isotropic', 'bidirectional', 'tokens'): {**IDS, 'body': ROW},
    ('isotropic', 'causal', 'tokens'): {
        **IDS,
        'body': {**ROW, 'causal': True},
        'head': {'kind': 'next_token', 'outputs': SIZES['V']},
    },
}
"""What stands around a kind, by the places that it then works in."""
SIZED = {'towers': {'width': 16, 'depths': [1, 1]}}
"""The sizes of bodies that are neither the row nor the stages; they fit where a row does, on tokens alone."""
OWN_INPUT = 'stem'
"""A stem makes maps or sequences itself, so that it is only ever asked to work in a body of the other sort."""


def config_of(family: str, kind: str, places: tuple[str, ...]) -> dict:
    """A plain model with the kind in it, and with what it says that it needs."""
    cls, config = TABLES[family][kind], {**PLAIN, **AROUND[places]}
    if family == 'body':
        config['body'] = {**config['body'], 'kind': kind}
        return config
    config[family] = {'kind': kind, **GIVEN.get(kind, {})}
    if cls.NEEDS or (family == 'qk_norm' and kind != 'identity'):
        takers = (mixer for mixer, own in TABLES['mixer'].items() if set(cls.NEEDS) <= set(own.TAKES))
        config['mixer'] = {'kind': next(takers), 'heads': 2}
    if places[0] == 'hierarchical' and (family != 'downsample' or kind == 'none'):
        config['body'] = {**config['body'], 'widths': [16], 'depths': [1]}
    if family == 'downsample' and cls.IN_BLOCK:
        config['block'] = {'kind': 'bottleneck'}
    return config


def inputs(config: dict) -> jax.ShapeDtypeStruct:
    """What the stem of a model takes, by its shape line."""
    given = shape_lines(TABLES['stem'][config['stem']['kind']])[0].given
    if given == ('B', 'N'):
        return jax.ShapeDtypeStruct((2, 8), jnp.int32)
    shape = {4: (2, 8, 8, 3), 3: (2, 8, 3)}[len(given)]
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def drawn(config: dict) -> tuple[dict, dict]:
    """The shapes of parameters and statistics, by a walk through the whole model that computes nothing."""
    x, model = inputs(config), build(config)
    return jax.eval_shape(lambda x: model.init(jax.random.key(0), x, {}), x)


CASES = [(family, kind) for family in TABLES if family != 'body' for kind in TABLES[family]]


def own_input(family: str, kind: str, places: tuple[str, ...]) -> bool:
    """Whether the body of these places has the sort of input that a stem makes; other kinds take any."""
    return family != OWN_INPUT or bool(set(places) & {'maps', 'tokens'} & set(fits(TABLES[family][kind])))


def claims(family: str, kind: str, places: tuple[str, ...]) -> bool:
    wanted = {*places, 'queries'} if family == 'qk_norm' else set(places)
    return own_input(family, kind, places) and wanted <= set(fits(TABLES[family][kind]))


def works(family: str, kind: str, places: tuple[str, ...]) -> None:
    assert drawn(config_of(family, kind, places))[0]['head' if family != 'head' else 'stem'], places


@pytest.mark.parametrize(('family', 'kind'), CASES, ids=lambda name: name)
def test_a_kind_is_refused_where_it_claims_nothing(family, kind):
    claimed = fits(TABLES[family][kind])
    if family == 'qk_norm' and 'queries' not in claimed:
        with pytest.raises(ValueError, match=f"'{kind}'.*allowed.*rms_norm"):
            drawn(config_of(family, kind, ('isotropic', 'bidirectional', 'tokens')))
        return
    tried = set()
    for places in AROUND:
        if claims(family, kind, places):
            tried |= set(places)
        elif own_input(family, kind, places):
            there = [name for name, cls in TABLES[family].items() if set(places) <= set(fits(cls))]
            with pytest.raises(ValueError, match='allowed') as refused:
                drawn(config_of(family, kind, places))
            assert f"'{kind}'" in str(refused.value), places
            assert any(f"'{name}'" in str(refused.value).partition('allowed')[2] for name in there), (places, refused.value)
    assert tried == set(claimed) & set(PLACES), 'claims a place that no body has beside its other places'


@pytest.mark.slow
@pytest.mark.parametrize(('family', 'kind'), CASES, ids=lambda name: name)
def test_a_kind_works_where_it_claims(family, kind):
    for places in AROUND:
        if claims(family, kind, places):
            works(family, kind, places)


def changed_around(family: str, kind: str, places: tuple[str, ...]) -> set[str]:
    """The families, beside its own, whose kinds a kind asks for."""
    plain = {**PLAIN, **AROUND[places]}
    return {name for name, spec in config_of(family, kind, places).items() if spec != plain[name]} - {family}


def share(places: tuple[str, ...]) -> list[tuple[str, str]]:
    """The kinds that are tried at these places here: each at one of the places that it claims, in turn over the tables."""
    own = [(case, [places for places in AROUND if claims(*case, places)]) for case in CASES]
    return [case for number, (case, claimed) in enumerate(own) if claimed and claimed[number % len(claimed)] == places]


def together(places: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Every kind of a share once, as many in one model as need nothing of each other."""
    waiting = share(places)
    # What asks for kinds around it comes first, and the others join it.
    waiting.sort(key=lambda case: not changed_around(*case, places))
    while waiting:
        chosen = dict(waiting[:1])
        taken = changed_around(*waiting[0], places)
        for family, kind in waiting:
            if family not in {*taken, *chosen} and not TABLES[family][kind].NEEDS and family not in ('qk_norm', 'downsample'):
                chosen[family] = kind
        waiting = [(family, kind) for family, kind in waiting if chosen.get(family) != kind]
        yield chosen


@pytest.mark.parametrize('places', AROUND, ids=' '.join)
def test_kinds_work_at_one_of_the_places_that_they_claim(places):
    for kinds in together(places):
        first, *others = kinds.items()
        config = {**config_of(*first, places), **{family: {'kind': kind} for family, kind in others}}
        try:
            assert drawn(config)[0]
        except ValueError:  # some of them may not go together; alone each must work
            for family, kind in kinds.items():
                works(family, kind, places)


def test_every_kind_is_tried_at_one_of_its_places():
    tried = [case for places in AROUND for case in share(places)]
    assert sorted(tried) == sorted(case for case in CASES if any(claims(*case, places) for places in AROUND))
    assert all(share(places) for places in AROUND)


@pytest.mark.parametrize('kind', TABLES['body'])
def test_a_body_works_where_it_claims_and_nowhere_else(kind):
    claimed = set(fits(TABLES['body'][kind]))
    works = set()
    for places, around in AROUND.items():
        body = around['body']
        if kind in SIZED and {'isotropic', 'tokens'} <= set(places):
            body = {**{name: body[name] for name in body if name in (*BODY, 'causal')}, **SIZED[kind], 'kind': kind}
        if kind == 'perceiver' and {'isotropic', 'bidirectional'} <= set(places):
            body = {'kind': kind}
        if kind == 'patched' and {'isotropic', 'causal', 'tokens'} <= set(places):
            body = {'kind': kind}
        if body['kind'] == kind:
            assert set(places) <= claimed
            works |= set(places)
            drawn({**PLAIN, **around, 'body': body})
    assert works == claimed


def test_every_place_has_its_sentence_and_every_claim_its_place():
    for family, table in TABLES.items():
        for kind, cls in table.items():
            assert set(fits(cls)) <= {*PLACES, 'queries'}, (family, kind)


def test_the_list_of_blocks_says_the_same():
    from sweeps.models.listing import listing

    blocks = listing('blocks')
    for family, kinds in blocks.items():
        for kind, row in kinds.items():
            assert set(row['fits']) == set(fits(TABLES[family][kind])) & set(PLACES)
            assert row['about'] and '\n' not in row['about']
    assert sorted(blocks['norm']) == sorted(TABLES['norm'])
    assert set(blocks['qk_norm']) == {kind for kind, cls in TABLES['norm'].items() if 'queries' in fits(cls)}
    assert blocks['mixer']['attention']['fields'].items() >= {'heads': 2, 'biases': 'needed', 'kv_heads': 0}.items()
    assert blocks['position']['rotary']['needs'] == ['rotate'] and 'rotate' in blocks['mixer']['attention']['takes']
