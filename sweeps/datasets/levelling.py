"""Levelling: images of several sets brought to one form, so that how they were stored does not tell where they come from."""

import dataclasses
import io

import numpy as np

from ablations.option_words import option

QUALITIES = range(1, 96)
"""The qualities of JPEG that Pillow advises."""


@dataclasses.dataclass(frozen=True)
class Levelling:
    """One form of images: `size` pixels each way, 1 or 3 `channels`, and the `quality` of JPEG they are written in, 0 for none.

    Raises ValueError for another quality.
    """

    size: int
    channels: int
    quality: int = 0

    def __post_init__(self):
        if self.quality and self.quality not in QUALITIES:
            raise ValueError(f'{option("jpeg", self.quality)}; allowed: 1 to {QUALITIES[-1]}, or leave it out')

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """The image in this form: uint8 [h, w, 1 or 3] to [size, size, channels]. The middle of the longer side stays."""
        from PIL import Image, ImageOps

        if image.shape == (self.size, self.size, self.channels) and not self.quality:
            return image
        picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
        picture = picture.convert('L' if self.channels == 1 else 'RGB')
        if picture.size != (self.size, self.size):
            picture = ImageOps.fit(picture, (self.size, self.size), Image.Resampling.BICUBIC)
        if self.quality:
            picture.save(written := io.BytesIO(), 'JPEG', quality=self.quality)
            picture = Image.open(written)
        return np.array(picture, np.uint8).reshape(self.size, self.size, self.channels)

    def __str__(self) -> str:
        stored = f', written as JPEG of quality {self.quality} and read again' if self.quality else ''
        return f'{self.size} x {self.size} pixels of {self.channels} channel{"s" * (self.channels > 1)}{stored}'
