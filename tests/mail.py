"""Mail about alerts, taken by a real SMTP server: by STARTTLS and by TLS from the first byte.

usage: mail.py SERVER
"""

import email
import email.policy
import json
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import warnings
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from checks import check, finish, free_port
from receiver import certify

PASSWORD = "correct horse"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"


class Taken:
    """Keeps the letters that are taken, with how they came."""

    def __init__(self):
        self.letters = []

    async def handle_DATA(self, server, session, envelope):
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.letters.append((letter, envelope, session.ssl is not None, session.authenticated))
        return "250 OK"


def signs_in(server, session, envelope, mechanism, data):
    right = (data.login, data.password) == (b"scim@corp.example", PASSWORD.encode())
    return AuthResult(success=right)


def listen(handler, context, implicit):
    """A mail server, and its port."""
    tls = {"ssl_context": context} if implicit else {"tls_context": context, "require_starttls": True}
    controller = Controller(handler, hostname="127.0.0.1", port=free_port(), auth_required=True,
                            auth_require_tls=not implicit, authenticator=signs_in, **tls)
    controller.start()
    return controller


def hold(port, token):
    """Has an identity provider take away more people than a guard lets go."""
    def scim(path, body=None, method=None):
        request = urllib.request.Request(
            f"https://localhost:{port}/api/scim/v2/Users{path}", method=method,
            data=json.dumps(body).encode() if body else None,
            headers={"authorization": f"Bearer {token}", "content-type": "application/scim+json"})
        with urllib.request.urlopen(request, context=ssl._create_unverified_context()) as answer:
            return json.loads(answer.read() or "null")

    for name in ("ava", "bo", "cy"):
        made = scim("", {"schemas": [USER], "userName": name})
        scim(f"/{made['id']}", method="DELETE")


def start(folder, port, url, certificate, *further):
    """The server, with its data in a folder; what it says goes on being read."""
    process = subprocess.Popen(
        [sys.argv[1], "serve", "--data-dir", str(folder / "data"), "--listen", f"127.0.0.1:{port}",
         "--public-url", "https://scim.corp.example", "--mail-server", url, "--mail-ca",
         str(certificate), "--mail-from", "ServiceOps SCIM <scim@corp.example>", "--mail-to",
         "ops@corp.example,oncall@corp.example", *further],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    threading.Thread(target=process.stdout.read, daemon=True).start()
    said = []
    threading.Thread(target=lambda: said.extend(process.stderr), daemon=True).start()
    return process, said


def main():
    # TLS from the first byte is none that the mail server counts.
    warnings.simplefilter("ignore")
    folder = Path(tempfile.mkdtemp())
    certificate, key = certify(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    secret = folder / "mail-password"
    secret.write_text(PASSWORD + "\n")
    password = ["--mail-password-file", str(secret)]
    command = lambda *words: json.loads(subprocess.run(
        [sys.argv[1], *words, "--data-dir", str(folder / "data"), "--json"],
        check=True, capture_output=True, text=True).stdout)

    def letters(taken, count):
        for _ in range(600):
            if len(taken.letters) >= count:
                return taken.letters
            time.sleep(0.1)
        return taken.letters

    first, second = Taken(), Taken()
    starttls, implicit = listen(first, context, False), listen(second, context, True)
    port = free_port()
    user = "scim%40corp.example@localhost"
    server, said = start(folder, port, f"smtp://{user}:{starttls.port}", certificate, *password)
    try:
        added = command("configuration", "add", "--name", "Ünïted", "--users")
        command("configuration", "edit", "Ünïted", "--guard-count", "1", "--guard-percent", "1")
        hold(port, added["token"]["value"])
        told = letters(first, 1)
        check("a letter is written when an alert begins", len(told) == 1, said[-5:])
        letter, envelope, over_tls, signed_in = told[0]
        text = letter.get_content()
        alert = command("alert", "list")["items"][0]
        check("it came by STARTTLS, and somebody signed in", over_tls and signed_in)
        check("everybody is written to",
              envelope.rcpt_tos == ["ops@corp.example", "oncall@corp.example"], envelope.rcpt_tos)
        check("the subject says what it is", letter["subject"] == f"{alert['title']}: Ünïted",
              letter["subject"])
        check("it says what, since when, what to do, and where",
              all(part in text for part in (alert["message"], alert["since"][:16], alert["advice"],
                                            "https://scim.corp.example" + alert["page"])), text)
        check("a machine wrote it", letter["auto-submitted"] == "auto-generated")
        time.sleep(12)
        check("once", len(first.letters) == 1)
        server.terminate()
        server.wait()
        server, said = start(folder, port, f"smtps://{user}:{implicit.port}", certificate, *password)
        command("held", "reject", "Ünïted", "--all")
        told = letters(second, 1)
        check("and once when it is over, over TLS", len(told) == 1 and told[0][3], said[-5:])
        last = told[0][0]
        check("which is said first", last["subject"] == f"Over: {letter['subject']}", last["subject"])
        check("both are one conversation", last["in-reply-to"] == letter["message-id"])
        server.terminate()
        server.wait()
        refused = subprocess.run(
            [sys.argv[1], "serve", "--data-dir", str(folder / "data"), "--listen", "127.0.0.1:0",
             "--mail-server", "smtp://u:secret@localhost", "--mail-from", "a@b.example",
             "--mail-to", "a@b.example"], capture_output=True, text=True)
        check("a password in an address is refused", refused.returncode == 2, refused.stderr)
    finally:
        server.terminate()
        server.wait()
        starttls.stop()
        implicit.stop()
    finish()


main()
