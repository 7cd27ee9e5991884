"""What is done to a whole population, beside a steady load of another configuration: a backup, a migration,
pruning of the log, and the deletion of the configuration. No ordinary request may fail, or take longer than
a second.

usage: population.py SERVER LOAD [USERS] [POSTGRES]
"""

import http.client
import json
import os
import re
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from checks import check, finish

SERVER, LOAD = (str(Path(path).resolve()) for path in sys.argv[1:3])
USERS = int(sys.argv[3]) if len(sys.argv) > 3 else 100_000
POSTGRES = sys.argv[4] if len(sys.argv) > 4 else os.environ.get("SERVICEOPS_SCIM_TEST_POSTGRES")
CLIENTS = 4
# How long a client waits between two requests, in seconds.
PAUSE = 0.02
# The promise of the product, in seconds.
LONGEST = 1.0
# A migration that goes through everybody and that no program misses.
MIGRATION = "20261130010001"
DAYS = 30
SCHEMAS = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Database:
    """A database, looked at and changed behind the server's back."""

    def __init__(self, url):
        self.url = url

    def ask(self, statement):
        if self.url.startswith("sqlite:"):
            with sqlite3.connect(self.url.removeprefix("sqlite:"), timeout=60, isolation_level=None) as connection:
                rows = connection.execute(statement).fetchall()
            connection.close()
            return rows[0][0] if rows else None
        said = subprocess.run(["psql", "-XAtqc", statement, self.url], check=True, capture_output=True, text=True)
        return said.stdout.strip()


