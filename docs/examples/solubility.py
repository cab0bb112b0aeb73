"""Does attention help to read a molecule's solubility from its SMILES?

`delaney.csv` has a column of SMILES and one with the measured value, as ESOL.

    archlab data prepare solubility.py
    archlab run solubility.py
"""

from ablations.study import Study, swap, task

solubility = task(
    source='delaney.csv',
    inputs='smiles',
    target='measured log solubility in mols per litre',
    unit='log mol per litre',
    margin=0.05,
)
study = Study(
    name='solubility',
    question=__doc__,
    arms={'attention': (), 'convolution': swap('mixer', 'depthwise_conv', kernel=7), 'no_mixer': swap('mixer', 'identity')},
    tasks=(solubility,),
)
