"""Turns the rounds into a table: medians, ratios to nginx taken within a round, and targets beside the results."""

import statistics

PROXIES = ["headgate", "nginx", "haproxy"]


def median(values):
    """The median of the values that are there; None when none are."""
    there = [v for v in values if v is not None]
    return statistics.median(there) if there else None


def pick(result, path):
    """A value inside nested dictionaries, None where something is missing: pick(r, "latency_us.p99")."""
    for name in path.split("."):
        if result is None:
            return None
        result = result.get(name)
    return result


class Row:
    """One line of the table: a measure, its median for each proxy, the ratio to nginx, and the target."""

    def __init__(self, title, values, digits=1, ratios=None, target=None, limit=None, on_ratio=True):
        """`values` and `ratios` map a proxy to one number per round; `limit` bounds the ratio, or else the value."""
        self.title = title
        self.values = {name: median(numbers) for name, numbers in values.items()}
        self.digits = digits
        self.ratios = [r for r in (ratios or []) if r is not None]
        self.target = target
        own = median(self.ratios) if on_ratio else self.values.get("headgate")
        self.met = None if limit is None or own is None else own <= limit

    def cells(self) -> list:
        """The cells as text."""
        shown = [format_number(self.values.get(name), self.digits) for name in PROXIES]
        ratio = "–"
        if self.ratios:
            ratio = f"{median(self.ratios):.2f}"
            if len(self.ratios) > 1:
                ratio += f" ({min(self.ratios):.2f} to {max(self.ratios):.2f})"
        verdict = {None: "", True: "met", False: "**missed**"}[self.met]
        return [self.title, *shown, ratio, self.target or "", verdict]


def format_number(value, digits) -> str:
    """A number with thousands separated; a dash when there is none."""
    return "–" if value is None else f"{value:,.{digits}f}"


def per_round(rounds, scenario, path, proxy):
    """One number per round."""
    return [pick(r.get(scenario, {}).get(proxy), path) for r in rounds]


def ratios_to_nginx(own, nginx):
    """Round by round."""
    return [a / b if a is not None and b else None for a, b in zip(own, nginx)]


def simple_row(rounds, title, scenario, path, digits=1, scale=1.0, target=None, limit=None) -> Row:
    """A row straight from the results of a scenario."""
    values = {p: per_round(rounds, scenario, path, p) for p in PROXIES}
    ratios = ratios_to_nginx(values["headgate"], values["nginx"])
    scaled = {p: [None if v is None else v * scale for v in numbers] for p, numbers in values.items()}
    return Row(title, scaled, digits, ratios, target, limit)


def added_row(rounds, title, scenario, path, target=None, limit=None) -> Row:
    """A row of what each proxy adds to the direct connection in the same round."""
    direct = per_round(rounds, scenario, path, "direct")
    values = {}
    for proxy in PROXIES:
        numbers = per_round(rounds, scenario, path, proxy)
        values[proxy] = [a - b if a is not None and b is not None else None for a, b in zip(numbers, direct)]
    # Where nginx adds nothing measurable, a ratio to it says nothing.
    nginx = [v if v is not None and v > 0 else None for v in values["nginx"]]
    return Row(title, values, 0, ratios_to_nginx(values["headgate"], nginx), target, limit)


def round_rows(rounds) -> list:
    """The rows that come from the interleaved rounds, under their headings."""
    rows = ["JSON, 1 KB each way, 32 connections, saturated"]
    at = "saturated_json"
    rows.append(simple_row(rounds, "CPU µs per request", at, "cpu_us_per_request", target="ratio ≤ 1.2", limit=1.2))
    rows.append(simple_row(rounds, "requests per second", at, "per_second", 0))
    rows.append(simple_row(rounds, "latency p50, µs", at, "latency_us.p50", 0))
    rows.append(simple_row(rounds, "latency p99, µs", at, "latency_us.p99", 0))
    rows.append(simple_row(rounds, "its core busy, %", at, "core_busy", 0, scale=100))

    at = "steady_json"
    direct = [median(per_round(rounds, at, f"latency_us.{p}", "direct")) for p in ("p50", "p99")]
    shown = " and ".join(format_number(v, 0) for v in direct)
    rows.append(f"JSON at 1,000 requests a second (direct: p50 and p99 {shown} µs)")
    rows.append(simple_row(rounds, "CPU µs per request", at, "cpu_us_per_request"))
    rows.append(added_row(rounds, "added latency p50, µs", at, "latency_us.p50"))
    rows.append(added_row(rounds, "added latency p99, µs", at, "latency_us.p99", "ratio ≤ 1.5", 1.5))

    for at, how in [("streams_together", "one write per stream"), ("streams_fast", "one write per event")]:
        rows.append(f"Streams as fast as they come, 32 at a time, upstream sends {how}")
        target = "ratio ≤ 2.5"
        rows.append(simple_row(rounds, "CPU µs per event", at, "cpu_us_per_event", 2, target=target, limit=2.5))
        rows.append(simple_row(rounds, "events per second", at, "events_per_second", 0))
        rows.append(simple_row(rounds, "first token p50, µs", at, "first_token_us.p50", 0))
        rows.append(simple_row(rounds, "first token p99, µs", at, "first_token_us.p99", 0))
        rows.append(simple_row(rounds, "whole stream p50, µs", at, "latency_us.p50", 0))
        rows.append(simple_row(rounds, "whole stream p99, µs", at, "latency_us.p99", 0))
        rows.append(simple_row(rounds, "its core busy, %", at, "core_busy", 0, scale=100))

    at = "streams_paced"
    rows.append("Streams paced at 20 ms, 500 at a time")
    rows.append(simple_row(rounds, "CPU µs per event", at, "cpu_us_per_event", 2, target="ratio ≤ 1.2", limit=1.2))
    rows.append(simple_row(rounds, "first token p50, µs", at, "first_token_us.p50", 0))
    rows.append(simple_row(rounds, "first token p99, µs", at, "first_token_us.p99", 0))
    rows.append(added_row(rounds, "first token added p50, µs", at, "first_token_us.p50"))
    rows.append(added_row(rounds, "whole stream added p99, µs", at, "latency_us.p99"))
    return rows


