"""Parts that several test folders share: a clock to move, a queue to read, providers that answer as scripted."""
