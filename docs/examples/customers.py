"""Should the features of a table attend to each other?

`customers.csv` has numbers, categories and a class; rows of one site never stand on both sides of a split.

    archlab data prepare customers.py
    archlab run customers.py
"""

from ablations.study import Study, swap, task

risk = task(
    source='customers.csv',
    inputs=('age', 'city', 'weight'),
    target='risk',
    group='site',
    share=0.2,
    metric='balanced_accuracy',
)
study = Study(
    name='customers',
    question=__doc__,
    arms={'attention': (), 'no_mixer': swap('mixer', 'identity'), 'token_mlp': swap('mixer', 'token_mlp')},
    tasks=(risk,),
)
