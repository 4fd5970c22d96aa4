"""Statistics of the product: arrays in, frozen estimates out; no Flask, no database, SciPy only inside functions."""
