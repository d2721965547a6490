"""The mathematics: NumPy only, explicit forward and backward over preallocated arrays."""
