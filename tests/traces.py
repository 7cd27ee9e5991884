"""Traces, as a collector gets them that decodes OTLP by OpenTelemetry's own messages.

usage: traces.py SERVER WITHOUT

SERVER is built with the feature `opentelemetry`, WITHOUT is not.
"""

import contextlib
import gzip
import http.client
import http.server
import json
import os
import re
import signal
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest, ExportTraceServiceResponse)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from checks import check, finish, free_port
from receiver import receiver

SERVER, WITHOUT = sys.argv[1:3]
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
PERSON = "ava.quartz@corp.example"
# From the first of these the server believes what proxies say.
PROXY, STRANGER = "127.0.0.2", "127.0.0.1"
SCIM = "/api/scim/v2"


def decoded(body):
    return ExportTraceServiceRequest.FromString(body)


class Collector:
    """Takes traces, as long as `waits` is not set."""

    def __init__(self):
        self.bodies, self.headers, self.paths = [], [], []
        self.waits = threading.Event()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if collector.waits.is_set():
                    time.sleep(30)
                    return
                collector.bodies.append(body)
                collector.headers.append(dict(self.headers.items()))
                collector.paths.append(self.path)
                said = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_):
                pass

        listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        listener.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{listener.server_address[1]}"
        threading.Thread(target=listener.serve_forever, daemon=True).start()

    def spans(self):
        return [span for body in list(self.bodies) for resource in decoded(body).resource_spans
                for scope in resource.scope_spans for span in scope.spans]

    def wait_for(self, which, seconds=20):
        """The spans that `which` says of, as soon as there is one."""
        deadline = time.time() + seconds
        while time.time() < deadline:
            found = [span for span in self.spans() if which(span)]
            if found:
                return found
            time.sleep(0.05)
        return []


class Server:
    """A server with settings of its own environment, until the block ends."""

    def __init__(self, program=SERVER, options=(), **environment):
        self.folder = Path(tempfile.mkdtemp())
        self.data = ["--data-dir", str(self.folder / "data")]
        self.program, self.options = program, options
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
        self.environment = clean | environment

    def __enter__(self):
        self.log_file = open(self.folder / "log", "wb")
        self.port = free_port()
        self.process = subprocess.Popen(
            [self.program, "serve", *self.data, "--listen", f"127.0.0.1:{self.port}",
             "--log-format", "json", "--trusted-proxies", PROXY, *self.options],
            env=self.environment, stdout=subprocess.PIPE, stderr=self.log_file, text=True)
        while SCIM not in (self.process.stdout.readline() or sys.exit(self.log())):
            pass
        made = json.loads(self.command("configuration", "add", "--name", "Okta", "--users",
                                       "--groups", "--json"))
        self.token, self.configuration = made["token"]["value"], made["id"]
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log_file.close()

    def command(self, *words):
        return subprocess.run([self.program, *words, *self.data], check=True, capture_output=True,
                              text=True, env=self.environment).stdout

    def ask(self, method, path, body=None, source=STRANGER, **headers):
        """The status of a request, its id, and what was answered."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, context=ssl._create_unverified_context(), timeout=60,
            source_address=(source, 0))
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None:
            headers["Content-Type"] = "application/scim+json"
            body = json.dumps(body)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers["x-request-id"], answer.read()

    def create(self, name, **more):
        user = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name}
        return self.ask("POST", f"{SCIM}/Users", user, **more)

    def stop(self):
        """How many seconds it takes to stop, and the code at the end."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        return time.monotonic() - began, code

    def log(self):
        return (self.folder / "log").read_text()

    def lines(self, text):
        return [line for line in self.log().splitlines() if text in line]


def values(attributes):
    found = {}
    for attribute in attributes:
        kind = attribute.value.WhichOneof("value")
        found[attribute.key] = getattr(attribute.value, kind)
    return found


def of(span):
    return values(span.attributes)


def asked(name, status):
    """Whether a span is that of a request with this answer."""
    return lambda span: (span.kind == Span.SPAN_KIND_SERVER and span.name == name
                         and of(span).get("http.response.status_code") == status)


def parent(trace=TRACE, flags="01"):
    return f"00-{trace}-{PARENT}-{flags}"


