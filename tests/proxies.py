"""The reverse proxies of docs/guides/reverse-proxy.md, as they stand there, before two servers.

usage: proxies.py SERVER POSTGRES

Each runs where Debian's package is there (haproxy, nginx). Through HAProxy the servers are restarted
one after another under load, and no request may break.
"""

import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid
from pathlib import Path

from checks import check, finish, free_port

SERVER = str(Path(sys.argv[1]).resolve())
POSTGRES = sys.argv[2]
PASSWORD = "four random words suffice"
GUIDE = (Path(__file__).resolve().parent.parent / "docs/guides/reverse-proxy.md").read_text()


def program(name):
    return shutil.which(name) or next((str(path) for path in [Path("/usr/sbin") / name] if path.exists()), None)


def until(what, happened):
    since = time.time()
    while time.time() < since + 60:
        if happened():
            return
        time.sleep(0.05)
    check(what, False, "not within a minute")


class Servers:
    """Two servers on one database, which believe a proxy on this machine."""

    def __init__(self, folder, *options, path="", socket=False):
        self.path = path
        folder.mkdir(exist_ok=True)
        self.sockets = folder / "sockets" if socket else None
        if socket:
            self.sockets.mkdir(mode=0o750)
            if os.geteuid() == 0:
                # As the guide says: the group of the proxy, which the files in it have too.
                shutil.chown(self.sockets, group="www-data")
            self.sockets.chmod(0o2750)
        self.folder, self.options, self.ports = folder, options, [free_port(), free_port()]
        name = f"proxies_{uuid.uuid4().hex}"
        subprocess.run(["psql", "-qc", f"CREATE DATABASE {name}", f"{POSTGRES}/postgres"], check=True)
        self.place = ["--database-url", f"{POSTGRES}/{name}", "--key-file", str(folder / "keyring.json"),
                      "--public-url", f"https://scim.example.com{path}"]
        self.processes = [None, None]
        for at in (0, 1):
            self.start(at)
            self.wait(at)
        made = self.command("configuration", "add", "--name", "C", "--users", "--json")
        self.token = json.loads(made)["token"]["value"]

    def command(self, *words, at=0, **how):
        return subprocess.run([SERVER, *words, *self.place, "--data-dir", str(self.folder / f"data{at}")],
                              capture_output=True, text=True, check=True, **how).stdout

    def start(self, at):
        log = open(self.folder / f"log{at}", "a")
        listen = self.listens(at)
        self.processes[at] = subprocess.Popen(
            [SERVER, "serve", "--listen", listen, "--drain", "5", "--limit-rate", "1000000",
             *self.options, "--data-dir", str(self.folder / f"data{at}"), *self.place],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def listens(self, at):
        return f"unix:{self.sockets}/{at}.sock" if self.sockets else f"127.0.0.1:{self.ports[at]}"

    def wait(self, at):
        healthy = [SERVER, "healthcheck", "--listen", self.listens(at), "--data-dir", str(self.folder / f"data{at}")]
        until("a server is ready", lambda: subprocess.run(healthy, capture_output=True).returncode == 0)

    def stop(self, at):
        self.processes[at].terminate()
        return self.processes[at].wait(60)


def snippet(kind, servers, replacements):
    """A configuration of the guide, with the addresses of this machine."""
    text = re.search(rf"^```{kind}\n(.*?)^```$", GUIDE, re.M | re.S)[1]
    addresses = ["10.0.0.11:8443", "10.0.0.12:8443"]
    replacements += [("/run/serviceops-scim/http.sock", servers.sockets / "0.sock")] if servers.sockets else [
        (address, f"127.0.0.1:{servers.ports[at]}") for at, address in enumerate(addresses)]
    for before, after in replacements:
        check(f"{kind}: {before} stands in the guide", before in text)
        text = text.replace(before, str(after))
    return text


def connect(port):
    context = ssl._create_unverified_context()
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context)


def ask(connection, servers, method, path, body=None, **headers):
    headers = {"Authorization": f"Bearer {servers.token}", "Content-Type": "application/scim+json",
               "Host": "scim.example.com", **headers}
    connection.request(method, f"{servers.path}/api/scim/v2{path}", body and json.dumps(body), headers)
    answer = connection.getresponse()
    return answer, answer.read()


def user(name):
    return {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name}


def forwards(kind, port, servers):
    """What a proxy says of a client is believed, and what the client says of itself is not."""
    connection = connect(port)
    answer, said = ask(connection, servers, "POST", "/Users", user(f"{kind}@example.com"))
    check(f"{kind}: a request is answered", answer.status == 201, said)
    place = answer.headers["Location"]
    check(f"{kind}: links are those of the public URL", place.startswith(f"https://scim.example.com{servers.path}/api/scim/v2/"), place)
    servers.command("configuration", "edit", "C", "--allowed-networks", "192.0.2.0/24")
    answer, said = ask(connection, servers, "GET", "/Users?count=0", **{"X-Forwarded-For": "192.0.2.7"})
    check(f"{kind}: nobody says of themselves from where they come", answer.status == 403, said)
    servers.command("configuration", "edit", "C", "--allowed-networks", "127.0.0.1")
    answer, said = ask(connection, servers, "GET", "/Users?count=0")
    check(f"{kind}: the proxy says from where a client comes", answer.status == 200, said)
    servers.command("configuration", "edit", "C", "--allowed-networks", "")


