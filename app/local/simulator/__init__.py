"""The providers, played on this machine: their wire protocols, an inbox, signed webhooks, and faults on demand.

The other side of the wire: nothing here may know the product's own provider code, so that the two check each other.
Start it with `python -m app.local.simulator`; `control.py` describes how to talk to it.
"""
