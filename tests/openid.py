"""Signing in to the console by an OpenID provider, over TLS, with tokens that hold and do not.

usage: openid.py SERVER
"""

import base64
import hashlib
import http.cookiejar
import http.server
import json
import re
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from checks import check, finish


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Provider:
    """An OpenID provider that signs whoever `claims` says, as `spoil` lets it."""

    def __init__(self, folder):
        self.folder, self.codes = Path(folder), {}
        self.claims, self.spoil = {}, lambda claims: None
        self.asked, self.answers = 0, threading.Event()
        self.answers.set()
        self.key, self.other = self.new_key("sign"), self.new_key("other")
        self.signs_with = self.key
        certificate, key = self.folder / "tls.pem", self.folder / "tls.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
             "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext",
             "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", certificate],
            check=True, capture_output=True)
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                provider.answer(self, {})

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                provider.answer(self, dict(urllib.parse.parse_qsl(body)))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Who does not wait for an answer is gone when it comes.
        self.server.handle_error = lambda *_: None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.certificate = certificate
        self.issuer = f"https://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def new_key(self, name):
        path = self.folder / f"{name}.key"
        subprocess.run(["openssl", "genrsa", "-out", path, "2048"], check=True,
                       capture_output=True)
        return path

    def answer(self, request, form):
        self.asked += 1
        self.answers.wait()
        address = urllib.parse.urlsplit(request.path)
        query = dict(urllib.parse.parse_qsl(address.query))
        if address.path == "/authorize":
            code = encoded(hashlib.sha256(str(len(self.codes)).encode()).digest())
            self.codes[code] = query
            back = urllib.parse.urlencode({"code": code, "state": query["state"]})
            request.send_response(302)
            request.send_header("Location", f"{query['redirect_uri']}?{back}")
            request.end_headers()
            return
        body = json.dumps(self.document(address.path, form, request.headers)).encode()
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def document(self, path, form, headers):
        if path == "/jwks":
            said = subprocess.run(["openssl", "rsa", "-in", self.key, "-noout", "-modulus"],
                                  check=True, capture_output=True, text=True).stdout
            modulus = bytes.fromhex(said.strip().split("=")[1])
            return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1",
                              "n": encoded(modulus), "e": "AQAB"}]}
        if path == "/token":
            asked = self.codes.pop(form["code"])
            proof = encoded(hashlib.sha256(form["code_verifier"].encode()).digest())
            basic = base64.b64encode(b"console:s3cret").decode()
            if proof != asked["code_challenge"] or headers["Authorization"] != f"Basic {basic}":
                return {"error": "invalid_grant"}
            now = int(time.time())
            claims = {"iss": self.issuer, "aud": "console", "sub": "4711", "iat": now,
                      "exp": now + 300, "auth_time": now, "nonce": asked["nonce"], **self.claims}
            self.spoil(claims)
            return {"access_token": "x", "token_type": "Bearer", "id_token": self.signed(claims)}
        return {"issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/jwks",
                "response_types_supported": ["code"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"]}

    def signed(self, claims):
        head = encoded(json.dumps({"alg": "RS256", "kid": "1", "typ": "JWT"}).encode())
        text = f"{head}.{encoded(json.dumps(claims).encode())}"
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.signs_with],
                                   input=text.encode(), check=True, capture_output=True).stdout
        return f"{text}.{encoded(signature)}"


class Browser:
    """Somebody with cookies who follows redirections."""

    def __init__(self, base):
        trusting = ssl._create_unverified_context()
        self.base, self.cookies = base, http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=trusting),
            urllib.request.HTTPCookieProcessor(self.cookies))

    def open(self, path, form=None):
        """The status, the last address and the text."""
        data = urllib.parse.urlencode(form).encode() if form else None
        try:
            answer = self.opener.open(self.base + path, data)
        except urllib.error.HTTPError as error:
            answer = error
        return answer.status, answer.geturl().removeprefix(self.base), answer.read().decode()


