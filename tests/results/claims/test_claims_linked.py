"""Claims as JSON-LD: every claim comes back, and every key has a meaning that needs no network."""

import json

import pytest
from made_claims import claim, collection, published

from results.claims.linked import CONTEXT, TERMS, as_jsonld, claims_from, linked


def test_every_claim_comes_back():
    document = json.loads(as_jsonld(published()))
    assert claims_from(document) == list(published().claims)
    assert len(document['@graph']) == len(published().claims) + len(published().relations)


def test_terms_of_schema_org_and_our_own():
    (node,) = linked(collection(claim()))['@graph']
    assert node['@id'].startswith('urn:archlab:claim:') and node['@type'] == 'Claim'
    assert CONTEXT['Claim'] == 'schema:Claim' and CONTEXT['variableMeasured'] == 'schema:variableMeasured'
    assert node['about'] == [{'@id': 'urn:archlab:dataset:digits', '@type': 'Dataset', 'name': 'digits'}]
    seen = node['observation']
    assert (seen['value'], seen['minValue'], seen['maxValue'], seen['unitText']) == (-2.1, -3.0, -1.2, 'points')
    assert node['isBasedOn'] == {
        '@id': 'urn:archlab:study:0123456789abcdef',
        '@type': 'Study',
        'name': 'first',
        'question': 'Which norm?',
        'digest': '0123456789abcdef',
    }


def test_what_is_not_known_is_left_out_and_units_that_are_no_shares_stay():
    (node,) = linked(collection(claim(interval=(None, -0.012), metric='loss', unit='nats')))['@graph']
    assert {name: node['observation'].get(name) for name in ('value', 'minValue', 'maxValue', 'unitText')} == {
        'value': -0.021,
        'minValue': None,
        'maxValue': -0.012,
        'unitText': 'nats',
    }
    (node,) = linked(collection(claim(effect=None, interval=None)))['@graph']
    assert 'value' not in node['observation'] and node['observation']['unitText'] == 'points'


def test_the_context_is_whole_and_asks_nothing_of_the_network():
    assert TERMS.startswith('https://archlab.invalid/') and CONTEXT['@vocab'] == TERMS
    prefixes = {'schema': 'https://schema.org/', 'archlab': TERMS}
    for key, meaning in CONTEXT.items():
        address = meaning['@id'] if isinstance(meaning, dict) else meaning
        if key not in prefixes and not key.startswith('@'):
            assert address.partition(':')[0] in prefixes, key


def test_addresses_hold_any_name():
    (node,) = linked(collection(claim(setting={'dataset': 'mine, by <hand>'})))['@graph']
    assert node['about'][0]['@id'] == 'urn:archlab:dataset:mine%2C%20by%20%3Chand%3E'


def test_relations_are_nodes():
    first, second = claim(), claim(study='second', verdict='better', effect=0.02)
    nodes = linked(collection(first, second))['@graph']
    assert nodes[2] == {
        '@type': 'Relation',
        'kind': 'repeats',
        'agreement': 'contradicts',
        'first': nodes[0]['@id'],
        'second': nodes[1]['@id'],
    }


def test_a_changed_or_foreign_document_is_refused():
    document = linked(collection(claim()))
    document['@graph'][0]['verdict'] = 'better'
    with pytest.raises(ValueError, match='is not the address of what it says'):
        claims_from(document)
    for foreign in ({}, [], {'@graph': [{'@type': 'Claim'}]}, {'@graph': [1]}):
        with pytest.raises(ValueError, match='no document of claims'):
            claims_from(foreign)
