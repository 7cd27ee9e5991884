"""Security events, pushed and polled, verified by PyJWT: nothing is lost and everything is in order,
whenever the server is killed.

usage: security_events.py SERVER
"""

import base64
import json
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import jwt

from checks import check, finish, free_port
from receiver import receiver

VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"
EVENT = "urn:ietf:params:scim:event:prov:"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
TRUSTING = ssl._create_unverified_context()


class Server:
    """The server, which is killed and begun again."""

    def __init__(self, folder, certificate):
        self.port = free_port()
        self.data = ["--data-dir", str(folder / "data")]
        self.serve = [sys.argv[1], "serve", *self.data, "--listen", f"127.0.0.1:{self.port}",
                      "--public-url", f"https://localhost:{self.port}", "--feed-ca", str(certificate),
                      "--feed-allow-networks", "127.0.0.1,::1"]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.serve, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.process.stdout.readline()
        # What it goes on to say is read, so that it never waits for that.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.start()

    def command(self, *words):
        done = subprocess.run([sys.argv[1], *words, *self.data, "--json"], check=True,
                              capture_output=True, text=True)
        return json.loads(done.stdout)

    def ask(self, path, secret=None, body=None, method=None, kind="application/json"):
        """What is answered; it is asked again while the server is away."""
        request = urllib.request.Request(
            f"https://localhost:{self.port}{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": kind, **({"authorization": f"Bearer {secret}"} if secret else {})})
        for attempt in range(200):
            try:
                with urllib.request.urlopen(request, context=TRUSTING, timeout=60) as answer:
                    text = answer.read()
                    return json.loads(text) if text else None
            except urllib.error.HTTPError as error:
                # It was done already when the server was killed before it answered.
                if error.code in (404, 409):
                    return None
                if error.code not in (429, 503):
                    raise
            except (urllib.error.URLError, OSError, ConnectionError):
                pass
            time.sleep(0.1)
        raise TimeoutError(path)


class Copy:
    """What a receiver makes of events, and what was wrong with them."""

    def __init__(self, server, stream):
        self.server, self.audience = server, stream["audience"]
        self.people, self.groups, self.names = {}, {}, []
        self.seen, self.last, self.wrong = {}, {}, []
        self.keys = {}

    def verified(self, token):
        """The claims of a token, by the keys that the server publishes."""
        header = jwt.get_unverified_header(token)
        if header["kid"] not in self.keys:
            published = jwt.PyJWKSet.from_dict(self.server.ask("/api/feed/v1/jwks"))
            self.keys = {key.key_id: key.key for key in published.keys}
        if header["typ"] != "secevent+jwt" or header["alg"] != "EdDSA":
            self.wrong.append(header)
        return jwt.decode(token, self.keys[header["kid"]], algorithms=["EdDSA"],
                          audience=self.audience,
                          issuer=f"https://localhost:{self.server.port}/api/scim/v2",
                          options={"require": ["iss", "iat", "jti", "aud"]})

    def take(self, token, jti=None):
        claims = self.verified(token)
        if jti not in (None, claims["jti"]):
            self.wrong.append(("another jti", jti, claims))
        if claims["jti"] in self.seen:
            if self.seen[claims["jti"]] != token:
                self.wrong.append(("another token of one jti", claims))
            return
        self.seen[claims["jti"]] = token
        if VERIFICATION in claims["events"]:
            return
        subject, position = claims["sub_id"], int(claims["txn"])
        if subject["format"] != "scim" or "sub" in claims or "exp" in claims:
            self.wrong.append(claims)
        if position <= self.last.get(subject["uri"], 0):
            self.wrong.append(("out of order", claims))
        self.last[subject["uri"]] = position
        if any(word in json.dumps(claims).lower() for word in ("password", "adminrole", "tenantadmin")):
            self.wrong.append(("what is nobody's business", claims))
        for uri, payload in claims["events"].items():
            self.names.append(uri.removeprefix(EVENT))
            self.apply(uri.removeprefix(EVENT), subject["uri"], payload)

    def apply(self, name, uri, payload):
        if name in ("create:full", "put:full"):
            if payload["data"]["schemas"][0] == USER:
                self.people[uri] = (payload["data"]["userName"], payload["data"]["active"])
            else:
                self.groups[uri] = [payload["data"]["displayName"], set()]
        elif name == "delete":
            self.people.pop(uri, None)
            self.groups.pop(uri, None)
            for _, members in self.groups.values():
                members.discard(uri.rsplit("/", 1)[1])
        elif name == "patch:full":
            for operation in payload["data"]["Operations"]:
                if operation["path"] == "displayName":
                    self.groups[uri][0] = operation["value"]
                elif operation["op"] == "add":
                    self.groups[uri][1].update(one["value"] for one in operation["value"])
                else:
                    self.groups[uri][1].discard(operation["path"].split('"')[1])


