"""Studies: the table of those that come with the lab, one file each."""

from ablations.studies import mixers, norms, null, quickstart

STUDIES = {module.study.name: module.study for module in (quickstart, norms, null, mixers)}
