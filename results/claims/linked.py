"""Linked: claims as JSON-LD, in the terms of schema.org where it has them, else in a vocabulary of the lab's own.

The context is part of the document, and no address of it is ever looked up: those of the lab's own terms are under `.invalid`,
a name that cannot exist (RFC 2606). The node of a claim holds every field of it, so `claims_from` gives the same claims.
"""

import dataclasses
import json
from collections.abc import Mapping
from urllib.parse import quote

from results.claims.claim import Claim, claim_of
from results.claims.collection import Collection
from results.claims.sentence import sentence_of, unit_of

TERMS = 'https://archlab.invalid/terms#'
CONTEXT = {
    '@version': 1.1,
    'schema': 'https://schema.org/',
    'archlab': TERMS,
    '@vocab': TERMS,
    **{name: f'schema:{name}' for name in ('Claim', 'Dataset', 'Observation')},
    **{
        name: f'schema:{name}'
        for name in ('name', 'text', 'about', 'variableMeasured', 'unitText', 'value', 'minValue', 'maxValue')
    },
    'observation': 'schema:mainEntity',
    'isBasedOn': 'schema:isBasedOn',
    # Plain data with keys of their own, which are no terms.
    **{name: {'@id': f'archlab:{name}', '@type': '@json'} for name in ('changes', 'base_changes', 'settings', 'sources')},
    **{name: {'@id': f'archlab:{name}', '@container': '@list'} for name in ('optimizers', 'interval', 'censored')},
    **{name: {'@id': f'archlab:{name}', '@type': '@id'} for name in ('first', 'second')},
}
"""The meaning of every key."""
FIELDS = tuple(field.name for field in dataclasses.fields(Claim) if field.name not in ('study', 'question', 'study_digest'))
"""The fields that stand in the node of a claim; its study is a node of its own."""
STUDY = {'study': 'name', 'question': 'question', 'study_digest': 'digest'}


def _urn(kind: str, address: str) -> str:
    return f'urn:archlab:{kind}:{quote(address, safe="")}'


def _node(claim: Claim) -> dict:
    plain = claim.to_dict()
    study = {term: plain[field] for field, term in STUDY.items()}
    low, high = plain['interval'] or (None, None)
    measured = f'{claim.metric}: {claim.arm} less {claim.base}, in the good direction'
    observation = {'value': plain['effect'], 'minValue': low, 'maxValue': high, 'unitText': unit_of(claim)}
    if unit_of(claim) == 'points':
        observation = {name: 100 * v if isinstance(v, float) else v for name, v in observation.items()}
    known = {name: float(f'{v:.6g}') if isinstance(v, float) else v for name, v in observation.items() if v is not None}
    return {
        '@id': _urn('claim', claim.digest),
        '@type': 'Claim',
        'text': str(sentence_of(claim)),
        'about': [{'@id': _urn('dataset', name), '@type': 'Dataset', 'name': name} for name in claim.datasets],
        'isBasedOn': {'@id': _urn('study', claim.study_digest), '@type': 'Study', **study},
        'observation': {'@type': 'Observation', 'variableMeasured': measured, **known},
        **{name: plain[name] for name in FIELDS},
    }


def linked(collection: Collection) -> dict:
    """A document of all claims and their relations."""
    related = []
    for one in collection.relations:
        ends = {'first': _urn('claim', one.first.digest), 'second': _urn('claim', one.second.digest)}
        related.append({'@type': 'Relation', 'kind': one.kind, 'agreement': one.agreement, **ends})
    return {'@context': CONTEXT, '@graph': [*map(_node, collection.claims), *related]}


def as_jsonld(collection: Collection) -> str:
    """The document as text."""
    return json.dumps(linked(collection), indent=1, allow_nan=False) + '\n'


def claims_from(document: Mapping) -> list[Claim]:
    """The claims of a document that `linked` made; raises ValueError on any other."""
    try:
        nodes = [node for node in document['@graph'] if node['@type'] == 'Claim']
        made = []
        for node in nodes:
            study = {field: node['isBasedOn'][term] for field, term in STUDY.items()}
            claim = claim_of({**study, **{name: node[name] for name in FIELDS}})
            if node['@id'] != _urn('claim', claim.digest):
                raise ValueError(
                    f'{node["@id"]} is not the address of what it says, {_urn("claim", claim.digest)}: it was changed'
                )
            made.append(claim)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f'no document of claims ({type(error).__name__}: {error}); give what archlab claims --format jsonld wrote'
        ) from None
    return made
