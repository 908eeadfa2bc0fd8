"""The use cases, one per file: accept, attempt, cancel, explain, read, record, sweep. `ports` names what they need."""
