"""Simulates SendGrid."""
