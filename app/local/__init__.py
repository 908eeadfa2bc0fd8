"""Local mode: an AWS emulator, the worker loop and the provider simulator, all on one machine. Never deployed."""
