"""Made Up, a provider that does not exist, shows how one is added: docs/adding-a-provider.md."""
