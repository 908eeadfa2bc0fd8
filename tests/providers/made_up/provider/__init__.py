"""Made Up."""
