"""The projector of what customers owe: their products, sums and lines, and late recorded fees."""
