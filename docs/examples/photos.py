"""Do small networks need depthwise convolutions to tell photos apart?

`photos` is a folder with a folder of images for each class.

    archlab data prepare photos.py
    archlab run photos.py
"""

from ablations.study import Study, swap, task

photos = task(source='photos', read='image_folder', size=32, augment=[{'kind': 'flip'}])

study = Study(
    name='photos',
    question=__doc__,
    arms={'convolution': (), 'pooling': swap('mixer', 'pool', window=3), 'no_mixer': swap('mixer', 'identity')},
    tasks=('digits', photos),
)
