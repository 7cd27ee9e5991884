"""What the programs of this folder share: checks that are counted, and said as they are made."""

import socket
import sys

passed = failed = 0


def check(name, held, said=""):
    """Counts a check; what was said instead is shown of one that does not hold."""
    global passed, failed
    passed += bool(held)
    failed += not held
    print(f"{'ok' if held else 'FAILED'}: {name} {'' if held else said}", flush=True)


def finish():
    """Prints how many checks held, as `tests/run` counts them, and ends the program."""
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
