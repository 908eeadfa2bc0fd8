"""Tests of one provider, and its other end."""
