"""Hot kernels: arrays in, arrays out."""

from memmpy.gather.reference import offsets_of, pad_jagged, take_jagged

__all__ = ["offsets_of", "pad_jagged", "take_jagged"]
