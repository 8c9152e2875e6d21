"""What is measured. Every function runs one scenario once against one subject and returns plain numbers."""

import contextlib
import json
import os
import signal
import statistics
import subprocess
import threading
import time
import urllib.request

from . import machine
from .machine import BenchError
from .subjects import EVENTS, TELEMETRY, Bench, Direct, Proxy

TIMEOUT = 90


class Sizes:
    """How much of everything; `quick` is for trying things out."""

    def __init__(self, quick: bool):
        self.warm = 3_000
        self.json = 20_000 if quick else 60_000
        self.open = 3_000 if quick else 5_000
        self.together = 8_000 if quick else 20_000
        self.fast = 2_000 if quick else 4_000
        self.paced = 1_000 if quick else 1_500
        self.starts = 3 if quick else 7
        self.traced = 2_000
        self.scrapes = 1 if quick else 2
        self.levels = [1_000, 5_000, 9_000]


def load_command(bench: Bench, subject: Direct, scenario: str, mode: str, **options) -> list:
    """The load generator's command line, with the checks that the scenario's answers must pass."""
    target = subject.target(scenario)
    command = [bench.directory / "loadgen", mode, "--to", f"127.0.0.1:{subject.port}", "--path", target.path]
    command += ["--body", bench.body(target.body), "--mark", target.mark, "--timeout", TIMEOUT]
    if mode != "hold":
        command += ["--marks", target.marks]
        if target.last:
            command += ["--last", target.last]
    for name, value in options.items():
        command += [f"--{name}", value]
    return command