def what_is_told():
    collector = Collector()
    hooks, hook_port, certificate = receiver(Path(tempfile.mkdtemp()), lambda *_: (204, b""))
    options = ["--feed-ca", str(certificate), "--feed-allow-networks", "127.0.0.1,::1",
               "--public-url", "https://scim.example.com:9443"]
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=north%20west",
        "OTEL_SERVICE_NAME": "provisioning",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    with Server(options=options, **environment) as server:
        server.command("stream", "add", "mail", "--webhook", f"https://localhost:{hook_port}/s3cret")
        status, request_id, body = server.create(PERSON, source=PROXY, traceparent=parent(),
                                                 tracestate="a=b")
        check("a request with a trace is served", status == 201, body)
        person = json.loads(body)["id"]
        spans = collector.wait_for(asked(f"POST {SCIM}/Users", 201))
        check("it is one span", len(spans) == 1, spans)
        root = spans[0]
        check("in the trace of the proxy, below its span",
              (root.trace_id.hex(), root.parent_span_id.hex()) == (TRACE, PARENT), root)
        check("with its state", root.trace_state == "a=b", root)
        told = of(root)
        expected = {
            "http.request.method": "POST", "http.route": f"{SCIM}/Users", "url.scheme": "https",
            "http.response.status_code": 201, "server.address": "scim.example.com",
            "server.port": 9443, "network.protocol.version": "1.1",
            "serviceops_scim.request_id": request_id,
            "serviceops_scim.configuration_id": server.configuration,
        }
        check("with the attributes of the conventions and no others", told == expected, told)
        line = json.loads(server.lines(request_id)[-1])
        check("the log has the same trace", line["trace_id"] == request_id == TRACE, line)

        within = [span for span in collector.spans() if span.trace_id == root.trace_id]
        names = {span.name: span for span in within}
        inner = {"authenticate", "database read", "database write", "wait for the writer", "commit"}
        check("what took its time is told", inner <= set(names), set(names))
        ids = {span.span_id for span in within}
        loose = [span.name for span in within if span is not root and span.parent_span_id not in ids]
        check("below it", not [name for name in loose if name != root.name], loose)
        write, wait, commit = (names[name] for name in
                               ("database write", "wait for the writer", "commit"))
        check("a write is the wait for the writer, work, and the commit",
              wait.parent_span_id == commit.parent_span_id == write.span_id
              and write.start_time_unix_nano <= wait.end_time_unix_nano
              <= commit.start_time_unix_nano <= commit.end_time_unix_nano
              <= write.end_time_unix_nano <= root.end_time_unix_nano, (write, wait, commit))
        check("of this engine", of(write) == {"db.system.name": "sqlite"}, write)

        body = collector.bodies[0]
        resource = values(decoded(body).resource_spans[0].resource.attributes)
        version = json.loads(server.ask("GET", "/version")[2])["version"]
        check("the resource is what the environment says, with version and instance",
              resource["service.name"] == "provisioning" and resource["service.version"] == version
              and resource["deployment.environment.name"] == "test"
              and len(resource["service.instance.id"]) == 36, resource)
        check("it is OTLP over HTTP, with the headers that were asked for",
              collector.paths[0] == "/v1/traces" and {
                  name.lower(): value for name, value in collector.headers[0].items()
              }.items() >= {"content-type": "application/x-protobuf",
                            "x-tenant": "north west"}.items(),
              (collector.paths, collector.headers[0]))

        server.ask("GET", f"{SCIM}/Users/{person}?filter=userName%20eq%20%22{PERSON}%22",
                   traceparent=parent(), User_Agent=f"agent of {PERSON}")
        [stranger] = collector.wait_for(asked(f"GET {SCIM}/Users/{{id}}", 200))
        check("whoever is no listed proxy begins a trace of its own",
              stranger.trace_id.hex() != TRACE and not stranger.parent_span_id, stranger)
        check("with a link to theirs", [(link.trace_id.hex(), link.span_id.hex())
                                        for link in stranger.links] == [(TRACE, PARENT)], stranger)
        own = [json.loads(line) for line in server.lines(stranger.trace_id.hex())]
        check("the log has its trace beside its request id",
              [line["request_id"] for line in own]
              == [of(stranger)["serviceops_scim.request_id"]], own)

        server.ask("GET", f"{SCIM}/Users/{PERSON}", source=PROXY,
                   traceparent=f"00-{'0' * 32}-{PARENT}-01")
        [missing] = collector.wait_for(asked(f"GET {SCIM}/Users/{{id}}", 404))
        check("a trace that is none is not gone on with, and 404 is no error of the server",
              not missing.parent_span_id and not missing.links
              and missing.status.code == Status.STATUS_CODE_UNSET, missing)
        server.ask("GET", f"/{PERSON}/{person}")
        server.ask("AVA.QUARTZ", f"{SCIM}/{PERSON}")
        server.ask("GET", f"/api/admin/v1/configurations/{PERSON}")
        server.ask("GET", f"/admin/users/{PERSON}")
        check("what is nowhere has no route", collector.wait_for(asked("GET", 404)))
        check("a method of one's own is one with all others",
              collector.wait_for(lambda span: of(span).get("http.request.method") == "_OTHER"))
        check("the admin API has routes with names for what varies",
              collector.wait_for(asked("GET /api/admin/v1/configurations/{configuration}", 401)),
              {span.name for span in collector.spans()})

        server.ask("GET", f"{SCIM}/Groups", source=PROXY, traceparent=parent("f" * 32, "00"))
        server.ask("GET", "/healthz")
        server.ask("GET", "/readyz")
        server.ask("GET", f"{SCIM}/Schemas")
        collector.wait_for(asked(f"GET {SCIM}/Schemas", 200))
        names = {span.name for span in collector.spans()}
        check("probes, and what the proxy does not record, are not",
              not [name for name in names if re.search("Groups|healthz|readyz", name)], names)

        deliveries = collector.wait_for(lambda span: span.kind == Span.SPAN_KIND_CLIENT
                                        and "http.request.method" in of(span))
        sent = {headers.get("traceparent") for headers, _ in hooks}
        check("a delivery is a span, which its receiver is told",
              deliveries and {f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01"
                              for span in deliveries} <= sent, sent)
        check("with the host alone of the receiver's address", of(deliveries[0]) == {
            "http.request.method": "POST", "http.response.status_code": 204,
            "server.address": "localhost", "server.port": hook_port}, deliveries[0])

        locked = sqlite3.connect(server.folder / "data" / "serviceops-scim.db", timeout=30)
        locked.execute("BEGIN IMMEDIATE")
        status, _, _ = server.create("bo")
        locked.rollback()
        locked.close()
        [failed] = collector.wait_for(asked(f"POST {SCIM}/Users", status))
        check("a request that the server fails is an error", status == 503
              and failed.status.code == Status.STATUS_CODE_ERROR
              and of(failed)["error.type"] == "503", failed)
        inner = [of(span) for span in collector.spans() if span.trace_id == failed.trace_id
                 and span.name == "database write"]
        check("and so is the write that failed", {"db.system.name": "sqlite", "error.type": "busy"}
              in inner, inner)

        alone = [span.name for span in collector.spans() if not span.parent_span_id
                 and span.kind != Span.SPAN_KIND_SERVER and span.name != "POST"]
        check("what the server does by itself makes no traces", not alone, alone)
        seen = b"\n".join(collector.bodies)
        for word in (PERSON, "quartz", "QUARTZ", person, server.token, "filter", "userName",
                     "agent of", PROXY, STRANGER, "s3cret"):
            check(f"nothing of people and clients is in it: {word[:8]}", word.encode() not in seen)
        warnings = server.lines('"level":"WARN"')
        check("nothing is lost", not [line for line in warnings if "trace" in line], warnings)


