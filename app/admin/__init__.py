"""Door: `python -m app.admin`, the operators' command line. Never deployed."""