def load(bench: Bench, subject: Direct, scenario: str, mode: str, **options) -> dict:
    """Runs the load generator and adds what the run cost: CPU of the subject, and how busy both cores were."""
    command = load_command(bench, subject, scenario, mode, **options)
    pids = subject.pids()
    cores = {"core_busy": bench.core, "load_core_busy": bench.load_core}
    ticks = {name: machine.core_times(core) for name, core in cores.items()}
    before = machine.cpu_seconds(pids)
    process = machine.spawn(command, bench.load_core, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        output, errors = process.communicate(timeout=TIMEOUT + 10)
    finally:
        machine.stop(process)
    cpu = machine.cpu_seconds(pids) - before
    if process.returncode != 0:
        raise BenchError(f"{subject.name}, {scenario}: {errors.strip()}")
    result = json.loads(output)
    result["cpu_us_per_request"] = cpu / result["requests"] * 1e6
    for name, core in cores.items():
        busy, total = (now - then for now, then in zip(machine.core_times(core), ticks[name]))
        result[name] = busy / total if total else 0.0
    return result


def warm_up(bench: Bench, subject: Direct, sizes: Sizes) -> None:
    """Fills pools and caches; nothing is kept of it."""
    load(bench, subject, "json", "closed", connections=32, requests=sizes.warm)
    load(bench, subject, "together", "closed", connections=32, requests=320)


def saturated_json(bench: Bench, subject: Direct, sizes: Sizes) -> dict:
    """Completions of about 1 KB each way over 32 connections, as fast as the subject goes."""
    return load(bench, subject, "json", "closed", connections=32, requests=sizes.json)


def steady_json(bench: Bench, subject: Direct, sizes: Sizes) -> dict:
    """The same at 1,000 requests a second, whatever the subject does; latency counts from the intended send time."""
    return load(bench, subject, "json", "open", connections=32, requests=sizes.open, rate=1000)


def _per_event(result: dict) -> dict:
    result["cpu_us_per_event"] = result["cpu_us_per_request"] / EVENTS
    result["events_per_second"] = result["per_second"] * EVENTS
    return result


def streams_together(bench: Bench, subject: Direct, sizes: Sizes) -> dict:
    """Streams as fast as they come, 32 at a time; the upstream sends all events of a stream in one write."""
    return _per_event(load(bench, subject, "together", "closed", connections=32, requests=sizes.together))


def streams_fast(bench: Bench, subject: Direct, sizes: Sizes) -> dict:
    """Streams as fast as they come, 32 at a time; the upstream sends each event in a write of its own."""
    return _per_event(load(bench, subject, "fast", "closed", connections=32, requests=sizes.fast))


def streams_paced(bench: Bench, subject: Direct, sizes: Sizes) -> dict:
    """500 streams at a time with a token each 20 ms, started over a second so that their tokens interleave."""
    return _per_event(load(bench, subject, "paced", "closed", connections=500, requests=sizes.paced, ramp=1000))


ROUND = {
    "saturated_json": saturated_json,
    "steady_json": steady_json,
    "streams_together": streams_together,
    "streams_fast": streams_fast,
    "streams_paced": streams_paced,
}
# Those which the direct connection runs too, for what a proxy adds.
WITH_DIRECT = {"steady_json", "streams_paced"}


def time_to_ready(subject: Proxy, sizes: Sizes) -> list:
    """Seconds from exec to the first 200 of GET /ready, several starts in a row."""
    times = []
    for _ in range(sizes.starts):
        times.append(subject.start())
        subject.stop()
    return times


def upstream_stats(bench: Bench) -> dict:
    """The upstream's own counters."""
    with urllib.request.urlopen(f"http://127.0.0.1:{bench.upstream_port}/stats", timeout=5) as answer:
        return json.load(answer)


def memory(bench: Bench, subject: Proxy, sizes: Sizes) -> dict:
    """Resident memory of a fresh process: idle, with streams of a token a second, and after their clients have left."""
    subject.start()
    holder = None
    try:
        time.sleep(1)
        pids = subject.pids()
        result = {"idle": machine.resident_bytes(pids), "levels": {}}
        levels = ",".join(map(str, sizes.levels))
        command = load_command(bench, subject, "slow", "hold", levels=levels, rate=2500)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        holder = machine.spawn(command, bench.load_core, text=True, **pipes)
        for level in sizes.levels:
            line = holder.stdout.readline()
            if not line or json.loads(line)["level"] != level:
                raise BenchError(f"{subject.name}, {level} slow streams: {holder.communicate()[1].strip()}")
            time.sleep(3)  # several tokens for each stream
            result["levels"][level] = machine.resident_bytes(pids)
            holder.stdin.write("\n")
            holder.stdin.flush()
        output, errors = holder.communicate(timeout=30)
        if holder.returncode != 0:
            raise BenchError(f"{subject.name}, slow streams: {errors.strip()}")
        result["held"] = json.loads(output.splitlines()[-1])
        result["close_seconds"] = _wait_for_no_streams(bench, subject)
        time.sleep(3)
        result["after"] = machine.resident_bytes(pids)
        return result
    finally:
        if holder:
            machine.stop(holder)
        subject.stop()


def _wait_for_no_streams(bench: Bench, subject: Proxy) -> float:
    """Seconds until the upstream has seen the end of every stream whose client has left."""
    began = time.monotonic()
    while upstream_stats(bench)["streams_open"] > 0:
        if time.monotonic() - began > 20:
            raise BenchError(f"{subject.name}: upstream streams are still open 20 s after their clients left")
        time.sleep(0.05)
    return time.monotonic() - began


def batch(bench: Bench, subject: Proxy, sizes: Sizes) -> dict:
    """One call over an upstream that takes 100 ms, then batches of 1,000: the first finds no connection open."""
    subject.start()
    try:
        one = load(bench, subject, "one", "closed", connections=1, requests=10)
        cold = load(bench, subject, "batch", "closed", connections=1, requests=1)
        warm = load(bench, subject, "batch", "closed", connections=1, requests=3)
    finally:
        subject.stop()
    milliseconds = {"one": one, "cold": cold, "warm": warm}
    return {name: run["latency_us"]["p50"] / 1e3 for name, run in milliseconds.items()}


def pipelines(bench: Bench, subject: Proxy, sizes: Sizes, rounds: int) -> list:
    """What prompt, model and string parser cost beside the model alone, and eight calls in parallel beside one; one result per round, and
    who is first changes with each."""
    results = []
    subject.start()
    try:
        warm_up(bench, subject, sizes)
        for number in range(rounds):
            result = {}
            pair = ["bare", "piped"][:: 1 if number % 2 else -1]
            for name in pair:
                run = load(bench, subject, name, "closed", connections=32, requests=sizes.json)
                result[name] = run["cpu_us_per_request"]
            for name in pair:
                run = load(bench, subject, f"{name}-together", "closed", connections=32, requests=sizes.together)
                result[f"{name}-together"] = run["cpu_us_per_request"] / EVENTS
            for name in ("fifty", "eight"):
                run = load(bench, subject, name, "closed", connections=1, requests=20)
                result[name] = run["latency_us"]["p50"] / 1e3
            results.append(result)
    finally:
        subject.stop()
    return results


def allocations(bench: Bench, subject: Proxy, sizes: Sizes) -> dict:
    """Allocations of the gateway for each event of a stream, by route: a malloc counter is preloaded into it."""
    counter = bench.directory / "allocations"
    counter.unlink(missing_ok=True)
    preload = bench.directory / "alloccount.so"
    subject.environment = os.environ | {"ALLOCATIONS": str(counter), "LD_PRELOAD": str(preload)}
    subject.start()
    try:
        result = {}
        for name in ("bare-together", "piped-together", "parallel-together"):
            load(bench, subject, name, "closed", connections=8, requests=200)
            before = int.from_bytes(counter.read_bytes(), "little")
            load(bench, subject, name, "closed", connections=8, requests=1000)
            result[name] = (int.from_bytes(counter.read_bytes(), "little") - before) / 1000 / EVENTS
        return result
    finally:
        subject.stop()
        subject.environment = None


def telemetry(bench: Bench, subject: Proxy, sizes: Sizes, rounds: int) -> list:
    """What telemetry costs: CPU with each of its settings, in processes of their own, one result per round; which one is first changes
    with each. Then the p99 of a steady load with everything on, alone and while somebody scrapes once a second."""
    results = []
    for number in range(rounds):
        result = {}
        kinds = list(TELEMETRY)
        shift = number % len(kinds)
        for kind in kinds[shift:] + kinds[:shift]:
            subject.telemetry = kind
            subject.start()
            try:
                warm_up(bench, subject, sizes)
                result[kind] = saturated_json(bench, subject, sizes)["cpu_us_per_request"]
                result[f"{kind}-together"] = streams_together(bench, subject, sizes)["cpu_us_per_request"]
                if kind == "all":
                    result |= _scraped(bench, subject, sizes)
            finally:
                subject.stop()
                subject.telemetry = "off"
        results.append(result)
    return results


def _scraped(bench: Bench, subject: Proxy, sizes: Sizes) -> dict:
    """p99 at 1,000 requests a second, without and with scrapes, each the median of runs in turns; and how long the longest scrape took."""
    times = []
    p99 = {False: [], True: []}
    for is_scraped in [False, True, True, False] * sizes.scrapes:
        with _scrapes(subject, times) if is_scraped else contextlib.nullcontext():
            p99[is_scraped].append(steady_json(bench, subject, sizes)["latency_us"]["p99"])
    if not times:
        raise BenchError("nothing was scraped")
    return {
        "quiet_p99": statistics.median(p99[False]),
        "scraped_p99": statistics.median(p99[True]),
        "scrape": max(times),
    }


@contextlib.contextmanager
def _scrapes(subject: Proxy, times: list):
    """Asks for the metrics once a second meanwhile, and notes how long each answer took."""
    ended = threading.Event()

    def scrape():
        while not ended.wait(1):
            began = time.monotonic()
            with urllib.request.urlopen(f"http://127.0.0.1:{subject.port}/metrics", timeout=5) as answer:
                answer.read()
            times.append(time.monotonic() - began)

    scraper = threading.Thread(target=scrape)
    scraper.start()
    try:
        yield
    finally:
        ended.set()
        scraper.join()


def system_calls(bench: Bench, subject: Proxy, sizes: Sizes, connections: int) -> dict:
    """System calls per JSON request, by name, counted by strace; None where tracing is not possible."""
    report = bench.directory / "strace.txt"
    report.unlink(missing_ok=True)
    command = ["strace", "-c", "-f", "-o", report]
    pids = subject.pids()
    for pid in pids:
        command += ["-p", pid]
    try:
        tracer = machine.spawn(command, bench.load_core, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError:
        return None
    try:
        attached = 0
        while attached < len(pids):
            line = tracer.stderr.readline()
            if not line:
                return None  # not allowed here, as in many containers
            attached += "attached" in line
        load(bench, subject, "json", "closed", connections=connections, requests=sizes.traced)
        os.kill(tracer.pid, signal.SIGINT)
        tracer.communicate(timeout=10)
    finally:
        machine.stop(tracer)
    counts = {}
    for line in report.read_text().splitlines():
        fields = line.split()
        # "% time, seconds, usecs/call, calls, [errors,] syscall"
        if len(fields) >= 5 and fields[3].isdigit() and fields[-1] != "total":
            counts[fields[-1]] = int(fields[3]) / sizes.traced
    return counts
