"""Simulates Resend."""
