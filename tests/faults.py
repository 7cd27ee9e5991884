"""Faults of the disk under SQLite: reads, writes and syncs that fail with EIO or ENOSPC, or are done by
half, while people are created, changed and deleted by SCIM and a configuration by the admin API.

usage: faults.py SERVER [FAULTS]
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "disk"))
import checks  # noqa: E402
from agree import disagreements  # noqa: E402
from checks import check, finish  # noqa: E402
from disk import FILES, Administrator, Client, Server, Writer, build  # noqa: E402

SERVER = str(Path(sys.argv[1]).resolve())
FAULTS = int(sys.argv[2]) if len(sys.argv) > 2 else 500
# So many on one server: what is read back afterwards grows with them.
FAULTS_A_SERVER = 2_500
WRITERS = 4

# What fails and how; of how many calls one, or all of them until the disk is mended, which readiness
# must tell.
ROUNDS = [
    ("the disk is full", ["write"], ["ENOSPC"], FILES, None),
    ("writes fail", ["write"], ["EIO"], FILES, None),
    ("syncs fail", ["sync"], ["EIO", "ENOSPC"], FILES, None),
    ("writes to the database's own file fail", ["write", "sync"], ["EIO", "ENOSPC"], ["database"], None),
    ("some reads fail", ["read"], ["EIO", "short"], FILES, 5),
    ("some writes are done by half", ["write"], ["short"], FILES, 3),
    ("some writes fail", ["write"], ["EIO", "ENOSPC", "short"], FILES, 40),
    ("some syncs fail", ["sync"], ["EIO", "ENOSPC"], FILES, 3),
    ("anything fails now and then", ["read", "write", "sync"], ["EIO", "ENOSPC", "short"], FILES, 60),
    ("anything fails often", ["read", "write", "sync"], ["EIO", "ENOSPC", "short"], FILES, 4),
]


class Session:
    """A server, those who ask it, and what went wrong."""

    def __init__(self, folder, seed):
        self.server, self.wrong, self.unready = Server(SERVER, folder, build(folder), seed), [], []
        self.writers = [Writer(self.server, self.wrong, number) for number in range(WRITERS)]
        self.all = [*self.writers, Administrator(self.server, self.wrong)]
        self.gone, self.back = [], []
        # Somebody is there before anything fails.
        self.asking(lambda: self.wait(lambda: self.count("read") > 2 * WRITERS))

    def faults(self):
        return self.server.disk.faults()

    def count(self, what):
        return sum(getattr(busy, what) for busy in self.all)

    def refused(self):
        return [id for busy in self.all for id in busy.refused]

    def asking(self, meanwhile):
        for busy in self.all:
            busy.begin()
        meanwhile()
        for busy in self.all:
            busy.end()

    def round(self, name, *how):
        self.asking(lambda: self.fail(name, *how))
        if not self.server.alive():
            raise SystemExit(f"{name}: the server ended: {self.server.log_path.read_text()[-3000:]}")

    def fail(self, name, operations, kinds, files, one_in, faults):
        disk, until = self.server.disk, self.faults() + faults
        read, acknowledged, refused = self.count("read"), self.count("acknowledged"), len(self.refused())
        if one_in is None:
            disk.fail(operations, kinds, files)
            if files == FILES:
                self.gone.append(self.ready(name, False))
            self.wait(lambda: self.faults() >= until and self.count("read") > read)
            if self.count("read") == read:
                self.wrong.append(f"{name}: nothing is read any more")
            if files != FILES and (len(self.refused()) > refused or self.count("acknowledged") == acknowledged):
                self.wrong.append(f"{name}: writes are refused that the log takes")
        else:
            disk.fail(operations, kinds, files, one_in, faults)
            self.wait(lambda: self.faults() >= until)
        disk.heal()
        self.back.append(self.ready(name, True))

    def ready(self, name, ready):
        took = self.server.wait(ready, 2)
        if took is None:
            self.unready.append(f"{name}: after 2 s it is {'not ready' if ready else 'still ready'}")
        return took or 0

    def wait(self, enough):
        since = time.monotonic()
        while not enough() and time.monotonic() - since < 30 and self.server.alive():
            time.sleep(0.01)

    def look(self):
        """Everything that was acknowledged is answered as it was."""
        client = Client(self.server)
        for person in (person for writer in self.writers for person in writer.people):
            status, told, _ = client.ask("GET", f"/Users/{person.id}")
            held = status == 404 if person.deleted else status == 200 and told["title"] == person.stamp
            if not held:
                self.wrong.append(f"{person.name}: {person.states[-1]}, answered {status} {told}")

    def kill(self):
        """The process dies while its disk fails, and starts again on one that does not."""
        def failing():
            since = self.faults()
            self.server.disk.fail(["read", "write", "sync"], ["EIO", "ENOSPC", "short"], one_in=20)
            self.wait(lambda: self.faults() >= since + 50)
            self.server.stop(9)
            self.server.disk.heal()

        self.asking(failing)
        self.server.start()


def untold(session):
    """Refusals whose cause is not in the log."""
    lines = session.server.log_path.read_text().splitlines()
    told = {line.split('request_id="')[1].split('"')[0] for line in lines
            if " ERROR " in line and 'request_id="' in line}
    return [id for id in session.refused() if id not in told]


def session(faults, seed):
    with tempfile.TemporaryDirectory() as folder:
        one = Session(Path(folder), seed)
        server, rounds = one.server, 0
        # Every kind of round comes, and comes again.
        each = max(4, faults // (3 * len(ROUNDS)))
        while one.faults() < faults or rounds < len(ROUNDS):
            before = one.faults()
            name, *how = ROUNDS[rounds % len(ROUNDS)]
            one.round(name, *how, each)
            if one.faults() == before:
                one.wrong.append(f"{name}: nothing failed")
                break
            rounds += 1
        one.look()
        check("every request is answered as it was carried out, or 503 with Retry-After", not one.wrong,
              "\n".join(one.wrong[:10]))
        check("readiness is false within 2 s, and true within 2 s afterwards", not one.unready, one.unready)
        check("the log has the cause of every refusal", not (ids := untold(one)), f"{len(ids)}, such as {ids[:3]}")
        log = server.log_path.read_text()
        check("and says when it cannot write the database's own file, and when it can again",
              "SQLite cannot write to the database's file" in log and "the database's file again" in log)
        check("the server lives, and stops when it is told to", server.alive() and server.stop() == 0)
        found = disagreements(server.database, one.writers, one.all[-1])
        check("nothing acknowledged is lost, nothing refused is there, nothing is half-applied", not found, found[:10])
        server.start()
        one.kill()
        deep = server.command("check", "--deep")
        check("nor by a kill, after which check --deep finds nothing", deep.returncode == 0, deep.stdout + deep.stderr)
        server.stop()
        found = disagreements(server.database, one.writers, at=server.disk.recorded())
        check("and everything acknowledged is there", not found, found[:10])
        report(one, rounds)
        if checks.failed:
            shutil.copytree(folder, "target/tests/faults", dirs_exist_ok=True)
        return one.faults()


def report(one, rounds):
    injected = one.server.disk.injected()
    print(f"{one.faults()} faults in {rounds} rounds: " + ", ".join(
        f"{operation} {kind} {count}" for (operation, kind), count in injected.items() if count))
    print(f"{one.count('acknowledged')} writes acknowledged, {one.count('read')} reads answered, {len(one.refused())} "
          f"requests refused; not ready after {max(one.gone):.2f} s at most, ready again after {max(one.back):.2f} s")


def main():
    done = 0
    while done < FAULTS:
        done += session(min(FAULTS - done, FAULTS_A_SERVER), seed=done + 1)


main()
finish()
