"""What an application is told: the feed, the webhooks to its endpoints, and the numbers. All follow from the stream."""
