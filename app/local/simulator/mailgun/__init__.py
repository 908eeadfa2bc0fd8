"""Simulates Mailgun."""
