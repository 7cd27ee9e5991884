"""What one request costs that is small to send and would be dear to answer: processor time of
the server for each of them, on a fresh database.

usage: hostile.py SERVER [DATABASE-URL]

The database behind the URL must be empty. Ends with 1 when a request was not answered.
"""

import http.client
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
MESSAGE = "urn:ietf:params:scim:api:messages:2.0:"
GROUP_SIZE = 10_000


class Server:
    """The server, on a data directory of its own, with one configuration."""

    def __init__(self, binary, database):
        self.folder = tempfile.TemporaryDirectory()
        data = self.folder.name
        where = ["--data-dir", data] + (["--database-url", database] if database else [])
        self.process = subprocess.Popen(
            [binary, "serve", "--listen", "127.0.0.1:0", *where],
            stdin=subprocess.DEVNULL, stdout=open(f"{data}/out", "w"), stderr=open(f"{data}/log", "w"),
        )
        for _ in range(600):
            base = re.search(r"https://localhost:(\d+)/api/scim/v2", open(f"{data}/out").read())
            if base:
                break
            time.sleep(0.1)
        else:
            sys.exit(f"the server did not start: {open(f'{data}/log').read()}")
        added = subprocess.check_output(
            [binary, "configuration", "add", "--name", "Hostile", "--users", "--groups", "--json", *where]
        )
        self.token = json.loads(added)["token"]["value"]
        self.client = http.client.HTTPSConnection(
            "localhost", int(base[1]), context=ssl._create_unverified_context(), timeout=300
        )

    def send(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/scim+json"
            body = json.dumps(body)
        self.client.request(method, f"/api/scim/v2{path}", body, headers)
        answer = self.client.getresponse()
        read = answer.read()
        return answer.status, json.loads(read) if read else {}, len(read)

    def seconds(self):
        """Processor time so far, by user and system."""
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def patch(*operations):
    return {"schemas": [MESSAGE + "PatchOp"], "Operations": list(operations)}


def bulk(*operations):
    return {"schemas": [MESSAGE + "BulkRequest"], "Operations": list(operations)}


def search(**query):
    return {"schemas": [MESSAGE + "SearchRequest"], **query}


def emails(first, last):
    return [{"value": f"a{i}@x.example", "type": "work"} for i in range(first, last)]


def user(name, **more):
    return {"schemas": [USER], "userName": name, **more}


def group(name, members):
    return {"schemas": [GROUP], "displayName": name, "members": members}


def any_of(attribute, operator, count):
    return " or ".join(f'{attribute} {operator} "z{i}"' for i in range(count))


def post_group(number, name, members):
    members = [{"value": f"bulkId:{member}", "type": "Group"} for member in members]
    return {"method": "POST", "path": "/Groups", "bulkId": f"{name}{number}",
            "data": group(f"{name}{number}", members)}


def inputs(server):
    """Name, method, path and body of each request; made when its turn comes."""
    _, ada, _ = server.send("POST", "/Users", user("ada", emails=emails(0, 500)))
    ada = f"/Users/{ada['id']}"
    yield ("PATCH adds 500 values to 500", "PATCH", ada,
           patch({"op": "add", "path": "emails", "value": emails(500, 1_000)}))
    yield ("PATCH adds 8,000 values", "PATCH", ada,
           patch({"op": "add", "path": "emails", "value": emails(1_000, 9_000)}))
    yield "PUT of 1,000 values in reverse", "PUT", ada, user("ada", emails=emails(0, 1_000)[::-1])
    yield "PUT of 8,000 values", "PUT", ada, user("ada", emails=emails(0, 8_000))
    keys = {f'emails[value eq "a{i}@x.example"].display': "x" for i in range(990)}
    yield ("PATCH of one operation, 990 keys with filters", "PATCH", ada,
           patch({"op": "add", "value": keys}))
    keys = {f'emails[value eq "a{i}"].display': "x" for i in range(20_000)}
    yield ("PATCH of one operation, 20,000 keys with filters", "PATCH", ada,
           patch({"op": "add", "value": keys}))
    remove = {"op": "remove", "path": f"emails[{any_of('value', 'eq', 490)}]"}
    yield "PATCH of 60 operations, 490 terms each", "PATCH", ada, patch(*[remove] * 60)

    members = []
    for part in range(GROUP_SIZE // 1_000):
        _, made, _ = server.send("POST", "/Bulk", bulk(*[
            {"method": "POST", "path": "/Users", "bulkId": f"u{i}",
             "data": user(f"u{part}-{i}", title=f"t{i}")} for i in range(1_000)]))
        members += [{"value": one["location"].rsplit("/", 1)[1]} for one in made["Operations"]]
    _, big, _ = server.send("POST", "/Groups", group("big", members))
    big = f"/Groups/{big['id']}"
    for count in (100, 1_000):
        operations = [{"op": "remove", "path": f'members[display co "zz{i}"]'} for i in range(count)]
        yield (f"PATCH, {count:,} filters over {GROUP_SIZE:,} members", "PATCH", big,
               patch(*operations))
    remove = {"op": "remove", "path": 'members[display co "zz"]'}
    yield "PATCH, the same filter 1,000 times", "PATCH", big, patch(*[remove] * 1_000)

    alone = [post_group(i, "alone", []) for i in range(1_000)]
    yield "Bulk of 1,000 groups, to compare with", "POST", "/Bulk", bulk(*alone)
    chain = [post_group(i, "chain", [f"chain{i + 1}"] if i < 999 else []) for i in range(1_000)]
    yield "Bulk of 1,000 groups in a reverse chain", "POST", "/Bulk", bulk(*chain)
    dense = [post_group(i, "dense", [f"dense{k}" for k in range(200) if k != i]) for i in range(200)]
    yield "Bulk of 200 groups, each a member of all", "POST", "/Bulk", bulk(*dense)

    wide = any_of("title", "co", 480)
    yield ("GET, filter of 480 parts of a text", "GET",
           f"/Users?filter={urllib.parse.quote(wide)}", None)
    yield ("GET, filter of 20 parts of a text", "GET",
           f"/Users?filter={urllib.parse.quote(any_of('title', 'co', 20))}", None)
    yield ("search, 60,000 attributes", "POST", "/Users/.search",
           search(attributes=[f"a{i}" for i in range(60_000)]))
    yield "GET of 1,000 users", "GET", "/Users?count=1000", None
    yield "GET, sorted by title", "GET", "/Users?sortBy=title&count=100", None
    yield f"GET of a group of {GROUP_SIZE:,}", "GET", big, None


def main():
    binary, database = sys.argv[1], (sys.argv[2:] or [None])[0]
    server = Server(binary, database)
    print("| request | answer | processor time, s |\n|---|---:|---:|")
    answered = True
    for name, method, path, body in inputs(server):
        before = server.seconds()
        status, _, _ = server.send(method, path, body)
        print(f"| {name} | {status} | {server.seconds() - before:.2f} |", flush=True)
        answered &= status < 500
    server.process.terminate()
    return 0 if server.process.wait() == 0 and answered else 1


sys.exit(main())
