"""Simulates the providers on this machine: their wire protocols, an inbox, signed webhooks, and faults on demand.

Nothing here may import `app.providers`: both sides of each wire protocol are written independently, so that each
checks the other. Start the simulator with `python -m app.local.simulator`; `control.py` describes its control API.
"""