def start(server, provider, folder):
    secret = Path(folder) / "secret"
    secret.write_text("s3cret\n")
    process = subprocess.Popen(
        [server, "serve", "--listen", "127.0.0.1:0", "--data-dir", folder, "--oidc-issuer",
         provider.issuer, "--oidc-client-id", "console", "--oidc-client-secret-file", secret,
         "--oidc-ca-file", provider.certificate, "--oidc-administrator", "admins",
         "--oidc-auditor", "auditors"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    line = ""
    while "/setup?" not in line:
        line = process.stdout.readline()
    return process, re.search(r"https://\S+", line).group(0).split("/admin")[0]


def spoiled(**wrong):
    return lambda claims: claims.update(wrong)


def story(base, provider, database):
    page = Browser(base).open("/admin/login")[2]
    check("the way to the provider is offered", "Sign in with your organization" in page)

    provider.claims = {"roles": ["staff", "admins"], "preferred_username": "ada@corp.example"}
    ada = Browser(base)
    status, address, page = ada.open("/admin/openid?next=/admin/users")
    check("an administrator comes in, to the page that was wanted",
          (status, address) == (200, "/admin/users") and "ada@corp.example" in page, address)
    check("the account is there once", "you" in ada.open("/admin/settings")[2])
    Browser(base).open("/admin/openid")
    accounts = sqlite3.connect(database).execute("SELECT name, role FROM accounts").fetchall()
    check("and the second sign-in finds it", accounts == [("ada@corp.example", "administrator")],
          accounts)

    database_connection = sqlite3.connect(database)
    database_connection.execute("UPDATE sessions SET confirmed_at = 0")
    database_connection.commit()
    page = ada.open("/admin/settings")[2]
    token = re.search(r'name="form_token" value="([^"]+)"', page).group(1)
    key = {"form_token": token, "name": "k", "role": "auditor", "days": "7"}
    status, address, page = ada.open("/admin/settings/api-keys", key)
    check("what needs the password asks the provider", "Continue with your organization" in page
          and 'type="password"' not in page)
    address = ada.open("/admin/openid?confirm=1&next=/admin/settings")[1]
    confirmed = database_connection.execute(
        "SELECT count(*) FROM sessions WHERE confirmed_at > 0").fetchone()
    check("and the provider confirms it", (address, confirmed[0]) == ("/admin/settings", 1),
          (address, confirmed))
    provider.spoil = spoiled(auth_time=int(time.time()) - 3600)
    check("a password of an hour ago confirms nothing",
          ada.open("/admin/openid?confirm=1")[0] == 422)
    provider.spoil = lambda claims: None
    provider.claims = {"sub": "other", "roles": "admins", "preferred_username": "eve"}
    check("nobody confirms for somebody else", ada.open("/admin/openid?confirm=1")[0] != 200)

    provider.claims = {"sub": "twin", "roles": "auditors",
                       "preferred_username": "ADA@corp.example"}
    twin = Browser(base)
    page = twin.open("/admin/openid")[2]
    check("the same name is not the same account", "ADA@corp.example (twin)" in page)
    check("an auditor is an auditor", twin.open("/admin/users/scim-provisioning/new")[0] == 403)
    provider.claims = {"sub": "nobody", "roles": ["staff"]}
    check("nobody comes in without a role", Browser(base).open("/admin/openid")[0] == 422)
    provider.claims = {"sub": "nobody", "groups": ["admins"]}
    check("nor by another claim", Browser(base).open("/admin/openid")[0] == 422)

    provider.claims = {"roles": "admins"}
    for name, wrong in {
        "of another issuer": {"iss": "https://evil.example"},
        "for another client": {"aud": "shop"},
        "with another nonce": {"nonce": "x"},
        "that has expired": {"exp": int(time.time()) - 600},
    }.items():
        provider.spoil = spoiled(**wrong)
        check(f"a token {name} is refused", Browser(base).open("/admin/openid")[0] == 422)
    provider.spoil = lambda claims: None
    provider.signs_with = provider.other
    check("a token of another key is refused", Browser(base).open("/admin/openid")[0] == 422)
    provider.signs_with = provider.key
    check("a code without its beginning is refused",
          Browser(base).open("/admin/openid/callback?code=x&state=y")[0] == 403)
    stranger = Browser(base)
    address = stranger.open("/admin/openid?next=https://evil.example/")[1]
    check("nobody is sent to another site", address == "/admin", address)
    status = stranger.open("/admin/openid/callback?code=x&state=y")[0]
    check("another state is refused", status == 422, status)

    provider.claims = {"roles": "auditors", "preferred_username": "ada@corp.example"}
    check("the last administrator keeps the role", Browser(base).open("/admin/openid")[0] == 422)


def hanging(server, provider):
    """A provider that does not answer keeps nobody waiting but those who ask for it."""
    with tempfile.TemporaryDirectory() as folder:
        process, base = start(server, provider, folder)
        try:
            before, ends = provider.asked, []
            provider.answers.clear()
            threads = [threading.Thread(target=lambda: ends.append(Browser(base).open("/admin/openid")[0]))
                       for _ in range(150)]
            for thread in threads:
                thread.start()
            while provider.asked == before:
                time.sleep(0.05)
            served = [Browser(base).open(path)[0] for path in ["/readyz", "/admin/login"] * 5]
            check("a provider that hangs keeps nobody else waiting", served == [200] * 10, served)
            for thread in threads:
                thread.join()
            check("and is asked by two at most", provider.asked - before <= 2, provider.asked - before)
            check("and whoever asked is told", set(ends) <= {422, 429, 503}, set(ends))
            provider.answers.set()
            asked = provider.asked
            Browser(base).open("/admin/openid")
            check("and is left alone for a while", provider.asked == asked)
        finally:
            provider.answers.set()
            process.terminate()
            process.wait()


def main():
    with tempfile.TemporaryDirectory() as folder:
        provider = Provider(folder)
        process, base = start(sys.argv[1], provider, folder)
        try:
            story(base, provider, Path(folder) / "serviceops-scim.db")
        finally:
            process.terminate()
            process.wait()
        hanging(sys.argv[1], provider)
    finish()


if __name__ == "__main__":
    main()
