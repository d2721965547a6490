"""What a network will be like at initialization, before anything is trained: see `making`."""
