"""The doors that events come through: the queue and the clock."""