def the_end():
    collector = Collector()
    with Server(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{collector.endpoint}/custom",
                OTEL_BSP_SCHEDULE_DELAY="600000") as server:
        server.create(PERSON)
        time.sleep(1)
        early = collector.spans()
        took, code = server.stop()
        check("what waits for its batch is sent at the end", not early
              and collector.wait_for(asked(f"POST {SCIM}/Users", 201), 0.1), early)
        check("in good time", took < 5 and code == 0, (took, code, server.log()))
        check("an endpoint of traces alone is taken as it is", set(collector.paths) == {"/custom"})


def served(server, requests=60):
    """How long the slowest of so many requests takes, and whether all of them were carried out."""
    slowest, done = 0.0, True
    for number in range(requests):
        began = time.monotonic()
        status, _, _ = server.create(f"person-{number}")
        slowest = max(slowest, time.monotonic() - began)
        done &= status == 201
    status, _, body = server.ask("GET", f"{SCIM}/Users?count=0")
    return slowest, done and json.loads(body)["totalResults"] == requests


def collectors_that_fail():
    collector = Collector()
    collector.waits.set()
    small = {"OTEL_BSP_MAX_QUEUE_SIZE": "32", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "16",
             "OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_EXPORTER_OTLP_TIMEOUT": "1500"}
    fails, again = "traces cannot be exported", "traces are exported again"
    with Server(OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, **small) as server:
        slowest, done = served(server)
        check("a collector that hangs slows nobody and loses nothing", slowest < 1 and done, slowest)
        check("what does not fit is left out, and the log says so",
              server.lines("SpanDroppingStarted"), server.log())
        time.sleep(4)
        check("the log says once that it fails", len(server.lines(fails)) == 1, server.lines(fails))
        collector.waits.clear()
        deadline = time.time() + 20
        while not server.lines(again) and time.time() < deadline:
            server.ask("GET", f"{SCIM}/Users")
            time.sleep(0.2)
        check("and once that it goes on", len(server.lines(again)) == 1, server.log())
        collector.waits.set()
        server.ask("GET", f"{SCIM}/Users")
        time.sleep(0.5)
        took, code = server.stop()
        check("nor does it keep the server from stopping", took < 5 and code == 0, (took, code))
    gone = f"http://127.0.0.1:{free_port()}"
    with Server(OTEL_EXPORTER_OTLP_ENDPOINT=gone, **small) as server:
        slowest, done = served(server)
        check("a collector that is gone slows nobody and loses nothing", slowest < 1 and done, slowest)
        time.sleep(2)
        check("and the log says so once", len(server.lines(fails)) == 1, server.lines("WARN"))
        took, code = server.stop()
        check("it keeps nobody either", took < 5 and code == 0, (took, code))


