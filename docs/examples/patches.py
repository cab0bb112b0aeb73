"""Does a model that tells figures from ground, pixel by pixel, need convolutions?

`patches` has a folder images and a folder masks, with a mask of the same name for each image.

    archlab data prepare patches.py
    archlab run patches.py
"""

from ablations.study import Study, swap, task

patches = task(source='patches', read='image_masks', size=32, share=0.2)
study = Study(
    name='patches',
    question=__doc__,
    arms={'convolution': (), 'no_mixer': swap('mixer', 'identity')},
    tasks=(patches,),
)
