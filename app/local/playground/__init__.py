"""The playground: the simulator's port as a page. It shows what the providers took, breaks them, and sends."""