def poll(server, secret, copy, ended):
    """Polls until `ended` and nothing is left; what was taken is acknowledged with the next request."""
    taken = []
    while True:
        last = ended.is_set()
        answer = server.ask("/api/feed/v1/poll", secret,
                            {"ack": taken, "maxEvents": 7, "returnImmediately": last})
        for jti, token in answer["sets"].items():
            copy.take(token, jti)
        taken = list(answer["sets"])
        if last and not taken and not answer["moreAvailable"]:
            return


def provision(server, token):
    """Has an identity provider make, change and take away people and groups, and kills the server
    meanwhile."""
    scim = lambda path, body=None, method=None: server.ask(
        f"/api/scim/v2{path}", token, body, method, "application/scim+json")
    patch = lambda path, *operations: scim(path, {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": list(operations)}, "PATCH")
    found = lambda name: scim(f"/Users?filter=userName%20eq%20%22{name}%22")["Resources"][0]["id"]
    for number in range(30):
        scim("/Users", {"schemas": [USER], "userName": f"p{number}", "externalId": f"e{number}",
                        "active": True})
        if number in (9, 19):
            server.kill()
    ids = [found(f"p{number}") for number in range(30)]
    scim("/Groups", {"schemas": [GROUP], "displayName": "Crew",
                     "members": [{"value": one} for one in ids[:10]]})
    group = scim("/Groups?filter=displayName%20eq%20%22Crew%22")["Resources"][0]["id"]
    for one in ids[:5]:
        patch(f"/Groups/{group}", {"op": "remove", "path": f'members[value eq "{one}"]'})
        patch(f"/Users/{one}", {"op": "replace", "path": "active", "value": False})
    server.kill()
    patch(f"/Users/{ids[0]}", {"op": "replace", "path": "active", "value": True})
    patch(f"/Groups/{group}", {"op": "replace", "path": "displayName", "value": "Team"})
    for one in ids[10:13]:
        patch(f"/Users/{one}", {"op": "replace", "path": "title", "value": "Lead"})
    scim(f"/Groups/{group}", method="DELETE")
    scim("/Groups", {"schemas": [GROUP], "displayName": "Last",
                     "members": [{"value": one} for one in ids[20:23]]})
    return scim("/Groups?count=100")["Resources"]


def settled(server, name):
    """Whether a receiver gets everything. A server that was killed keeps its streams for as long as it
    claimed them, and what was refused is tried again after a while."""
    until = time.monotonic() + 180
    while time.monotonic() < until:
        if server.command("stream", "show", name)["lag"] == 0:
            return True
        time.sleep(0.2)
    return False


def compare(way, server, copy, groups):
    listed = server.command("user", "list", "--limit", "1000")["items"]
    people = {f"/Users/{one['id']}": (one["userName"], one["status"] == "active") for one in listed}
    there = {f"/Groups/{one['id']}": [one["displayName"],
                                      {member["value"] for member in one.get("members", [])}]
             for one in groups}
    check(f"{way}: the copy has everybody as the directory does", copy.people == people,
          (copy.people, people))
    check(f"{way}: the copy has every group with its members", copy.groups == there,
          (copy.groups, there))
    check(f"{way}: every token is right and in order", not copy.wrong, copy.wrong[:3])
    expected = {"create:full", "put:full", "patch:full", "delete", "activate", "deactivate"}
    check(f"{way}: every kind of event came", set(copy.names) == expected, set(copy.names))


def main():
    folder = Path(tempfile.mkdtemp())
    refused = threading.Event()
    pushes, bearer = {}, set()

    def answer(headers, body):
        bearer.add(headers.get("authorization"))
        if headers["content-type"] != "application/secevent+jwt":
            return 415, b""
        if not refused.is_set():
            refused.set()
            return 400, json.dumps({"err": "invalid_key", "description": "not yet"}).encode()
        pushes["copy"].take(body.decode())
        return 202, b""

    received, port, certificate = receiver(folder, answer)
    server = Server(folder, certificate)
    try:
        config = server.command("configuration", "add", "--name", "IdP", "--users", "--groups")
        token = config["token"]["value"]
        server.command("stream", "add", "read", "--read")
        told = server.ask("/api/scim/v2/ServiceProviderConfig", token)
        check("nothing is said of security events that nobody is told", "securityEvents" not in told)
        added = server.command("stream", "add", "asked", "--poll")
        pushed = server.command("stream", "add", "pushed", "--push", f"https://localhost:{port}/sets")
        shown = {name: server.command("stream", "show", name) for name in ("asked", "pushed")}
        pushes["copy"], polled = Copy(server, shown["pushed"]), Copy(server, shown["asked"])
        told = server.ask("/api/scim/v2/ServiceProviderConfig", token)["securityEvents"]
        check("the service provider says what it tells", told["asyncRequest"] == "none"
              and EVENT + "create:full" in told["eventUris"], told)
        ended = threading.Event()
        polling = threading.Thread(target=poll, args=(server, added["secret"], polled, ended))
        polling.start()
        groups = provision(server, token)
        check("what is pushed was acknowledged", settled(server, "pushed"))
        ended.set()
        polling.join(90)
        check("what is polled was acknowledged", settled(server, "asked"))
        compare("poll", server, polled, groups)
        compare("push", server, pushes["copy"], groups)
        check("both were told the same", polled.names == pushes["copy"].names)
        check("who pushes shows the secret", bearer == {f"Bearer {pushed['secret']}"}, bearer)
        deliveries = server.command("stream", "deliveries", "pushed", "--limit", "1000")["items"]
        failed = [one for one in deliveries if one["state"] == "failed" and one["status"] == 400]
        check("what the receiver refused is told with its words",
              failed and failed[-1]["answer"] == "invalid_key: not yet", failed)

        first = next(iter(polled.seen.values()))
        signed, signature = first.rsplit(".", 1)
        head, payload = signed.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
        claims["txn"] = "0"
        forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        try:
            polled.verified(f"{head}.{forged}.{signature}")
            check("a token that was changed is not verified", False)
        except jwt.InvalidSignatureError:
            check("a token that was changed is not verified", True)

        server.command("keys", "rotate")
        server.command("user", "add", "--user-name", "late@corp.example")
        answer = server.ask("/api/feed/v1/poll", added["secret"], {"returnImmediately": True})
        jti, late = next(iter(answer["sets"].items()))
        rotated = jwt.get_unverified_header(late)["kid"] != jwt.get_unverified_header(first)["kid"]
        polled.take(late, jti)
        polled.keys = {}
        check("another key signs when the ring is rotated, and the one before still verifies",
              rotated and polled.verified(first) and polled.verified(late))
        errors = {jti: {"err": "invalid_issuer", "description": "who?"}}
        answer = server.ask("/api/feed/v1/poll", added["secret"],
                            {"setErrs": errors, "maxEvents": 0})
        told = server.command("stream", "deliveries", "asked")["items"]
        check("what a receiver could not take is told", answer["sets"] == {} and
              [one["answer"] for one in told] == ["invalid_issuer: who?"], told)
        test = server.command("stream", "test", "pushed")
        found = lambda: [one for one in server.command("stream", "deliveries", "pushed")["items"]
                         if one["id"] == test["id"] and one["state"] == "delivered"]
        for _ in range(100):
            if found():
                break
            time.sleep(0.1)
        check("a test arrives", found())
    finally:
        server.process.terminate()
        server.process.wait()
    finish()


main()
