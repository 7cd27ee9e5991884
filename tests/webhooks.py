"""What is sent to receivers, verified by the library that Standard Webhooks publishes.

usage: webhooks.py SERVER
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from checks import check, finish
from receiver import receiver


def verifies(secret, message):
    try:
        Webhook(secret).verify(message[1], message[0])
        return True
    except WebhookVerificationError:
        return False


def main():
    folder = Path(tempfile.mkdtemp())
    received, port, certificate = receiver(folder, lambda *_: (204, b""))
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
