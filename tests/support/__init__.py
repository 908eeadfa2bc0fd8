"""Real parts that several test folders share: a clock to move, a queue to look into, a provider to plan."""
