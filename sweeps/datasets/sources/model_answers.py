"""Answers: what language models said to the same prompts, as AlpacaEval stores it; the class of a text is who wrote it."""

import dataclasses
from pathlib import Path

from sweeps.datasets.material import Material, Options
from sweeps.datasets.sources.tables import tables

COLUMNS = {'inputs': ('output',), 'target': ('generator',), 'group': 'instruction', 'form': 'text'}
"""The columns of model_outputs.json: answers to one instruction stay on one side of every split."""


def model_answers(source: Path, options: Options) -> Material:
    """The answers in every JSON file below a folder, of one model each or of several.

    Raises ValueError as `tables` does, so for an answer with nothing in it unless damaged ones may be left out, counted.
    """
    return tables(source, dataclasses.replace(options, **COLUMNS), 'json_lines')