class Server:
    def __init__(self, folder, database):
        self.folder, self.database, self.log = folder, database, open(folder / "log", "a")

    def options(self):
        return ["--data-dir", str(self.folder / "data"), "--database-url", self.database.url]

    def start(self, *more):
        self.process = subprocess.Popen(
            [SERVER, "serve", "--listen", "127.0.0.1:0", "--limit-rate", "1000000", *more, *self.options()],
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)
        line = next((line for line in self.process.stdout if "SCIM endpoint" in line), None)
        if line is None:
            raise SystemExit(f"the server did not start: {(self.folder / 'log').read_text()[-3000:]}")
        self.port = int(re.search(r":(\d+)/", line)[1])
        threading.Thread(target=lambda: [None for _ in self.process.stdout], daemon=True).start()

    def stop(self):
        self.process.terminate()
        self.process.wait(60)

    def command(self, *words):
        done = subprocess.run([SERVER, *words, *self.options()], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def token(self, name):
        added = self.command("configuration", "add", "--name", name, "--users", "--groups", "--json")
        return json.loads(added)["token"]["value"]


class Client(threading.Thread):
    """Reads, matches, creates and changes users of its own, one after another."""

    def __init__(self, server, token, number, over):
        super().__init__(daemon=True)
        self.server, self.token, self.number, self.over = server, token, number, over
        self.took, self.wrong, self.last = [], [], None

    def run(self):
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", self.server.port, context=context, timeout=60)
        connection.connect()
        count = 0
        while not self.over.is_set():
            count += 1
            name = f"c{self.number}-{time.time_ns()}"
            turn = count % 4 if self.last else 1
            if turn == 1:
                request = ("POST", "/Users", {"schemas": [SCHEMAS], "userName": name}, 201)
            elif turn == 2:
                request = ("GET", f"/Users/{self.last}", None, 200)
            elif turn == 3:
                request = ("GET", f"/Users?filter=userName%20eq%20%22{name}%22", None, 200)
            else:
                change = {"op": "replace", "path": "title", "value": name}
                request = ("PATCH", f"/Users/{self.last}", {"schemas": [PATCH], "Operations": [change]}, 200)
            self.ask(connection, *request)
            time.sleep(PAUSE)

    def ask(self, connection, method, path, body, expected):
        headers = {"Content-Type": "application/scim+json", "Authorization": f"Bearer {self.token}"}
        since = time.monotonic()
        try:
            connection.request(method, f"/api/scim/v2{path}", json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            status, text = answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            status, text = 0, str(error).encode()
        self.took.append(time.monotonic() - since)
        if status != expected:
            self.wrong.append(f"{method} {path}: {status} {text[:300]}")
        elif method == "POST":
            self.last = json.loads(text)["id"]


class Population:
    def __init__(self, engine, server, token):
        self.engine, self.server, self.token, self.rows = engine, server, token, []

    def beside(self, what, work):
        """Does something beside the load, and notes how that fared."""
        over = threading.Event()
        clients = [Client(self.server, self.token, number, over) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(1)
        since = time.monotonic()
        work()
        took = time.monotonic() - since
        # What is done behind it counts as well.
        time.sleep(1)
        over.set()
        for client in clients:
            client.join(120)
        times = sorted(took for client in clients for took in client.took)
        wrong = [said for client in clients for said in client.wrong]
        at = lambda share: times[min(len(times) - 1, int(len(times) * share))] * 1_000
        self.rows.append((what, took, len(times), at(0.5), at(0.99), times[-1] * 1_000, len(wrong)))
        check(f"{self.engine}: beside {what} no request fails", not wrong, wrong[:3])
        check(f"{self.engine}: beside {what} none takes longer than a second", times[-1] <= LONGEST,
              f"{times[-1]:.2f} s")

    def run(self):
        server, database = self.server, self.server.database
        self.beside("nothing", lambda: time.sleep(3))
        self.beside("a backup", lambda: server.command("backup", str(server.folder / "backup")))
        (server.folder / "backup").unlink()
        database.ask(f"DELETE FROM __diesel_schema_migrations WHERE version = '{MIGRATION}'")
        self.beside("a migration", lambda: server.command("migrate"))
        self.prune()
        self.beside("the deletion of a configuration", lambda: server.command("configuration", "delete", "Large"))
        left = int(database.ask("SELECT count(*) FROM users WHERE managed_by IS NOT NULL AND managed_by NOT IN "
                                "(SELECT id FROM provisioning_configurations)"))
        check(f"{self.engine}: nobody is left behind", left == 0, left)

    def prune(self):
        server, database = self.server, self.server.database
        server.stop()
        server.start("--event-retention-days", str(DAYS))
        # What a start does is done by then.
        time.sleep(5)
        database.ask(f"UPDATE provisioning_events SET at = at - {(DAYS + 1) * 86_400_000}")
        old = f"SELECT count(*) FROM provisioning_events WHERE at < {int(time.time() * 1_000) - DAYS * 86_400_000}"
        entries = int(database.ask(old))

        def pruned():
            until = time.monotonic() + 1_800
            while int(database.ask(old)) and time.monotonic() < until:
                time.sleep(1)

        self.beside(f"pruning {entries:,} entries of the log", pruned)
        check(f"{self.engine}: the log is pruned", int(database.ask(old)) == 0)

    def print(self):
        print(f"\n{USERS:,} users, {self.engine}, {CLIENTS} clients\n")
        print("| beside | took s | requests | p50 ms | p99 ms | worst ms | failed |\n|---|---|---|---|---|---|---|")
        for what, took, requests, *times, wrong in self.rows:
            print(f"| {what} | {took:.1f} | {requests:,} | " + " | ".join(f"{one:.1f}" for one in times) + f" | {wrong} |")
        print(flush=True)


def measure(engine, folder, url):
    database = Database(url)
    server = Server(folder, database)
    server.start()
    try:
        large, other = server.token("Large"), server.token("Other")
        subprocess.run([LOAD, "seed", "--port", str(server.port), "--database-url", url, "--users", str(USERS)],
                       check=True, env={**os.environ, "SCIM_TOKEN": large})
        population = Population(engine, server, other)
        try:
            population.run()
        finally:
            population.print()
    finally:
        server.stop()


def main():
    with tempfile.TemporaryDirectory() as folder:
        measure("SQLite", Path(folder), f"sqlite:{folder}/population.db")
    if not POSTGRES:
        print("Not measured without PostgreSQL: PostgreSQL")
        return
    name = f"population_{os.getpid()}"
    whole = Database(f"{POSTGRES}/postgres")
    whole.ask(f"CREATE DATABASE {name}")
    try:
        with tempfile.TemporaryDirectory() as folder:
            measure("PostgreSQL", Path(folder), f"{POSTGRES}/{name}")
    finally:
        whole.ask(f"DROP DATABASE {name} WITH (FORCE)")


main()
finish()
