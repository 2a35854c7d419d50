"""Writes the archives beside this file with NumPy: what `trainable --data` must read as NumPy means it."""

from pathlib import Path

import numpy

here = Path(__file__).parent
# Images [6, 3, 2, 2] of f32: image n, channel c, row r, column k is n + c / 10 + r / 100 + k / 1000.
n, c, r, k = numpy.indices((6, 3, 2, 2))
images = (n + c / 10 + r / 100 + k / 1000).astype("<f4")
numpy.savez(here / "colours.npz", images=images, labels=numpy.array([2, 0, 1, 2, 0, 1]))
# Keras' names, compressed; images [8, 3, 2] of u8: image n, row r, column k is 10 n + 2 r + k.
n, r, k = numpy.indices((8, 3, 2))
images = (10 * n + 2 * r + k).astype("u1")
labels = numpy.array([0, 1, 0, 3, 1, 0, 1, 3], dtype="u1")
numpy.savez_compressed(
    here / "keras.npz", x_train=images[:5], y_train=labels[:5], x_test=images[5:], y_test=labels[5:].astype(">i2")
)
