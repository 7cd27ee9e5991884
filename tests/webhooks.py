"""What is sent to receivers, verified by the library that Standard Webhooks publishes.

usage: webhooks.py SERVER
"""

import http.server
import json
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from checks import check, finish


def receiver(folder):
    """A receiver that keeps what it is sent, its port, and its certificate."""
    certificate, key = folder / "receiver.pem", folder / "receiver.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext",
         "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", certificate],
        check=True, capture_output=True)
    received = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((dict(self.headers.items()), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener.socket = context.wrap_socket(listener.socket, server_side=True)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    return received, listener.server_address[1], certificate


def verifies(secret, message):
    try:
        Webhook(secret).verify(message[1], message[0])
        return True
    except WebhookVerificationError:
        return False


def main():
    folder = Path(tempfile.mkdtemp())
    received, port, certificate = receiver(folder)
    data = ["--data-dir", str(folder / "data")]
    command = lambda *words: subprocess.run(
        [sys.argv[1], *words, *data, "--json"], check=True, capture_output=True, text=True).stdout
    server = subprocess.Popen(
        [sys.argv[1], "serve", *data, "--listen", "127.0.0.1:0", "--feed-ca", certificate,
         "--feed-allow-networks", "127.0.0.1,::1"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        server.stdout.readline()
        url = f"https://localhost:{port}/feed"
        secret = json.loads(command("stream", "add", "mail", "--webhook", url))["secret"]
        command("user", "add", "--user-name", "ävä@corp.example")
        deadline = time.time() + 60
        while not received and time.time() < deadline:
            time.sleep(0.1)
        check("something is sent", received)
        first = received[0]
        check("the published library verifies it", verifies(secret, first))
        other = (first[0], first[1].replace(b"corp", b"cork"))
        check("a body that was changed is not verified", not verifies(secret, other))
        rotated = json.loads(command("stream", "secret", "mail"))["secret"]
        check("the secret before does not verify by the new one", not verifies(rotated, first))
        command("stream", "test", "mail")
        while len(received) < 2 and time.time() < deadline:
            time.sleep(0.1)
        both = verifies(secret, received[-1]) and verifies(rotated, received[-1])
        check("for a while both secrets verify", both)
    finally:
        server.terminate()
        server.wait()
    finish()


main()
