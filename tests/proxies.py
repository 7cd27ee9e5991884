"""The reverse proxies of docs/guides/reverse-proxy.md, as they stand there, before two servers.

usage: proxies.py SERVER POSTGRES

Each runs where Debian's package is there (haproxy, nginx). Through HAProxy the servers are restarted
one after another under load, and no request may break.
"""

import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

from checks import check, finish, free_port

SERVER = str(Path(sys.argv[1]).resolve())
POSTGRES = sys.argv[2]
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

    def __init__(self, folder, *options):
        folder.mkdir(exist_ok=True)
        self.folder, self.options, self.ports = folder, options, [free_port(), free_port()]
        name = f"proxies_{uuid.uuid4().hex}"
        subprocess.run(["psql", "-qc", f"CREATE DATABASE {name}", f"{POSTGRES}/postgres"], check=True)
        self.place = ["--database-url", f"{POSTGRES}/{name}", "--key-file", str(folder / "keyring.json"),
                      "--public-url", "https://scim.example.com"]
        self.processes = [None, None]
        for at in (0, 1):
            self.start(at)
            self.wait(at)
        made = self.command("configuration", "add", "--name", "C", "--users", "--json")
        self.token = json.loads(made)["token"]["value"]

    def command(self, *words, at=0):
        return subprocess.run([SERVER, *words, *self.place, "--data-dir", str(self.folder / f"data{at}")],
                              capture_output=True, text=True, check=True).stdout

    def start(self, at):
        log = open(self.folder / f"log{at}", "a")
        self.processes[at] = subprocess.Popen(
            [SERVER, "serve", "--listen", f"127.0.0.1:{self.ports[at]}", "--drain", "5", "--limit-rate", "1000000",
             *self.options, "--data-dir", str(self.folder / f"data{at}"), *self.place],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait(self, at):
        healthy = [SERVER, "healthcheck", "--listen", f"127.0.0.1:{self.ports[at]}"]
        until("a server is ready", lambda: subprocess.run(healthy, capture_output=True).returncode == 0)

    def stop(self, at):
        self.processes[at].terminate()
        return self.processes[at].wait(60)


def snippet(kind, servers, replacements):
    text = re.search(rf"^```{kind}\n(.*?)^```$", GUIDE, re.M | re.S)[1]
    for at, address in enumerate(["10.0.0.11:8443", "10.0.0.12:8443"]):
        replacements.append((address, f"127.0.0.1:{servers.ports[at]}"))
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
    connection.request(method, f"/api/scim/v2{path}", body and json.dumps(body), headers)
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
    check(f"{kind}: links are those of the public URL", place.startswith("https://scim.example.com/api/scim/v2/"), place)
    servers.command("configuration", "edit", "C", "--allowed-networks", "192.0.2.0/24")
    answer, said = ask(connection, servers, "GET", "/Users?count=0", **{"X-Forwarded-For": "192.0.2.7"})
    check(f"{kind}: nobody says of themselves from where they come", answer.status == 403, said)
    servers.command("configuration", "edit", "C", "--allowed-networks", "127.0.0.1")
    answer, said = ask(connection, servers, "GET", "/Users?count=0")
    check(f"{kind}: the proxy says from where a client comes", answer.status == 200, said)
    servers.command("configuration", "edit", "C", "--allowed-networks", "")


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


def haproxy(folder, servers):
    if not program("haproxy"):
        print("not checked: haproxy is not there")
        return
    port = free_port()
    text = snippet("haproxy", servers, [(":443 ssl", f"127.0.0.1:{port} ssl"), ("/etc/haproxy/scim.pem", folder / "both.pem")])
    (folder / "haproxy.cfg").write_text(text)
    done = subprocess.run([program("haproxy"), "-c", "-f", folder / "haproxy.cfg"], capture_output=True, text=True)
    check("haproxy: it reads the guide's configuration", done.returncode == 0, done.stdout + done.stderr)
    with open(folder / "haproxy.log", "w") as log:
        proxy = subprocess.Popen([program("haproxy"), "-db", "-f", folder / "haproxy.cfg"], stdout=log, stderr=log)
    try:
        time.sleep(3)
        forwards("haproxy", port, servers)
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


def nginx(folder, servers):
    if not program("nginx"):
        print("not checked: nginx is not there")
        return
    port = free_port()
    text = snippet("nginx", servers, [("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
                                      ("/etc/nginx/scim/fullchain.pem", folder / "certificate.pem"),
                                      ("/etc/nginx/scim/privkey.pem", folder / "key.pem")])
    places = "".join(f"{name}_temp_path {folder}/{name}; " for name in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; events {{}} "
        f"http {{ access_log off; {places}\n{text}}}")
    words = [program("nginx"), "-e", folder / "nginx.log", "-c", folder / "nginx.conf"]
    done = subprocess.run([*words, "-t"], capture_output=True, text=True)
    check("nginx: it reads the guide's configuration", done.returncode == 0, done.stderr)
    proxy = subprocess.Popen(words)
    try:
        time.sleep(1)
        forwards("nginx", port, servers)
    finally:
        proxy.terminate()
        proxy.wait()


def main():
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                    "/CN=scim.example.com", "-keyout", folder / "key.pem", "-out", folder / "certificate.pem"],
                   check=True, capture_output=True)
    both = (folder / "certificate.pem").read_text() + (folder / "key.pem").read_text()
    (folder / "both.pem").write_text(both)
    readers = Servers(folder / "readers", "--trusted-proxies", "127.0.0.1")
    handers = Servers(folder / "handers", "--trusted-proxies", "127.0.0.2", "--proxy-protocol")
    try:
        nginx(folder, readers)
        haproxy(folder, readers)
        haproxy_of_connections(folder, handers)
    finally:
        for process in readers.processes + handers.processes:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    finish()


main()