def settings():
    received, port, certificate = receiver(Path(tempfile.mkdtemp()), lambda *_: (200, b""))
    with Server(OTEL_EXPORTER_OTLP_ENDPOINT=f"https://localhost:{port}/",
                OTEL_EXPORTER_OTLP_CERTIFICATE=str(certificate),
                OTEL_EXPORTER_OTLP_COMPRESSION="gzip") as server:
        server.ask("GET", f"{SCIM}/Users")
        server.stop()
        sent = [decoded(gzip.decompress(body)) for headers, body in received
                if headers.get("content-encoding") == "gzip"]
        check("over TLS of an authority of one's own, compressed", sent, server.log())
    collector = Collector()
    for environment, warning in [
            ({}, None),
            ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, None),
            ({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "OTEL_SDK_DISABLED": "true"}, None),
            ({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "OTEL_TRACES_EXPORTER": "none"},
             None),
            ({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "OTEL_TRACES_SAMPLER": "always_off"},
             None),
            ({"OTEL_EXPORTER_OTLP_ENDPOINT": "no address"}, "no traces are exported"),
            ({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
              "OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere"}, "no traces are exported"),
    ]:
        with Server(**environment) as server:
            status, _, _ = server.ask("GET", f"{SCIM}/Users")
            server.stop()
            warnings = [json.loads(line)["message"] for line in server.lines('"level":"WARN"')]
            fits = warnings == [] if warning is None else warning in " ".join(warnings)
            check(f"{environment or 'nothing'} is heeded", status == 200 and fits, warnings)
    with Server(WITHOUT, OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint) as server:
        server.ask("GET", f"{SCIM}/Users")
        server.stop()
        warnings = server.lines("exports no traces")
        check("a build without the feature says that it exports none", len(warnings) == 1, warnings)
    check("and nobody was sent anything", not collector.bodies)


what_is_told()
the_end()
collectors_that_fail()
settings()
finish()
