"""Studies: the table of the lab's own studies, one file each."""

from ablations.studies import mixers, norms, null, quickstart

STUDIES = {module.study.name: module.study for module in (quickstart, norms, null, mixers)}
