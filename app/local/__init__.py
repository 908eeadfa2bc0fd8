"""What a laptop adds: the embedded AWS, the worker loop and the provider simulator. Never deployed."""
