"""One package per provider, over the parts in `sdk`. `registry` finds and loads them."""
