"""What the checks of Tests/Python share."""

import json
import logging
import sys
import threading
import time
import traceback
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from langchain_core.runnables.utils import AddableDict
from langserve import RemoteRunnable

# Addresses of the gateway and of the mock behind it; set before any check runs.
GATEWAY = ""
MOCK = ""
CHECKS = []

# Everything that Python, SSE or JSON could take for a line's, an event's or a string's end.
NASTY = 'a\nb\rc\x85d\u2028e\u2029f"g\\h\U0001f600i\x0bj\x0ck\x1cl\x1dm\x1en\r\n\r\nevent: end\n\ndata: x'


def check(function):
    """Registers a check; its docstring is its name."""
    CHECKS.append(function)
    return function


def remote(route, **options):
    return RemoteRunnable(GATEWAY + route, **options)


def stats():
    with urllib.request.urlopen(MOCK + "/stats", timeout=10) as answer:
        return json.load(answer)


def until(condition, what):
    """Polls: other processes have no way to tell us."""
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError(f"never happened: {what}")


def raises(error, function):
    try:
        result = function()
    except error as failure:
        return failure
    raise AssertionError(f"no {error.__name__}, but {result!r}")


class Proxy:
    """Notes the headers of requests and refuses them: what was sent is what is asked."""

    def __enter__(self):
        self.seen = seen = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                seen.append((self.path, dict(self.headers)))
                self.send_response(503)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, *arguments):
        self.server.shutdown()
        self.server.server_close()


def plain(value):
    """What a value says, without the classes and the fields around it."""
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    return getattr(value, "content", value)


def total(chunks):
    """The sum of a stream's chunks."""
    chunks = [AddableDict(chunk) if isinstance(chunk, dict) else chunk for chunk in chunks]
    result = chunks[0]
    for chunk in chunks[1:]:
        result += chunk
    return result


def run_checks():
    """Runs all checks that were registered; the number of those that failed."""
    # The client logs events it does not understand instead of raising: a line of it is a failed check.
    complaints = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: complaints.append(record.getMessage())
    logging.getLogger("langserve").addHandler(handler)
    failed = 0
    for function in CHECKS:
        complaints.clear()
        try:
            function()
            assert not complaints, f"the client complains: {complaints}"
        except BaseException as failure:
            failed += 1
            print(f"FAILED  {function.__doc__}", flush=True)
            traceback.print_exception(failure, file=sys.stdout)
        else:
            print(f"ok      {function.__doc__}", flush=True)
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return failed
