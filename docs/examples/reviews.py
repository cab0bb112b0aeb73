"""Does it take attention to tell good reviews from bad ones?

`reviews.jsonl` has an object on every line, with the fields text and stars.

    archlab data prepare reviews.py
    archlab run reviews.py
"""

from ablations.study import Study, swap, task

reviews = task(source='reviews.jsonl', inputs='text', target='stars', form='text', length=128)
study = Study(
    name='reviews',
    question=__doc__,
    arms={'attention': (), 'no_mixer': swap('mixer', 'identity')},
    tasks=(reviews,),
)
