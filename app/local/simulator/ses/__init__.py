"""Simulates Amazon SES, and Amazon SNS, through which it reports."""