def value_row(title, results, value, digits=1, target=None, limit=None) -> Row:
    """A row of a measurement made once per proxy; `value` takes a number out of its result."""
    values = {}
    for proxy, result in results.items():
        number = value(result) if result else None
        values[proxy] = [number]
    ratios = ratios_to_nginx(values.get("headgate", [None]), values.get("nginx", [None]))
    return Row(title, values, digits, ratios, target, limit, on_ratio=False)


def single_rows(data) -> list:
    """The rows outside the rounds: batch, memory, start, system calls."""
    rows = []
    batch = data.get("batch")
    if batch:
        rows.append("Batch of 1,000 over an upstream of 100 ms, max_concurrency 1,000")
        rows.append(value_row("one call, ms", {"headgate": batch}, lambda r: r["one"]))
        rows.append(value_row("first batch of a fresh process, ms", {"headgate": batch}, lambda r: r["cold"]))
        ratio = value_row(
            "in calls", {"headgate": batch}, lambda r: r["cold"] / r["one"], 2, "≤ 1.5", 1.5)
        rows.append(ratio)
        rows.append(value_row("batch with open connections, ms", {"headgate": batch}, lambda r: r["warm"]))
        rows.append(value_row("in calls", {"headgate": batch}, lambda r: r["warm"] / r["one"], 2, "≤ 1.5", 1.5))

    rows += pipeline_rows(data.get("pipelines", []))
    rows += telemetry_rows(data.get("telemetry", []))
    allocations = data.get("allocations")
    if allocations:
        rows.append("Allocations for each event of a stream")
        bare = allocations["bare-together"]
        for title, name in [("model alone", "bare"), ("prompt, model, string parser", "piped"),
                            ("parallel of one model with a string parser", "parallel")]:
            rows.append(value_row(title, {"headgate": allocations}, lambda r, n=name: r[f"{n}-together"], 2))
        rows.append(value_row("what prompt and parser add", {"headgate": allocations},
                              lambda r: r["piped-together"] - bare, 2, "≤ 1", 1))
        rows.append(value_row("what parallel and parser add", {"headgate": allocations},
                              lambda r: r["parallel-together"] - bare, 2, "≤ 2", 2))

    memory = data.get("memory", {})
    if memory:
        mib, kib = 2**20, 2**10
        rows.append("Resident memory, a token a second per stream")
        rows.append(value_row("idle, MiB", memory, lambda r: r["idle"] / mib, 1, "≤ 12", 12))
        for level in data["levels"]:
            def total(r, level=level):
                return r["levels"][level] / mib

            def each(r, level=level):
                return (r["levels"][level] - r["idle"]) / level / kib

            rows.append(value_row(f"{level:,} streams, MiB", memory, total))
            rows.append(value_row(f"{level:,} streams, KiB each", memory, each, 1, "≤ 12", 12))
        rows.append(value_row("after all clients left, MiB", memory, lambda r: r["after"] / mib))
        rows.append(value_row("after, in idle", memory, lambda r: r["after"] / r["idle"], 2, "≤ 1.2", 1.2))
        rows.append(value_row("upstream sees the last client leave, ms", memory, lambda r: r["close_seconds"] * 1e3, 0))

    ready = data.get("ready", {})
    if ready:
        rows.append("Start")
        rows.append(value_row("exec to ready, ms", ready, lambda r: median(r) * 1e3, 1, "≤ 50", 50))

    for connections, calls in data.get("system_calls", {}).items():
        rows.append(f"System calls per JSON request, {connections} connection{'s' if connections > 1 else ''}")
        rows.append(value_row("all", calls, lambda r: sum(r.values()), 2))
    return rows


