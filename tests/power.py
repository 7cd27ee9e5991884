"""Power failures: what is left of the database when sectors that were not synced are lost or torn, each
opened as after a restart.

usage: power.py SERVER [IMAGES]
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "disk"))
import image  # noqa: E402
from agree import disagreements  # noqa: E402
from checks import check, finish  # noqa: E402
from disk import Server, Writer, build  # noqa: E402

SERVER = str(Path(sys.argv[1]).resolve())
IMAGES = int(sys.argv[2]) if len(sys.argv) > 2 else 20
WRITERS = 4


def recorded(folder):
    """A server whose disk keeps a record, those who wrote to it, and what was there before."""
    server = Server(SERVER, folder, build(folder))
    server.stop()
    before, server.recorded = server.database.read_bytes(), True
    server.start()
    wrong = []
    writers = [Writer(server, wrong, number) for number in range(WRITERS)]
    for writer in writers:
        writer.begin()
    wait(server, lambda: acknowledged(writers) >= 300)
    # Some syncs fail as well: what they were to keep is refused, and written anew.
    server.disk.fail(["sync"], ["EIO"], one_in=12)
    wait(server, lambda: acknowledged(writers) >= 600)
    server.disk.heal()
    wait(server, lambda: acknowledged(writers) >= 800)
    for writer in writers:
        writer.end()
    server.stop(9)
    check("every write was acknowledged, or 503", not wrong, wrong[:5])
    return server, writers, before


def acknowledged(writers):
    return sum(writer.acknowledged for writer in writers)


def wait(server, enough):
    since = time.monotonic()
    while not enough() and time.monotonic() - since < 120 and server.alive():
        time.sleep(0.01)


def lost(server, writers, folder, cut, left):
    """What is wrong with an image."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(server.data, folder, ignore=shutil.ignore_patterns("serviceops-scim.db*"))
    database = folder / server.database.name
    for content, suffix in zip(left, ("", "-wal")):
        Path(f"{database}{suffix}").write_bytes(content)
    deep = server.command("check", "--deep", data=folder)
    if deep.returncode:
        return [deep.stdout + deep.stderr]
    return disagreements(database, writers, at=cut)


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        server, writers, before = recorded(folder)
        records = image.read(server.disk.record)
        broken = 0
        for cut, left in image.images(before, records, IMAGES, seed=1):
            if found := lost(server, writers, folder / "image", cut, left):
                broken += 1
                print(f"image after {cut} records: {found[:5]}")
                shutil.copytree(folder / "image", "target/tests/power", dirs_exist_ok=True)
        check(f"{IMAGES} images are sound, with every acknowledged write", not broken, f"{broken} are not")
        normal = image.images(before, image.as_normal(records), 20, seed=2)
        found = [lost(server, writers, folder / "image", cut, left) for cut, left in normal]
        missing = sum(map(bool, found))
        # It damages nothing; what is not there is what was acknowledged.
        other = [said for one in found for said in one if "acknowledged" not in said]
        check("with synchronous = NORMAL acknowledged writes would be lost", missing and not other, other[:5])
        syncs = sum(what in (image.SYNCED, image.SYNC_FAILED) for what, *_ in records)
        refused = sum(what == image.SYNC_FAILED for what, *_ in records)
        print(f"{len(records)} records, {syncs} of them syncs, of which {refused} failed; {acknowledged(writers)} writes "
              f"acknowledged; {IMAGES - broken} of {IMAGES} images sound; with NORMAL {20 - missing} of 20")


main()
finish()
