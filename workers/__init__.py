"""Lambda's entry points for events: messages of the queue (`attempts`) and the clock (`sweep`)."""