def pipeline_rows(rounds) -> list:
    """What a pipeline costs beside its model alone; the ratios are to the gateway's own bare route, within a round."""
    if not rounds:
        return []

    def value(title, name, digits):
        return Row(title, {"headgate": [r[name] for r in rounds]}, digits, on_ratio=False)

    def ratio(title, over, under, target, limit):
        return Row(title, {"headgate": [r[over] / r[under] for r in rounds]}, 2, None, target, limit, on_ratio=False)

    rows = ["Pipelines beside the model alone"]
    rows.append(value("model alone, CPU µs per request", "bare", 1))
    rows.append(value("prompt, model, string parser, CPU µs per request", "piped", 1))
    rows.append(ratio("in model alone", "piped", "bare", "≤ 1.15", 1.15))
    rows.append(value("model alone, streamed, CPU µs per event", "bare-together", 2))
    rows.append(value("prompt, model, string parser, streamed, CPU µs per event", "piped-together", 2))
    rows.append(ratio("streamed, in model alone", "piped-together", "bare-together", None, None))
    rows.append(value("one call over 50 ms, ms", "fifty", 1))
    rows.append(value("parallel of 8 over 50 ms, ms", "eight", 1))
    rows.append(ratio("in one call", "eight", "fifty", "≤ 1.2", 1.2))
    return rows


def telemetry_rows(rounds) -> list:
    """What telemetry costs; the ratios are to the gateway without it, within a round."""
    if not rounds:
        return []

    def value(title, name, digits=1, scale=1.0):
        return Row(title, {"headgate": [r[name] * scale for r in rounds]}, digits, on_ratio=False)

    def ratio(title, over, under, target=None, limit=None):
        return Row(title, {"headgate": [r[over] / r[under] for r in rounds]}, 3, None, target, limit, on_ratio=False)

    rows = ["Telemetry"]
    for ending, title in (("", "JSON"), ("-together", "stream")):
        rows.append(value(f"{title}, off, CPU µs per request", f"off{ending}"))
        rows.append(value(f"{title}, everything on, CPU µs per request", f"all{ending}"))
        rows.append(ratio(f"{title}, metrics alone, in off", f"metrics{ending}", f"off{ending}"))
        rows.append(ratio(f"{title}, everything, in off", f"all{ending}", f"off{ending}", "≤ 1.08", 1.08))
    rows.append(value("p99 at 1,000 a second, everything on, µs", "quiet_p99", 0))
    rows.append(value("p99 with a scrape each second, µs", "scraped_p99", 0))
    rows.append(ratio("in that without", "scraped_p99", "quiet_p99", "≤ 1.1", 1.1))
    rows.append(value("longest scrape, ms", "scrape", 1, 1e3))
    return rows


def tables(rows) -> str:
    """The rows as Markdown tables that also read well as text: one under each heading, all of the same widths."""
    header = ["", *PROXIES, "headgate / nginx", "target", ""]
    cells = [header] + [row.cells() for row in rows if isinstance(row, Row)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(header))]

    def line(texts):
        parts = [t.rjust(widths[i]) if 0 < i < 5 else t.ljust(widths[i]) for i, t in enumerate(texts)]
        return "| " + " | ".join(parts) + " |"

    rule = line(["-" * (w - 1) + ":" if 0 < i < 5 else "-" * w for i, w in enumerate(widths)])
    text = []
    for row in rows:
        if isinstance(row, Row):
            text.append(line(row.cells()))
        else:
            text += ["", f"### {row}", "", line(header), rule]
    return "\n".join(text).strip()


def system_call_list(data) -> str:
    """Which system calls a request makes, the frequent ones first."""
    lines = []
    for connections, calls in data.get("system_calls", {}).items():
        for proxy in PROXIES:
            if calls.get(proxy):
                named = sorted(calls[proxy].items(), key=lambda item: -item[1])
                shown = ", ".join(f"{name} {count:.2f}" for name, count in named if count >= 0.01)
                lines.append(f"- {proxy}, {connections} connection{'s' if connections > 1 else ''}: {shown}")
    return "\n".join(lines)


def document(data) -> str:
    """The whole of RESULTS.md."""
    rows = round_rows(data["rounds"]) + single_rows(data)
    missed, heading = [], ""
    for row in rows:
        if isinstance(row, str):
            heading = row
        elif row.met is False:
            missed.append(f"{row.title} ({heading})")
    verdict = "Every target is met." if not missed else f"Targets missed: {'; '.join(missed)}."
    if "headgate" not in data["versions"]:
        verdict = "The gateway was not part of this run."
    calls = system_call_list(data) or "Not counted: strace is missing or may not trace here."
    busy = f"{data['load_before']:.2f} before the run, {data['load_after']:.2f} after it"
    return f"""# Benchmark results

Made by `script/bench`{' --quick' if data['quick'] else ''} on {data['date']}, {data['commit']}. [README.md](README.md) says how to read it.

- Machine: {data['machine']}; load average {busy}.
- Measured: {', '.join(data['versions'].values())}.
- Method: {len(data['rounds'])} interleaved round(s); the proxy alone on core {data['cores'][0]} with one worker, load generator and
  upstream on core {data['cores'][1]}. Values are medians over the rounds; ratios are taken within a round, their median stands
  beside their range. An event is an SSE event of the upstream (64 tokens, finish, usage, `[DONE]`), for all proxies alike.
- {verdict}

{tables(rows)}

### Which system calls these are

{calls}
"""
