"""What the providers share: the contract, and the parts from which each is made. No module here knows a provider."""
