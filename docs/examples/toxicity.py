"""Does attention help to tell which of twelve tests a molecule sets off?

`tox21.csv` has a column of SMILES and twelve of labels, some of them missing, as Tox21.

    archlab data prepare toxicity.py
    archlab run toxicity.py
"""

from ablations.study import Study, swap, task

RECEPTORS = ('NR-AR', 'NR-AR-LBD', 'NR-AhR', 'NR-Aromatase', 'NR-ER', 'NR-ER-LBD', 'NR-PPAR-gamma')
toxicity = task(
    source='tox21.csv',
    inputs='smiles',
    target=(*RECEPTORS, 'SR-ARE', 'SR-ATAD5', 'SR-HSE', 'SR-MMP', 'SR-p53'),
)
study = Study(
    name='toxicity',
    question=__doc__,
    arms={'attention': (), 'no_mixer': swap('mixer', 'identity')},
    tasks=(toxicity,),
)
