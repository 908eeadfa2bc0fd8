"""Entry point `python -m app.admin`, the operators' command line. It is never deployed."""
