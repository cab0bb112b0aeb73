"""Arch: the blocks that studies compare, and the models composed of them. Only this room imports flax.

Axis letters, the same in docstrings, comments and einsum strings (there in lower case):

    B batch    H W height, width    N tokens    C channels    K heads    D head size
    F hidden   V vocabulary         L layers    E experts     S seeds    P lanes      I input channels

A *map* is [B, H, W, C], a *sequence* [B, N, C]. Every block takes `(x, context)`. `Context` holds what is not a field of the
block: causal or not, training or not, the traced knobs, the number of the layer (also traced if the body scans), and the
position rule of attention.

A block is a subclass of one of the bases in `arch/block.py` (`Norm`, `Mixer`, ...). These declare all its possible flags, such
as `FITS` or `KNOBS`, and methods, such as `check`. It keeps the rules of `arch/contracts/`.
"""
