"""A server on PostgreSQL that Patroni keeps: two members, etcd, and a primary that changes under load.

usage: patroni.py SERVER SWITCHOVERS KILLS

Users are created as fast as they are answered while the primary is handed over, and while it is killed
with its Patroni, as often as it says. Whoever was acknowledged must be there in the end, whoever was
refused must have been told 503 with Retry-After, and writes are taken again within ten seconds after
there is a primary again.

It needs Debian's patroni and etcd-server, and says so where they are not there.
"""

import glob
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from checks import check, finish, free_port

SERVER = str(Path(sys.argv[1]).resolve())
# After so many seconds with a primary writes are taken again.
AGAIN = 10
CLIENTS = 4


def owner():
    """How a program is begun that refuses to run as root, under the id that it is then known by."""
    own = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
    return own if os.getuid() == 0 else []


def spawn(log, *words, **more):
    with open(log, "a") as out:
        return subprocess.Popen([*owner(), *map(str, words)], cwd="/", stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                **more)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(what, happened, seconds=120):
    since = time.time()
    while time.time() < since + seconds:
        if happened():
            return True
        time.sleep(0.05)
    check(what, False, f"not within {seconds} seconds")
    return False


class Etcd:
    def __init__(self, folder):
        self.port, peers = free_port(), free_port()
        clients, between = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{peers}"
        self.process = spawn(
            folder / "etcd.log", "etcd", "--data-dir", folder / "etcd", "--listen-client-urls", clients,
            "--advertise-client-urls", clients, "--listen-peer-urls", between,
            "--initial-advertise-peer-urls", between, "--initial-cluster", f"default={between}")
        until("etcd is there", lambda: listens(self.port))


