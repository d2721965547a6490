"""What networks are made of: each operation knows how to go forward and back."""
