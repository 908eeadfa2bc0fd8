"""Version 1 of the API: its routes, and the shapes of their requests and answers."""
