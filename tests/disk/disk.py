"""A server whose database stands on a disk of ours (disk.c), and what a test knows of it: who was
told what, and whether the tables agree with that and with one another."""

import http.client
import json
import mmap
import os
import re
import sqlite3
import ssl
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).parent
SCHEMAS = "urn:ietf:params:scim:schemas:core:2.0:"
MESSAGES = "urn:ietf:params:scim:api:messages:2.0:"
# As disk.c has them: which file, which operation, which kind of fault.
FILES = {"database": 1, "log": 2, "index": 4}
OPERATIONS = {"read": 1, "write": 2, "sync": 4}
KINDS = {"EIO": 1, "ENOSPC": 2, "short": 4}


def build(folder):
    """The library that is loaded before all others."""
    library = folder / "disk.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, HERE / "disk.c", "-ldl", "-lpthread"], check=True)
    return library


class Disk:
    """What is to fail, and what has."""

    FIELDS = struct.Struct("<5Ii9IIQQ")

    def __init__(self, folder, seed):
        self.path, self.record = folder / "control", folder / "record"
        with open(self.path, "w+b") as file:
            file.truncate(4096)
            self.page = mmap.mmap(file.fileno(), 4096)
        self.seed, self.before = seed, [0] * 9
        self.page[:self.FIELDS.size] = self.FIELDS.pack(0, 0, 0, 0, 1, 0, *self.before, 0, seed, 0)

    def fields(self):
        return self.FIELDS.unpack(self.page[:self.FIELDS.size])

    def fail(self, operations, kinds, files=("database", "log", "index"), one_in=1, faults=1 << 30):
        """From now on one of so many calls fails, until there were so many faults."""
        masks = (sum(OPERATIONS[name] for name in operations), sum(KINDS[name] for name in kinds),
                 sum(FILES[name] for name in files))
        # The word that arms it comes last.
        struct.pack_into("<4Ii", self.page, 4, *masks, one_in, faults)
        struct.pack_into("<I", self.page, 0, 1)

    def heal(self):
        struct.pack_into("<I", self.page, 0, 0)

    def injected(self):
        """How many faults there were, by operation and kind."""
        counts = self.fields()[6:15]
        return {(operation, kind): counts[row * 3 + column] for row, operation in enumerate(OPERATIONS)
                for column, kind in enumerate(KINDS)}

    def faults(self):
        return sum(self.injected().values())

    def recorded(self):
        """How many records of the disk there are: what is acknowledged now must stand in these."""
        return self.fields()[17]


class Server:
    """The server on such a disk."""

    def __init__(self, binary, folder, preloaded, seed=1, record=False):
        self.binary, self.folder, self.data, self.preloaded = binary, folder, folder / "data", preloaded
        self.database, self.recorded = self.data / "serviceops-scim.db", record
        self.disk = Disk(folder, seed)
        self.log_path = folder / "log"
        self.start()
        added = json.loads(self.command("configuration", "add", "--name", "Disk", "--users", "--groups", "--json").stdout)
        self.token, self.configuration = added["token"]["value"], added["id"]

    def start(self):
        surroundings = dict(os.environ, LD_PRELOAD=str(self.preloaded), DISK_DATABASE=str(self.database),
                            DISK_CONTROL=str(self.disk.path), SERVICEOPS_SCIM_LIMIT_RATE="1000000")
        if self.recorded:
            surroundings["DISK_RECORD"] = str(self.disk.record)
        self.log = open(self.log_path, "a")
        self.process = subprocess.Popen(
            [self.binary, "serve", "--listen", "127.0.0.1:0", "--data-dir", str(self.data)], text=True,
            env=surroundings, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)
        line = next((line for line in self.process.stdout if "SCIM endpoint" in line), None)
        if line is None:
            raise SystemExit(f"the server did not start: {self.log_path.read_text()}")
        self.port = int(re.search(r":(\d+)/", line)[1])
        threading.Thread(target=lambda: [None for _ in self.process.stdout], daemon=True).start()

    def alive(self):
        return self.process.poll() is None

    def stop(self, signal=None):
        if self.alive():
            self.process.send_signal(signal or 15)
        return self.process.wait(30)

    def command(self, *words, data=None):
        """Commands are run on a sound disk."""
        return subprocess.run([self.binary, *words, "--data-dir", str(data or self.data)], capture_output=True, text=True)

    def ready(self):
        return Client(self, root="").ask("GET", "/readyz")[0] == 200

    def wait(self, ready, seconds):
        """How long it took until `/readyz` said so; None where it did not in time."""
        since = time.monotonic()
        while time.monotonic() - since < seconds:
            if self.ready() == ready:
                return time.monotonic() - since
            time.sleep(0.01)
        return None


