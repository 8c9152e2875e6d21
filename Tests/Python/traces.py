"""Spans of a running gateway, read as OpenTelemetry's own definitions have them.

usage: traces.py HEADGATE MOCK_URL

Starts a collector and `HEADGATE serve`, with the `headgate mock` at MOCK_URL behind it, and reads what the collector was sent into
the messages of opentelemetry-proto: fields that do not exist there, or have other types, fail.

Prints one line for each check, then `N passed, N failed`; exits 1 when any failed.
"""

import base64
import json
import re
import subprocess
import sys
import tempfile
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import support
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from support import check

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
BODIES = []
SPANS = []
RESOURCES = []
REPLIES = {}


class Collector(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        BODIES.append((self.path, self.headers["content-type"], body))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments):
        pass


def in_base64(value):
    """OTLP writes ids in hexadecimal where JSON of protobuf has base64."""
    if isinstance(value, list):
        return [in_base64(element) for element in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, member in value.items():
        if key in ("traceId", "spanId", "parentSpanId"):
            assert re.fullmatch("[0-9a-f]+", member), member
            result[key] = base64.b64encode(bytes.fromhex(member)).decode()
        else:
            result[key] = in_base64(member)
    return result


def parsed(body):
    return Parse(json.dumps(in_base64(json.loads(body))), ExportTraceServiceRequest(), ignore_unknown_fields=False)


def attributes(holder):
    found = {}
    for attribute in holder.attributes:
        assert attribute.key not in found, attribute.key
        found[attribute.key] = getattr(attribute.value, attribute.value.WhichOneof("value"))
    return found


def spans_of(name):
    """The spans of the trace that a request began or joined."""
    trace = REPLIES[name].split("-")[1]
    spans = [span for span in SPANS if span.trace_id.hex() == trace]
    assert spans, f"no spans of {name}"
    return spans


def of_kind(spans, kind):
    return [span for span in spans if span.kind == kind]


@check
def requests():
    """every request to the collector is a valid ExportTraceServiceRequest"""
    assert BODIES
    for path, kind, body in BODIES:
        assert path == "/v1/traces" and kind == "application/json"
        parsed(body)


@check
def resource():
    """the resource names service, version and instance"""
    for resource in RESOURCES:
        found = attributes(resource)
        assert found["service.name"] == "headgate" and found["service.version"] and found["host.name"]
        assert len(found["service.instance.id"]) == 36
        assert found["team"] == "a b", found
        assert isinstance(found["process.pid"], int)
    assert len({resource.SerializeToString() for resource in RESOURCES}) == 1


@check
def shape():
    """ids are whole and unique, parents exist, times are in order and inside their parents'"""
    by_id = {}
    for span in SPANS:
        assert len(span.trace_id) == 16 and len(span.span_id) == 8 and len(span.parent_span_id) in (0, 8)
        assert span.span_id not in by_id
        by_id[span.span_id] = span
        assert 1_700_000_000_000_000_000 < span.start_time_unix_nano <= span.end_time_unix_nano
        assert attributes(span)["headgate.request.id"]
        for event in span.events:
            assert span.start_time_unix_nano <= event.time_unix_nano <= span.end_time_unix_nano, event.name
    for span in SPANS:
        if span.kind == Span.SPAN_KIND_SERVER:
            assert not span.parent_span_id or span.parent_span_id.hex() == PARENT
            assert bool(span.flags & 0x200) == bool(span.parent_span_id)
        else:
            parent = by_id[span.parent_span_id]
            assert parent.trace_id == span.trace_id
            assert parent.start_time_unix_nano <= span.start_time_unix_nano, span.name
            assert span.end_time_unix_nano <= parent.end_time_unix_nano, span.name
        assert span.flags & 0x101 == 0x101


@check
def stream():
    """a stream that joins a trace has a server's span, a call's with gen_ai attributes, and those of its parts"""
    spans = spans_of("stream")
    (server,) = of_kind(spans, Span.SPAN_KIND_SERVER)
    assert server.name == "POST /chat/stream" and server.trace_id.hex() == TRACE and server.parent_span_id.hex() == PARENT
    assert server.trace_state == "a=1"
    (client,) = of_kind(spans, Span.SPAN_KIND_CLIENT)
    found = attributes(client)
    assert client.name == "chat m"
    assert found["gen_ai.operation.name"] == "chat" and found["gen_ai.provider.name"] == "openai"
    assert [reason.string_value for reason in found["gen_ai.response.finish_reasons"].values] == ["stop"]
    assert found["gen_ai.usage.output_tokens"] == 4 and found["gen_ai.request.stream"] is True
    assert found["gen_ai.response.time_to_first_chunk"] > 0 and isinstance(found["server.port"], int)
    names = {span.name for span in of_kind(spans, Span.SPAN_KIND_INTERNAL)}
    assert {"first token", "stream"} <= names, names


@check
def upstream():
    """the upstream was told the span of its call"""
    trace, span, flags = REPLIES["told"].split("-")[1:]
    (client,) = of_kind(spans_of("last"), Span.SPAN_KIND_CLIENT)
    assert (trace, span) == (client.trace_id.hex(), client.span_id.hex()) and flags == "03"


@check
def batch():
    """items of a batch and branches of a pipeline are calls below the request"""
    for name, count in [("batch", 3), ("both", 2)]:
        spans = spans_of(name)
        (server,) = of_kind(spans, Span.SPAN_KIND_SERVER)
        calls = of_kind(spans, Span.SPAN_KIND_CLIENT)
        assert len(calls) == count and all(call.parent_span_id == server.span_id for call in calls)


@check
def failure():
    """a failure is an error with a type"""
    spans = spans_of("fails")
    for span in spans:
        if span.kind != Span.SPAN_KIND_INTERNAL:
            assert span.status.code == Status.STATUS_CODE_ERROR
            assert attributes(span)["error.type"] == "upstream_5xx"
    for span in SPANS:
        if span not in spans:
            assert span.status.code == Status.STATUS_CODE_UNSET


def post(name, url, body, **fields):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json", **fields})
    try:
        answer = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as failed:
        answer = failed
    with answer:
        answer.read()
        REPLIES[name] = answer.headers["traceresponse"]


def configuration(collector, mock):
    return f"""
listen: 127.0.0.1:0
log: {{format: text}}
tracing: {{endpoint: "http://127.0.0.1:{collector}", sample: 1, interval: 50ms, attributes: {{team: "a b"}}}}
backends:
  up: {{dialect: openai, url: "{mock}/v1", headers: {{X-Mock: "reply=words,tokens=4,ttft=2ms,interval=1ms"}}}}
  fails: {{dialect: openai, url: "{mock}/v1", headers: {{X-Mock: "status=500"}}}}
models: {{m: {{backend: up}}, fails: {{backend: fails}}}}
routes:
  /chat: {{model: m}}
  /fails: {{model: fails}}
  /both: {{pipeline: [{{parallel: {{a: {{model: m}}, b: {{model: m}}}}}}]}}
"""


def drive(gateway):
    post(
        "stream", gateway + "/chat/stream", {"input": "hi"}, traceparent=f"00-{TRACE}-{PARENT}-01", tracestate="a=1"
    )
    post("batch", gateway + "/chat/batch", {"inputs": ["a", "b", "c"]})
    post("both", gateway + "/both/invoke", {"input": "hi"})
    post("fails", gateway + "/fails/invoke", {"input": "hi"})
    post("last", gateway + "/chat/invoke", {"input": "hi"})
    REPLIES["told"] = support.stats()["traceparent"]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    headgate, support.MOCK = sys.argv[1], sys.argv[2].rstrip("/")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(configuration(server.server_port, support.MOCK))
        file.flush()
        with subprocess.Popen([headgate, "serve", "--config", file.name], stderr=subprocess.PIPE, text=True) as process:
            try:
                for line in process.stderr:
                    if listening := re.search(r"listening.*?(127\.0\.0\.1:\d+)", line):
                        break
                threading.Thread(target=process.stderr.read, daemon=True).start()
                drive("http://" + listening[1])
            finally:
                # What waits is sent before it ends.
                process.terminate()
    assert process.returncode == 0, process.returncode
    for _, _, body in BODIES:
        for group in parsed(body).resource_spans:
            RESOURCES.append(group.resource)
            for scope in group.scope_spans:
                assert scope.scope.name == "headgate"
                SPANS.extend(scope.spans)
    sys.exit(1 if support.run_checks() else 0)


main()
