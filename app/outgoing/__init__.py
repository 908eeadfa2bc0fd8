"""Calls to addresses that users name: which are allowed, how they are made, and how they are signed."""
