"""Simulates the providers on this machine: their wire protocols, an inbox, signed webhooks, and faults on demand.

Nothing here may import a provider's code, only the registry, for its names and limits: both sides of each wire
protocol are written independently, so that each checks the other. Each provider has a package here, which
`accounts.py` finds by its name. Start the simulator with `python -m app.local.simulator`; `control.py` describes its
control API.
"""