class Client:
    """Asks over one connection."""

    def __init__(self, server, root="/api/scim/v2", token=None):
        self.server, self.root, self.token = server, root, token or server.token
        self.connection = http.client.HTTPSConnection(
            "127.0.0.1", server.port, context=ssl._create_unverified_context(), timeout=30)

    def ask(self, method, path, body=None, more=None):
        """The status, the document, and the headers of an answer; 0 where there was none."""
        headers = {"Content-Type": "application/scim+json", "Authorization": f"Bearer {self.token}", **(more or {})}
        try:
            self.connection.request(method, self.root + path, json.dumps(body) if body else None, headers)
            answer = self.connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None, answer.headers
        except (OSError, http.client.HTTPException):
            self.connection.close()
            return 0, None, {}


class Person:
    """A user as the test knows it."""

    def __init__(self, name, id):
        self.name, self.id = name, id
        # Every acknowledged write: how many records of the disk there were then, what the four
        # attributes are since, and whether the user is deleted.
        self.states = []

    @property
    def stamp(self):
        return self.states[-1][1]

    @property
    def deleted(self):
        return self.states[-1][2]


def document(name, stamp):
    """Four attributes that are always written together."""
    return {"schemas": [SCHEMAS + "User"], "userName": name, **attributes(stamp)}


def attributes(stamp):
    return {"title": stamp, "displayName": stamp, "name": {"familyName": stamp}, "nickName": stamp}


def stamps(user):
    return {user.get("title"), user.get("displayName"), user.get("name", {}).get("familyName"), user.get("nickName")}


class Busy:
    """Somebody who asks one thing after another, from `begin` to `end`, and notes what was told."""

    def __init__(self, server, wrong):
        self.server, self.wrong, self.over = server, wrong, threading.Event()
        self.acknowledged, self.read, self.count, self.refused = 0, 0, 0, []
        self.client = self.thread = None

    def begin(self):
        self.over.clear()
        self.client = self.connect()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def end(self):
        self.over.set()
        self.thread.join(60)

    def run(self):
        while not self.over.is_set() and self.server.alive():
            self.count += 1
            self.step()

    def told(self, what, status, document, headers):
        """What was not done must be refused as it should be."""
        if status == 503 and (headers.get("Retry-After") or "").isdigit():
            self.refused.append(headers.get("X-Request-Id"))
        elif status != 0 or self.server.alive():
            self.wrong.append(f"{what}: {status} {document} {dict(headers)}")


