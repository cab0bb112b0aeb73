"""Is a model of motions better with attention than with convolutions?

`motions` holds NAME_TRAIN.ts and NAME_TEST.ts of several numbers a step, as the UEA archive has them.

    archlab data prepare motions.py
    archlab run motions.py
"""

from ablations.study import Study, swap, task

motions = task(source='motions', read='ts', steps=400)
study = Study(
    name='motions',
    question=__doc__,
    arms={'convolution': (), 'attention': swap('mixer', 'attention', heads=2, biases='needed')},
    tasks=(motions,),
)
