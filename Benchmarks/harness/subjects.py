"""The proxies that are measured, and the upstream behind them: how each is started, spoken to and stopped."""

import json
import subprocess
import time
from pathlib import Path

from . import machine
from .machine import BenchError

BENCHMARKS = Path(__file__).resolve().parent.parent

# About 1 KB of request, the answer's size too (see upstream.c).
PROMPT = " ".join(f"lorem{i}" for i in range(200))[:920]
TOKENS = 64
# What a stream brings from the upstream: the tokens, the finish reason, the usage and [DONE].
EVENTS = TOKENS + 3
BATCH = 1000
# Settings of the gateway's configuration by what is switched on; where it is compared with others, nothing is. What another kind of
# telemetry needs goes into each of these.
TELEMETRY = {
    "off": "log: {access: false}\nmetrics: {enabled: false}",
    "metrics": "log: {access: false}\nmetrics: {enabled: true}",
    # The upstream takes spans too, as it answers whatever is posted.
    "all": "log: {access: true}\nmetrics: {enabled: true}\n"
    'tracing: {endpoint: "http://127.0.0.1:{{UPSTREAM}}", sample: 0.01, sampling: ratio}',
}


class Bench:
    """What all parts share: cores, a temporary directory with the compiled tools and the bodies, the upstream."""

    def __init__(self, directory: Path, core: int, load_core: int):
        self.directory = directory
        self.core = core
        self.load_core = load_core
        self.upstream = None
        self.upstream_port = 0
        for name in ("loadgen", "upstream"):
            self._compile(name)
        self._compile("alloccount", "alloccount.so", "-shared", "-fPIC")
        self._write_bodies()

    def _compile(self, name: str, output: str = "", *options: str) -> None:
        source = BENCHMARKS / f"{name}.c"
        for compiler in ("clang", "gcc", "cc"):
            try:
                subprocess.run([compiler, "-O2", *options, "-o", self.directory / (output or name), source], check=True)
                return
            except FileNotFoundError:
                continue
        raise BenchError("no C compiler: install clang or gcc")

    def _write_bodies(self) -> None:
        chat = {"model": "bench", "messages": [{"role": "user", "content": PROMPT}]}
        bodies = {
            "chat": chat,
            "chat-stream": chat | {"stream": True, "stream_options": {"include_usage": True}},
            "invoke": {"input": PROMPT},
            "piped": {"input": {"text": PROMPT}},
            "one": {"input": "Say something about item 0."},
            "batch": {
                "inputs": [f"Say something about item {i}." for i in range(BATCH)],
                "config": {"max_concurrency": BATCH},
            },
        }
        for name, value in bodies.items():
            self.body(name).write_text(json.dumps(value))

    def body(self, name: str) -> Path:
        """The file with the request body of that name."""
        return self.directory / f"{name}.json"

    def start_upstream(self, lifetime: int) -> None:
        """Starts the upstream beside the load generator; it ends by itself after `lifetime` seconds at the latest."""
        command = [self.directory / "upstream", "--lifetime", lifetime]
        self.upstream = machine.spawn(command, self.load_core, stdout=subprocess.PIPE, text=True)
        words = self.upstream.stdout.readline().split()
        if len(words) != 2 or words[0] != "listening":
            raise BenchError("the upstream did not start")
        self.upstream_port = int(words[1])

    def stop(self) -> None:
        """Stops the upstream."""
        if self.upstream:
            machine.stop(self.upstream)
            self.upstream = None


class Target:
    """Where a scenario sends its requests, and how its answers must look."""

    def __init__(self, path: str, body: str, mark: str, marks: int, last: str | None = None):
        self.path = path
        self.body = body
        self.mark = mark
        self.marks = marks
        self.last = last


class Direct:
    """No proxy at all: the load generator speaks to the upstream. What the others add is measured against it."""

    name = "direct"
    prefixes = {"json": "", "together": "/coalesce-1", "fast": "", "paced": "/pace-20"}

    def __init__(self, bench: Bench):
        self.bench = bench
        self.port = bench.upstream_port

    def pids(self) -> list:
        """Nothing to account for."""
        return []

    def target(self, scenario: str) -> Target:
        """The chat completion for a scenario; paths select the upstream's behaviour."""
        if scenario == "json":
            return Target("/v1/chat/completions", "chat", "word0 ", 1)
        path = f"/stream{self.prefixes[scenario]}/v1/chat/completions"
        return Target(path, "chat-stream", " word", TOKENS, "data: [DONE]")


