"""The script that the emulator's Python runs, by its path and with -I, so that no folder of ours is on its path."""

import sys
from importlib import import_module, util
from pathlib import Path

PACKAGE = "aws_emulator"
BARE = "--bare"  # keep nothing


def main() -> None:
    """Import this folder as a package of its own, and run the emulator."""
    folder = Path(__file__).parent
    spec = util.spec_from_file_location(PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)])
    if spec is None or spec.loader is None:
        sys.exit(f"{folder} cannot be imported")
    package = util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)
    import_module(f"{PACKAGE}.{'bare' if BARE in sys.argv else 'server'}").main()


if __name__ == "__main__":
    main()