class Writer(Busy):
    """Creates, changes, deletes and reads people of its own, and a group of its own."""

    def __init__(self, server, wrong, number):
        super().__init__(server, wrong)
        self.number, self.people, self.group, self.members = number, [], None, {}

    def connect(self):
        return Client(self.server)

    def step(self):
        turn, living = self.count % 8, [person for person in self.people if not person.deleted]
        if self.group is None:
            self.create_group()
        elif turn in (0, 1, 2) or len(living) < 4:
            self.create()
        elif turn in (3, 4):
            self.change(living[self.count % len(living)])
        elif turn == 5 and self.count % 3 == 0:
            self.create_several()
        elif turn == 5:
            self.add_member(living[-1])
        elif turn == 6 and self.count % 3 == 0:
            self.delete(living[self.count % len(living)])
        else:
            self.look(living[self.count * 7 % len(living)])

    def written(self, method, path, body, expected):
        """The document of an acknowledged write; None of one that was refused as it should be."""
        status, told, headers = self.client.ask(method, path, body)
        if status == expected:
            self.acknowledged += 1
            return told or {}
        self.told(f"{method} {path}", status, told, headers)
        return None

    def create_group(self):
        body = {"schemas": [SCHEMAS + "Group"], "displayName": f"Team {self.number}"}
        if (told := self.written("POST", "/Groups", body, 201)) is not None:
            self.group = told["id"]

    def create(self):
        name = f"w{self.number}-{self.count}"
        if (told := self.written("POST", "/Users", document(name, name), 201)) is not None:
            person = Person(name, told["id"])
            person.states.append((self.server.disk.recorded(), name, False))
            self.people.append(person)

    def create_several(self):
        """In one request, each of whose operations is acknowledged or refused by itself."""
        names = [f"w{self.number}-{self.count}-{at}" for at in range(4)]
        body = {"schemas": [MESSAGES + "BulkRequest"], "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": name, "data": document(name, name)} for name in names]}
        told = self.written("POST", "/Bulk", body, 200) or {"Operations": []}
        for done in told["Operations"]:
            if done["status"] == "201":
                person = Person(done["bulkId"], done["location"].rsplit("/")[-1])
                person.states.append((self.server.disk.recorded(), person.name, False))
                self.people.append(person)
            elif done["status"] != "503":
                self.wrong.append(f"POST /Bulk: {done}")

    def change(self, person):
        stamp = f"s{self.number}-{self.count}"
        body = {"schemas": [MESSAGES + "PatchOp"], "Operations": [{"op": "replace", "value": attributes(stamp)}]}
        if self.written("PATCH", f"/Users/{person.id}", body, 200) is not None:
            person.states.append((self.server.disk.recorded(), stamp, False))

    def add_member(self, person):
        if person.id in self.members:
            return
        body = {"schemas": [MESSAGES + "PatchOp"],
                "Operations": [{"op": "add", "path": "members", "value": [{"value": person.id}]}]}
        if self.written("PATCH", f"/Groups/{self.group}", body, 200) is not None:
            self.members[person.id] = self.server.disk.recorded()

    def delete(self, person):
        if self.written("DELETE", f"/Users/{person.id}", None, 204) is not None:
            person.states.append((self.server.disk.recorded(), person.stamp, True))

    def look(self, person):
        status, told, headers = self.client.ask("GET", f"/Users/{person.id}")
        if status == 200:
            self.read += 1
            if stamps(told) != {person.stamp}:
                self.wrong.append(f"{person.name} is {stamps(told)} instead of {person.stamp}")
        else:
            self.told(f"GET {person.name}", status, told, headers)


class Administrator(Busy):
    """Changes one thing again and again by the admin API."""

    def __init__(self, server, wrong):
        super().__init__(server, wrong)
        self.description = None
        self.key = server.command("api-key", "add", "--name", "disk", "--role", "administrator").stdout.strip()

    def connect(self):
        return Client(self.server, root="/api/admin/v1", token=self.key)

    def step(self):
        path, description = f"/configurations/{self.server.configuration}", f"change {self.count}"
        status, told, headers = self.client.ask("GET", path)
        if status == 200:
            more = {"If-Match": headers["ETag"], "Content-Type": "application/json"}
            status, told, headers = self.client.ask("PATCH", path, {"description": description}, more)
            if status == 200:
                self.acknowledged, self.description = self.acknowledged + 1, description
                return
        self.told(f"PATCH {path}", status, told, headers)
