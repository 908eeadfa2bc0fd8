"""What the providers share."""