def leads(kind, port, servers):
    """Whatever somebody follows is below the path."""
    connection, path = connect(port), servers.path

    def follow(address, headers={}):
        connection.request("GET", address, headers={"Host": "scim.example.com", **headers})
        answer = connection.getresponse()
        return answer, answer.read().decode()

    for probe in ["/healthz", "/readyz", "/version"]:
        answer, said = follow(path + probe)
        check(f"{kind}: {probe} is there", answer.status == 200, said)
    answer, said = follow(f"{path}/")
    check(f"{kind}: whoever knows the host alone is led to the console",
          (answer.status, answer.headers["Location"]) == (303, f"{path}/admin"), answer.headers)
    answer, said = follow(answer.headers["Location"])
    sign_in = answer.headers["Location"]
    check(f"{kind}: who is not signed in is led to the sign-in", sign_in.startswith(f"{path}/admin/login?"), sign_in)
    answer, said = follow(sign_in)
    addresses = re.findall(r'(?:href|src|action)="(/[^"#]*)', said)
    check(f"{kind}: its page leads below the path", addresses and all(one.startswith(f"{path}/") for one in addresses),
          addresses)
    for address in addresses:
        if "/assets/" in address:
            answer, said = follow(address)
            check(f"{kind}: {address} is there", answer.status == 200, answer.status)
    added = servers.command("account", "add", kind, "--role", "administrator", input=f"{PASSWORD}\n")
    check("an administrator is added", added)
    form = urllib.parse.urlencode({"name": kind, "password": PASSWORD, "next": "/admin/users"})
    connection.request("POST", f"{path}/admin/login", form, {
        "Host": "scim.example.com", "Origin": "https://scim.example.com",
        "Content-Type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    answer.read()
    check(f"{kind}: somebody signs in", (answer.status, answer.headers["Location"]) == (303, f"{path}/admin/users"),
          (answer.status, answer.headers["Location"]))
    cookies = [one.split(";")[0] for one in answer.headers.get_all("Set-Cookie")]
    answer, said = follow(f"{path}/admin/users", {"Cookie": "; ".join(cookies)})
    check(f"{kind}: and sees a page", answer.status == 200 and f'href="{path}/admin/settings"' in said, answer.status)
    key = json.loads(servers.command("api-key", "add", "--name", kind, "--role", "administrator", "--json"))["key"]
    bearer = {"Authorization": f"Bearer {key}"}
    answer, said = follow(f"{path}/api/admin/v1/openapi.json", bearer)
    check(f"{kind}: the OpenAPI document says where the admin API is",
          json.loads(said)["servers"] == [{"url": f"{path}/api/admin/v1"}], said[:200])
    connection.request("POST", f"{path}/api/admin/v1/configurations",
                       json.dumps({"name": kind, "provisioningType": {"users": True, "groups": True}}),
                       {"Host": "scim.example.com", "Content-Type": "application/json", **bearer})
    answer = connection.getresponse()
    said = answer.read().decode()
    place = answer.headers["Location"] or ""
    check(f"{kind}: what is made is found where it is said to be",
          answer.status == 201 and place.startswith(f"{path}/api/admin/v1/") and follow(place, bearer)[0].status == 200,
          (answer.status, place, said))
    stream = servers.command("stream", "add", kind, "--read").strip()
    answer, said = follow(f"{path}/api/feed/v1/changes?after=0", {"Authorization": f"Bearer {stream}"})
    check(f"{kind}: the feed is there", answer.status == 200, said[:200])


def rolls(port, servers):
    """Both servers are restarted while four clients send as fast as they are answered."""
    over, broken, counts = threading.Event(), [], [0] * 4

    def send(number):
        connection = connect(port)
        while not over.is_set():
            counts[number] += 1
            try:
                name = f"r{number}-{counts[number]}"
                answer, said = ask(connection, servers, "POST", "/Users", user(name))
                if answer.status != 201:
                    broken.append((answer.status, said[:200]))
            except (OSError, http.client.HTTPException) as error:
                broken.append(repr(error))
                connection.close()

    threads = [threading.Thread(target=send, args=[number]) for number in range(4)]
    [thread.start() for thread in threads]
    served = lambda: sum(counts)
    for at in (0, 1):
        before = served()
        until("requests are sent", lambda: served() > before + 100)
        check("a server that drained ends well", servers.stop(at) == 0)
        before = served()
        until("requests are sent to the other", lambda: served() > before + 100)
        servers.start(at)
        servers.wait(at)
        # Until the balancer has seen it.
        time.sleep(3)
    over.set()
    [thread.join() for thread in threads]
    check(f"haproxy: of {served()} requests none was broken", not broken, broken[:5])


def haproxy(folder, servers, kind="haproxy"):
    if not program("haproxy"):
        print("not checked: haproxy is not there")
        return
    port = free_port()
    text = snippet(kind, servers, [(":443 ssl", f"127.0.0.1:{port} ssl"), ("/etc/haproxy/scim.pem", folder / "both.pem")])
    (folder / "haproxy.cfg").write_text(text)
    done = subprocess.run([program("haproxy"), "-c", "-f", folder / "haproxy.cfg"], capture_output=True, text=True)
    check(f"{kind}: it reads the guide's configuration", done.returncode == 0, done.stdout + done.stderr)
    with open(folder / "haproxy.log", "w") as log:
        proxy = subprocess.Popen([program("haproxy"), "-db", "-f", folder / "haproxy.cfg"], stdout=log, stderr=log)
    try:
        time.sleep(3)
        forwards(kind, port, servers)
        if servers.path:
            leads(kind, port, servers)
        elif not servers.sockets:
            rolls(port, servers)
    finally:
        proxy.terminate()
        proxy.wait()


def haproxy_of_connections(folder, servers):
    if not program("haproxy"):
        return
    port = free_port()
    # From another address than this machine's own, which is no proxy.
    text = snippet("haproxy-tcp", servers, [("bind :443", f"bind 127.0.0.1:{port}"),
                                            (" send-proxy-v2", " send-proxy-v2 source 127.0.0.2")])
    for version in ["send-proxy-v2", "send-proxy"]:
        (folder / "tcp.cfg").write_text(text.replace(" send-proxy-v2", f" {version}"))
        with open(folder / "haproxy.log", "w") as log:
            proxy = subprocess.Popen([program("haproxy"), "-db", "-f", folder / "tcp.cfg"], stdout=log, stderr=log)
        try:
            time.sleep(3)
            forwards(version, port, servers)
        finally:
            proxy.terminate()
            proxy.wait()
    # A proxy that does not say it is not served; who is none says nothing.
    listed = socket.create_connection(("127.0.0.1", servers.ports[0]), source_address=("127.0.0.2", 0))
    with listed as silent:
        silent.sendall(b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(32))
        silent.settimeout(30)
        try:
            said = silent.recv(10)
        except ConnectionResetError:
            said = b""
        check("a listed proxy that does not speak it is not served", said == b"", said)
    answer, said = ask(connect(servers.ports[0]), servers, "GET", "/Users?count=0")
    check("who is no proxy needs not speak it", answer.status == 200, said)


def nginx(folder, servers, kind="nginx"):
    if not program("nginx"):
        print("not checked: nginx is not there")
        return
    port = free_port()
    text = snippet(kind, servers, [("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
                                      ("/etc/nginx/scim/fullchain.pem", folder / "certificate.pem"),
                                      ("/etc/nginx/scim/privkey.pem", folder / "key.pem")])
    places = "".join(f"{name}_temp_path {folder}/{name}; " for name in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
    (folder / "nginx.conf").write_text(
        f"{'user www-data; ' if os.geteuid() == 0 else ''}daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; events {{}} "
        f"http {{ access_log off; {places}\n{text}}}")
    words = [program("nginx"), "-e", folder / "nginx.log", "-c", folder / "nginx.conf"]
    done = subprocess.run([*words, "-t"], capture_output=True, text=True)
    check(f"{kind}: it reads the guide's configuration", done.returncode == 0, done.stderr)
    proxy = subprocess.Popen(words)
    try:
        time.sleep(1)
        forwards(kind, port, servers)
        if servers.path:
            leads(kind, port, servers)
    finally:
        proxy.terminate()
        proxy.wait()


def keeps_others_out(servers):
    """Neither the folder nor the file lets anybody else in, and both servers take their files along."""
    if os.geteuid() == 0:
        servers.sockets.chmod(0o2755)
        connect = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
        words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", connect]
        for sock in servers.sockets.iterdir():
            done = subprocess.run([*words, str(sock)], capture_output=True, text=True)
            check("nobody else may open a socket", "PermissionError" in done.stderr, done.stderr)
    for at in (0, 1):
        check("a server at a socket ends well", servers.stop(at) == 0)
    check("its file goes with it", not list(servers.sockets.iterdir()))


def main():
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                    "/CN=scim.example.com", "-keyout", folder / "key.pem", "-out", folder / "certificate.pem"],
                   check=True, capture_output=True)
    both = (folder / "certificate.pem").read_text() + (folder / "key.pem").read_text()
    (folder / "both.pem").write_text(both)
    readers = Servers(folder / "readers", "--trusted-proxies", "127.0.0.1")
    below = Servers(folder / "below", "--trusted-proxies", "127.0.0.1", path="/scim-gw")
    local = Servers(folder / "local", socket=True)
    handers = Servers(folder / "handers", "--trusted-proxies", "127.0.0.2", "--proxy-protocol")
    try:
        nginx(folder, readers)
        haproxy(folder, readers)
        haproxy_of_connections(folder, handers)
        nginx(folder, below, "nginx-path")
        haproxy(folder, below, "haproxy-path")
        nginx(folder, local, "nginx-socket")
        haproxy(folder, local, "haproxy-socket")
        keeps_others_out(local)
    finally:
        for process in readers.processes + handers.processes + below.processes + local.processes:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    finish()


main()