class Member:
    """One of PostgreSQL's machines: its Patroni, and what that runs."""

    def __init__(self, folder, name, etcd):
        self.name, self.folder = name, folder
        self.port, self.api = free_port(), free_port()
        self.data, self.settings = folder / name, folder / f"{name}.yml"
        programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: float(path.split("/")[4]))
        everybody = ["local all all trust", "host all all 127.0.0.1/32 trust",
                     "host replication all 127.0.0.1/32 trust"]
        # JSON is YAML.
        self.settings.write_text(json.dumps({
            "scope": "scim", "name": name,
            "restapi": {"listen": f"127.0.0.1:{self.api}", "connect_address": f"127.0.0.1:{self.api}"},
            "etcd3": {"host": f"127.0.0.1:{etcd.port}"},
            "bootstrap": {
                "dcs": {
                    "ttl": 20, "loop_wait": 2, "retry_timeout": 5, "maximum_lag_on_failover": 0,
                    # What the guide says: nobody takes over who may lack what was acknowledged.
                    "synchronous_mode": True,
                    "postgresql": {"use_pg_rewind": True, "use_slots": True},
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{self.port}", "connect_address": f"127.0.0.1:{self.port}",
                "data_dir": str(self.data), "bin_dir": programs[-1], "pgpass": str(folder / f"{name}.pgpass"),
                "authentication": {"superuser": {"username": "postgres", "password": "x"},
                                   "replication": {"username": "replicator", "password": "x"}},
                "pg_hba": everybody,
                "parameters": {"unix_socket_directories": str(folder), "max_connections": 100,
                               "shared_buffers": "64MB"},
            },
        }))
        self.process = None

    def start(self):
        self.process = spawn(self.folder / f"{self.name}.log", "patroni", self.settings)

    def kill(self):
        """As a machine that loses its power: its Patroni, and PostgreSQL at once."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)

    def ask(self, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.api}{path}", body and json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""

    def leads(self):
        return self.ask("/primary")[0] == 200

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()


class Cluster:
    def __init__(self, folder):
        self.etcd = Etcd(folder)
        self.members = [Member(folder, name, self.etcd) for name in ("one", "two")]
        for member in self.members:
            member.start()
            until("a member is there", lambda: member.ask("/health")[0] == 200)
        until("one leads and the other follows it synchronously", self.settled)

    def leader(self):
        return next((member for member in self.members if member.leads()), None)

    def settled(self):
        """Whether whatever is acknowledged is on both."""
        leader = self.leader()
        if not leader:
            return False
        found = json.loads(leader.ask("/cluster")[1])["members"]
        states = sorted((one["role"], one["state"]) for one in found)
        return len(states) == 2 and states[0][0] == "leader" and states[1][0] == "sync_standby" and all(
            state in ("running", "streaming") for _, state in states)

    def url(self, database, options=""):
        hosts = ",".join(f"127.0.0.1:{member.port}" for member in self.members)
        return f"postgres://postgres@{hosts}/{database}?target_session_attrs=read-write{options}"

    def end(self):
        for member in self.members:
            member.end()
        self.etcd.process.kill()
        self.etcd.process.wait()


class Serving:
    def __init__(self, folder, url):
        self.data, self.url, self.log = folder / "data", url, folder / "server.log"
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [SERVER, "serve", "--listen", "127.0.0.1:0", "--limit-rate", "1000000", *self.place()],
                stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True)
        line = next((line for line in self.process.stdout if "SCIM endpoint" in line), "")
        self.port = int(line.split(":")[-1].split("/")[0]) if line else 0
        threading.Thread(target=lambda: [None for _ in self.process.stdout], daemon=True).start()
        made = subprocess.run([SERVER, "configuration", "add", "--name", "C", "--users", "--json", *self.place()],
                              capture_output=True, text=True)
        check("the server finds the primary", line and made.returncode == 0, made.stderr)
        self.token = json.loads(made.stdout)["token"]["value"]

    def place(self):
        return ["--data-dir", str(self.data), "--database-url", self.url]

    def connect(self):
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=120,
                                           context=ssl._create_unverified_context())

    def ask(self, connection, method, path, body=None):
        connection.request(method, f"/api/scim/v2{path}", body and json.dumps(body), {
            "Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"})
        answer = connection.getresponse()
        return answer, answer.read()


class Load:
    """Clients who create users as fast as they are answered, and note what they were told."""

    def __init__(self, server):
        self.server, self.over = server, threading.Event()
        self.acknowledged, self.times, self.refused, self.broken = [], [], 0, []
        self.threads = [threading.Thread(target=self.send, args=[number]) for number in range(CLIENTS)]
        [thread.start() for thread in self.threads]

    def send(self, number):
        connection, at = self.server.connect(), 0
        while not self.over.is_set():
            at += 1
            user = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": f"u{number}-{at}",
                    "externalId": f"{number}-{at}", "emails": [{"value": f"u{number}-{at}@example.com"}]}
            try:
                answer, said = self.server.ask(connection, "POST", "/Users", user)
            except (OSError, http.client.HTTPException) as error:
                self.broken.append(repr(error))
                connection.close()
                continue
            if answer.status == 201:
                self.acknowledged.append(json.loads(said)["id"])
                self.times.append(time.time())
            elif answer.status == 503 and answer.headers["Retry-After"]:
                self.refused += 1
                # Sooner than it says, so that it is seen when writes are taken again.
                time.sleep(0.1)
            else:
                self.broken.append((answer.status, said[:300]))

    def end(self):
        self.over.set()
        [thread.join() for thread in self.threads]


def disturb(kind, cluster, load, act):
    """Does something to the primary; answers after how long another one was there, and after how long
    with it the first write was acknowledged."""
    if not until(f"{kind}: what is acknowledged is on both members", cluster.settled, 300):
        return None
    before = len(load.acknowledged)
    until(f"{kind}: it serves", lambda: len(load.acknowledged) > before + 50)
    old, since = cluster.leader(), time.time()
    act(old)
    other = next(member for member in cluster.members if member is not old)
    if not until(f"{kind}: another one leads", other.leads, 300):
        return None
    led = time.time()
    # What was under way when it came is no write by it.
    if not until(f"{kind}: writes are taken", lambda: load.times[-1] > led, 120):
        return None
    again = next(at for at in load.times if at > led)
    if old.process.poll() is not None:
        old.start()
    return led - since, again - led


def switch(cluster):
    def act(leader):
        other = next(member for member in cluster.members if member is not leader)
        status, said = leader.ask("/switchover", {"leader": leader.name, "candidate": other.name})
        check("a switchover is carried out", status == 200, said)
    return act


def said(found):
    found = sorted(found)
    return f"{statistics.median(found):.1f} s, at most {found[-1]:.1f} s" if found else "none"


def main():
    if not shutil.which("patroni") or not shutil.which("etcd"):
        sys.exit("Patroni is not there: apt-get install patroni etcd-server")
    switchovers, kills = map(int, sys.argv[2:4])
    folder = Path(tempfile.mkdtemp())
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    folder.chmod(0o755)
    cluster = server = load = None
    try:
        cluster = Cluster(folder)
        subprocess.run(["psql", "-XAtqc", "CREATE DATABASE scim", cluster.url("postgres")], check=True)
        server = Serving(folder, cluster.url("scim"))
        load = Load(server)
        for kind, times, act in [("switchover", switchovers, switch(cluster)), ("kill", kills, Member.kill)]:
            took = []
            for at in range(times):
                before = load.refused
                measured = disturb(kind, cluster, load, act)
                if not measured:
                    break
                took.append(measured)
                print(f"{kind} {at + 1}: a primary after {measured[0]:.1f} s, a write {measured[1]:.1f} s later, "
                      f"{load.refused - before} refused", flush=True)
            check(f"{kind}: all {times} came to their end", len(took) == times, len(took))
            late = [again for _, again in took if again > AGAIN]
            check(f"{kind}: writes are taken within {AGAIN} s after there is a primary", not late, late)
            print(f"{kind}: a primary after {said([led for led, _ in took])}; writes after "
                  f"{said([again for _, again in took])} more")
        until("in the end both are there", cluster.settled, 300)
        load.end()
        check("whoever was refused was told 503 with Retry-After", not load.broken, load.broken[:5])
        connection, there, at = server.connect(), set(), 1
        while True:
            answer, page = server.ask(connection, "GET", f"/Users?startIndex={at}&count=1000&attributes=id")
            found = json.loads(page).get("Resources", [])
            there |= {one["id"] for one in found}
            at += len(found)
            if not found:
                break
        lost = set(load.acknowledged) - there
        check(f"of {len(load.acknowledged)} that were acknowledged none is lost", not lost, sorted(lost)[:5])
        read = [server.ask(connection, "GET", f"/Users/{id}")[0].status for id in load.acknowledged[::50]]
        check(f"each of {len(read)} of them is read by its id", set(read) == {200}, set(read))
        print(f"{len(load.acknowledged)} acknowledged, {load.refused} refused, {len(lost)} lost")
        server.process.terminate()
        check("the server ends well", server.process.wait(60) == 0)
    finally:
        if load:
            load.end()
        if server and server.process.poll() is None:
            server.process.kill()
            server.process.wait()
        if cluster:
            cluster.end()
        if "KEEP" in os.environ:
            print(folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    finish()


main()
