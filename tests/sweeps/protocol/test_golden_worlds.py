"""Studies in worlds of many sorts, what they conclude and how it is counted: tests/golden/worlds.txt."""

import dataclasses
import json

import golden_texts
from told_values import plain, told

from sweeps.protocol import tally
from sweeps.protocol.cells import PARTS
from sweeps.protocol.false_words import false_words, held
from sweeps.protocol.world_studies import conclusion_of, study_of

CELLS = {f'{part}: {name}': cell for part, cells in PARTS.items() for name, cell in cells.items()}
SMALL = {'arms': 3, 'replicates': 3, 'trials': 6}
FEW = {'looks', 'replicates', 'arms', 'shape', 'shares', 'trials', 'screening', 'halvings'}
TRIED = 14
"""So many cells, evenly over all, are tried by a study of their world."""


def test_worlds_are_what_they_were():
    lines = []
    for name, cell in CELLS.items():
        study, usual = study_of(1, cell.world, **cell.fields), dataclasses.asdict(type(cell.world)())
        own = {name: value for name, value in dataclasses.asdict(cell.world).items() if value != usual[name]}
        about = {'world': own, 'fields': cell.fields, 'after': cell.after, 'promised': cell.promised, 'curved': cell.curved}
        effects = {' '.join(key): effect for key, effect in cell.effects(study).items() if effect}
        lines.append(f'{name}: {json.dumps(plain({**about, "effects": effects}))}')
    golden_texts.hold('worlds', '\n'.join(lines))


def test_studies_in_worlds_conclude_what_they_did():
    lines, names = [], list(CELLS)
    for number, name in enumerate(names[:: len(names) // TRIED]):
        cell = CELLS[name]
        fields = {**{key: own for key, own in cell.fields.items() if key not in FEW}, **SMALL}
        cell = dataclasses.replace(cell, fields=fields, planted={'third': -3.0} if number % 2 else cell.planted)
        study = study_of(number, cell.world, **fields)
        made = conclusion_of(number, cell.planted_world(study, {}), fields, (4,) if number % 5 == 4 else ())
        counted = tally.new(cell)
        tally.add(counted, cell, study, [made])
        lines += told(
            f'# {name}', {**dataclasses.asdict(made), 'words': {' '.join(key): own for key, own in made.words.items()}}
        )
        lines += told('false', sorted(false_words(study, cell, made))) + told('held', held(study, cell, made))
        lines += told('tally', {key: own for key, own in counted.items() if key != 'sources'})
    golden_texts.hold('worlds_studied', '\n'.join(lines))
