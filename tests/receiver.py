"""A receiver of what changed, over TLS, for the programs of this folder."""

import http.server
import ssl
import subprocess
import threading


def certify(folder):
    """A certificate of localhost that nobody vouches for, and its key."""
    certificate, key = folder / "receiver.pem", folder / "receiver.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext",
         "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", certificate],
        check=True, capture_output=True)
    return certificate, key


def receiver(folder, answer):
    """A receiver that keeps what it is sent, its port, and its certificate. `answer` says of headers
    and body which status and which body they are answered with."""
    certificate, key = certify(folder)
    received = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            headers = dict(self.headers.items())
            body = self.rfile.read(int(self.headers["content-length"]))
            status, said = answer(headers, body)
            received.append((headers, body))
            self.send_response(status)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_):
            pass

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener.socket = context.wrap_socket(listener.socket, server_side=True)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    return received, listener.server_address[1], certificate
