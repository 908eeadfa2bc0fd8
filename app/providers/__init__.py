"""One file per provider, the same members in the same order. Providers do no I/O: `transport` is what sends."""
