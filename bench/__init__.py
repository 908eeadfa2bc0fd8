"""Experiments on whole installations: outages, chaos, and what an email costs. Never deployed."""