class Proxy(Direct):
    """A process between the load generator and the upstream. Subclasses give the command."""

    prefixes = Direct.prefixes | {"slow": "/pace-1000/tokens-1000000"}
    template = ""

    def __init__(self, bench: Bench):
        super().__init__(bench)
        self.process = None
        self.port = machine.free_port()
        self.directory = bench.directory / self.name
        self.directory.mkdir(exist_ok=True)
        self.config = self.directory / self.template.removesuffix(".in")
        self.telemetry = "off"
        # None for this process's own.
        self.environment = None

    def command(self) -> list:
        """The command line that runs the proxy in the foreground."""
        raise NotImplementedError

    def version(self) -> str:
        """Name and version for the report."""
        raise NotImplementedError

    def pids(self) -> list:
        """All processes of the proxy."""
        return machine.family(self.process.pid)

    def start(self) -> float:
        """Starts the proxy on a free port of its own; returns the seconds from exec to the first 200 of /ready."""
        self.port = machine.free_port()
        text = (BENCHMARKS / self.template).read_text()
        descriptors = machine.raise_descriptor_limit()
        values = {
            "TELEMETRY": TELEMETRY[self.telemetry],  # may name the others
            "DIR": self.directory,
            "PORT": self.port,
            "UPSTREAM": self.bench.upstream_port,
            "DESCRIPTORS": descriptors,
            "CONNECTIONS": (descriptors - 100) // 2,
        }
        for name, value in values.items():
            text = text.replace("{{" + name + "}}", str(value))
        self.config.write_text(text)
        with open(self.directory / "output.log", "ab") as log:
            self.process = machine.spawn(
                self.command(), self.bench.core, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment
            )
        # Popen returns when the child's exec has succeeded.
        began = time.monotonic()
        try:
            machine.wait_until_ready(self.process, self.port)
        except BenchError as error:
            self.stop()
            raise BenchError(f"{error}\n{self.log_tail()}") from None
        return time.monotonic() - began

    def log_tail(self) -> str:
        """The end of what the proxy has written."""
        return (self.directory / "output.log").read_text(errors="replace")[-2000:]

    def stop(self) -> None:
        """Stops the proxy."""
        if self.process:
            machine.stop(self.process)
            self.process = None


class Nginx(Proxy):
    name = "nginx"
    template = "nginx.conf.in"

    def command(self) -> list:
        return ["nginx", "-e", self.directory / "nginx-error.log", "-c", self.config]

    def version(self) -> str:
        output = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True)
        return output.stderr.strip().split(": ")[1].replace("/", " ")


class HAProxy(Proxy):
    name = "haproxy"
    template = "haproxy.cfg.in"

    def command(self) -> list:
        return ["haproxy", "-db", "-f", self.config]

    def version(self) -> str:
        output = subprocess.run(["haproxy", "-v"], capture_output=True, text=True, check=True)
        return "HAProxy " + output.stdout.split()[2]


class Headgate(Proxy):
    name = "headgate"
    template = "headgate.yaml.in"
    prefixes = {"together": "/together", "fast": "", "paced": "/paced", "slow": "/slow"}

    def __init__(self, bench: Bench, executable: Path):
        super().__init__(bench)
        self.executable = executable

    def command(self) -> list:
        return [self.executable, "serve", "--config", self.config]

    def version(self) -> str:
        output = subprocess.run([self.executable, "version"], capture_output=True, text=True, check=True)
        return output.stdout.strip().splitlines()[0]

    def target(self, scenario: str) -> Target:
        """The LangServe endpoint for a scenario, on the route whose backend asks the upstream for that behaviour."""
        if scenario == "json":
            return Target("/invoke", "invoke", "word0 ", 1)
        if scenario in ("bare", "piped"):
            return Target(f"/{scenario}/invoke", "invoke" if scenario == "bare" else "piped", "word0 ", 1)
        if scenario in ("bare-together", "piped-together", "parallel-together"):
            body = "piped" if scenario == "piped-together" else "invoke"
            return Target(f"/{scenario}/stream", body, " word", TOKENS, "event: end")
        if scenario in ("fifty", "eight"):
            return Target(f"/{scenario}/invoke", "one", "word0 ", 8 if scenario == "eight" else 1)
        if scenario == "one":
            return Target("/delayed/invoke", "one", "word0 ", 1)
        if scenario == "batch":
            return Target("/delayed/batch", "batch", "word0 ", BATCH)
        return Target(f"{self.prefixes[scenario]}/stream", "invoke", " word", TOKENS, "event: end")
