"""The hallway: one verb a file (accept, attempt, record, sweep), each a recipe of named steps."""
