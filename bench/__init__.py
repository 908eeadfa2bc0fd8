"""Experiments on whole installations: outages, chaos, and the cost of an email. They are never deployed."""
