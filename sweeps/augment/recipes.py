"""Recipes: augmentations that belong together, by name, as lists of specs."""

IMAGENET_MEAN, IMAGENET_DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

RECIPES: dict[str, list[dict]] = {
    'convnext_imagenet': [
        {'kind': 'random_resized_crop', 'size': 224, 'interpolation': 'bicubic'},
        {'kind': 'flip'},
        {'kind': 'rand_augment', 'magnitude': 9.0, 'deviation': 0.5, 'fill': IMAGENET_MEAN},
        {'kind': 'random_erasing', 'probability': 0.25, 'mean': IMAGENET_MEAN, 'deviation': IMAGENET_DEVIATION},
        {'kind': 'mixup_or_cutmix', 'mixup_alpha': 0.8, 'cutmix_alpha': 1.0},
    ],
    'small_images': [{'kind': 'crop', 'padding': 4}, {'kind': 'flip'}],
}
"""convnext_imagenet: ImageNet-1k training of ConvNeXt (2201.03545, table 5), which follows DeiT (2012.12877, table 9).

With it goes label smoothing 0.1, a knob of the loss (`label_smoothing`). Where this differs from the authors' runs: shares of
mixing are drawn for each example, not for each batch, and RandAugment's moves are bilinear only. RandAugment takes the place
of colour jitter there too.

small_images: the usual augmentation of 32 x 32 images (1512.03385, section 4.2).
"""
