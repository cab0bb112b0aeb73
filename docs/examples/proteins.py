"""Does a model of proteins, residue by residue, need attention?

`proteins.fasta` has a record for each protein; a folder of such files, also packed, does as well.

    archlab data prepare proteins.py
    archlab data reference proteins.py:proteins
    archlab run proteins.py
"""

from ablations.study import Study, swap, task

proteins = task(source='proteins.fasta', length=128, steps=1000)
study = Study(
    name='proteins',
    question=__doc__,
    arms={'attention': (), 'convolution': swap('mixer', 'depthwise_conv', kernel=5), 'no_mixer': swap('mixer', 'identity')},
    tasks=(proteins,),
)
