"""Does a model of names, letter by letter, need attention?

`names.txt` has a name on every line.

    archlab data prepare names.py
    archlab run names.py
"""

from ablations.study import Study, swap, task

names = task(source='names.txt', read='lines', tokens='characters', length=32)
study = Study(
    name='names',
    question=__doc__,
    arms={'attention': (), 'convolution': swap('mixer', 'depthwise_conv', kernel=5), 'no_mixer': swap('mixer', 'identity')},
    tasks=(names,),
)
