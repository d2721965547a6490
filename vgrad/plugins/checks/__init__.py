"""What a part is put through before a network may use it, a file per family."""
