"""Made Up, simulated."""
