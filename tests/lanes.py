"""Runs the workspace's tests two programs at a time, those that take longest first.

    lanes.py [what cargo is told besides, such as --features NAME]

`cargo test` runs one program after another, and a program whose tests go one by one leaves a core
idle. What each printed is shown when it has ended, with how long it took.
"""

import json
import os
import pathlib
import subprocess
import sys
import threading
import time

LANES = 2

# What takes longest. The order of the others is cargo's.
FIRST = ["noninterference", "runs", "rehearsal", "plans", "large_groups", "cost", "alerts", "webhooks"]


def programs():
    """Builds the tests, and names each program with the folder that it is run in."""
    build = ["cargo", "test", "--workspace", *sys.argv[1:], "--no-run", "--message-format=json-render-diagnostics"]
    built = subprocess.run(build, stdout=subprocess.PIPE, text=True)
    if built.returncode:
        sys.exit(built.returncode)
    found = []
    for line in built.stdout.splitlines():
        message = json.loads(line)
        if message["reason"] == "compiler-artifact" and message["profile"]["test"] and message["executable"]:
            folder = pathlib.Path(message["manifest_path"]).parent
            found.append((message["target"]["name"], [message["executable"], "--quiet"], folder))
    return found


def main():
    waiting = programs() + [("examples in the docs", ["cargo", "test", "--workspace", *sys.argv[1:], "--doc", "--quiet"], pathlib.Path.cwd())]
    place = {name: at for at, name in enumerate(FIRST)}
    waiting.sort(key=lambda one: place.get(one[0], len(FIRST)))
    shown, failed = threading.Lock(), []

    def lane():
        while True:
            with shown:
                if not waiting:
                    return
                name, command, folder = waiting.pop(0)
            began = time.monotonic()
            environment = {**os.environ, "CARGO_MANIFEST_DIR": str(folder)}
            ended = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            with shown:
                print(f"\n-- {folder.name}: {name} ({time.monotonic() - began:.0f} s)", flush=True)
                sys.stdout.buffer.write(ended.stdout)
                sys.stdout.buffer.flush()
                if ended.returncode:
                    failed.append(name)

    lanes = [threading.Thread(target=lane) for _ in range(LANES)]
    for one in lanes:
        one.start()
    for one in lanes:
        one.join()
    if failed:
        print("FAILED:", ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
