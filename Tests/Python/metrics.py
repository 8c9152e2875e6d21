"""What `/metrics` says while requests run, read by Prometheus's own parsers.

usage: metrics.py GATEWAY_URL

The gateway is the one of remote_runnable.py. Prints one line for each check; exits 1 when one failed.
"""

import json
import sys
import threading
import traceback
import urllib.error
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_prometheus

GATEWAY = sys.argv[1]
# As Prometheus sends it.
OPENMETRICS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
OUTCOMES = {
    "ok", "client_gone", "client_error", "upstream_error", "timeout", "truncated", "rejected", "shutting_down",
    "internal_error",
}
REQUESTS = [
    ("/echo/invoke", {"input": "one"}), ("/echo/stream", {"input": "two"}), ("/echo/batch", {"inputs": ["a", "b"]}),
    ("/chat/stream_events", {"input": "three"}), ("/chain/invoke", {"input": {"text": "four"}}),
    ("/broken/stream", {"input": "five"}), ("/fails/invoke", {"input": "six"}), ("/nowhere/invoke", {"input": "seven"}),
    ("/echo/invoke", {"nothing": 1}), ("/no/such/route", {}),
]
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def post(path, body, request_id=None):
    headers = {"content-type": "application/json"}
    if request_id:
        headers["x-request-id"] = request_id
    request = urllib.request.Request(GATEWAY + path, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            answer.read()
    except (urllib.error.URLError, ConnectionError, OSError, ValueError):
        pass  # cut and refused answers are meant
    except Exception as failure:  # http.client's errors of cut bodies
        if "IncompleteRead" not in repr(failure):
            raise


def scrape(accept=None):
    request = urllib.request.Request(GATEWAY + "/metrics", headers={"accept": accept} if accept else {})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.headers["content-type"], answer.read().decode()


class Traffic:
    """Requests of every kind, as long as the block lasts."""

    def __enter__(self):
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(number,)) for number in range(4)]
        for thread in self.threads:
            thread.start()
        return self

    def run(self, number):
        while not self.stopped.is_set():
            for path, body in REQUESTS[number:] + REQUESTS[:number]:
                post(path, body, ['odd"\\id', "own-id", None, None][number])

    def __exit__(self, *arguments):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


def numbers(families):
    """Samples of counters and histograms, which may only grow."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        if family.type in ("counter", "histogram")
        for sample in family.samples
    }


def look_at(families):
    """What must hold for any text."""
    names = [family.name for family in families]
    assert len(set(names)) == len(names), "a metric twice"
    seen = set()
    for family in families:
        assert family.documentation and family.type in ("counter", "gauge", "histogram"), family.name
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in seen, f"twice: {key}"
            seen.add(key)
            if sample.name == "headgate_requests_total":
                assert sample.labels["outcome"] in OUTCOMES, sample
    # Buckets only rise, and the last has all.
    for family in families:
        if family.type != "histogram":
            continue
        last, totals = {}, {}
        for sample in family.samples:
            labels = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
            if sample.name.endswith("_bucket"):
                assert sample.value >= last.get(labels, 0), sample
                last[labels] = sample.value
            elif sample.name.endswith("_count"):
                totals[labels] = sample.value
        assert last == totals, family.name


@check
def prometheus():
    """the text format parses under traffic, and counters only grow"""
    with Traffic():
        before = {}
        for _ in range(20):
            kind, text = scrape()
            assert kind == "text/plain; version=0.0.4; charset=utf-8", kind
            families = list(read_prometheus(text))
            look_at(families)
            now = numbers(families)
            for key, value in before.items():
                assert now[key] >= value, f"{key} fell from {value} to {now[key]}"
            before = now


@check
def openmetrics():
    """OpenMetrics parses under traffic, with exemplars of requests"""
    exemplars = []
    with Traffic():
        for _ in range(20):
            kind, text = scrape(OPENMETRICS)
            assert kind == "application/openmetrics-text; version=1.0.0; charset=utf-8", kind
            assert text.endswith("# EOF\n")
            families = list(read_openmetrics(text))
            look_at(families)
            for family in families:
                exemplars += [sample.exemplar for sample in family.samples if sample.exemplar]
    labels = [exemplar.labels for exemplar in exemplars]
    assert labels and all(set(label) == {"request_id"} for label in labels), labels[:3]
    assert any(label["request_id"] == "own-id" for label in labels), "a caller's own id is missing"


@check
def same():
    """both formats have the same metrics"""
    plain = {family.name: family.type for family in read_prometheus(scrape()[1])}
    rich = {family.name: family.type for family in read_openmetrics(scrape(OPENMETRICS)[1])}
    assert plain == rich, set(plain.items()) ^ set(rich.items())


@check
def idle():
    """gauges are zero when nothing runs"""
    families = {family.name: family for family in read_prometheus(scrape()[1])}
    for name in ("headgate_requests_in_progress", "headgate_upstream_calls_in_progress",
                 "headgate_upstream_queued_requests", "headgate_pipeline_permits_held"):
        assert all(sample.value == 0 for sample in families[name].samples), families[name]


def main():
    failed = 0
    for function in CHECKS:
        try:
            function()
        except BaseException as failure:
            failed += 1
            print(f"FAILED  metrics: {function.__doc__}", flush=True)
            traceback.print_exception(failure, file=sys.stdout)
        else:
            print(f"ok      metrics: {function.__doc__}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
