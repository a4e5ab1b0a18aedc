"""The measurements of bench/run: each starts programs and returns numbers."""

import contextlib
import glob
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(HERE)
TICK = os.sysconf("SC_CLK_TCK")
INVOKE = "/v1/functions/default/hello/invoke"


class Failed(Exception):
    """A program did not do what it is for."""


def run(command, timeout=120, **options):
    """Standard output of a command that must succeed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=timeout, check=False, **options)
    except (OSError, subprocess.TimeoutExpired) as e:
        raise Failed(f"{command[0]}: {e}") from e
    if done.returncode != 0:
        why = (done.stderr.strip() or "no message").splitlines()[-1]
        raise Failed(f"{os.path.basename(command[0])}: "
                     f"status {done.returncode}: {why}")
    return done.stdout


def values(text):
    """Lines of "name value" as a list of pairs."""
    return [tuple(line.split(None, 1)) for line in text.splitlines()
            if " " in line]


def number(text):
    """A float where it is one."""
    try:
        return float(text)
    except ValueError:
        return text


# --- inside the process ------------------------------------------------------


def cold(build, live, starts, *code):
    """Cold starts: {live: {name: microseconds}}, and the isolation. code: "-c",
    FILE.so; or nothing for Lua."""
    found, isolation = {}, None
    for name, value in values(run([f"{build}/bench/cold", "-n", str(starts),
                                   *code, *map(str, live)])):
        if name == "live":
            now = found[int(value)] = {}
        elif name == "isolation":
            isolation = value
        else:
            now[name] = float(value)
    return found, isolation


def resident(build, isolates, *code):
    """KiB of each kind per idle isolate, of a native function's if named."""
    lines = values(run([f"{build}/bench/resident", str(isolates), *code]))
    return {name: number(value) for name, value in lines}


# --- the gate ----------------------------------------------------------------

GATE_SCRIPT = """\
for mode in mpk soft; do
    echo "mode $mode"
    {gate} $mode
    {gate} -s $mode
done
"""


def gate(build):
    """{mode: {name: count}}, counted in the machine that has keys."""
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
        program = os.path.abspath(f"{build}/bench/gate")
        script.write(GATE_SCRIPT.format(gate=program))
        script.flush()
        text = run([f"{TOP}/tests/vm/run", "--icount", "--file", program,
                    "--script", script.name])
    found = {}
    for name, value in values(text):
        if name == "mode":
            now = found[value] = {}
        else:
            now[name] = float(value)
    return found


# --- keys --------------------------------------------------------------------


def key_moves(build, calls):
    """Percent of calls that need a key moved:
    {(way, popularity, calls at once, policy): percent}"""
    found = {}
    for name, value in values(run([f"{build}/bench/mux", str(calls)])):
        way, popularity, at_once, policy = name.split("/")
        found[way, popularity, int(at_once), policy] = float(value)
    return found


def key_costs(build, times):
    """Nanoseconds of a pin, and of moving a key: {name: value}."""
    lines = values(run([f"{build}/bench/mux_retag", str(times)]))
    return {name: float(value) for name, value in lines}


def keys(build, functions, calls, clients, zipfs):
    """What functions cost on real keys, counted in the machine that has them:
    {"popularity/clients/policy": {what: value}}"""
    command = [os.path.abspath(f"{build}/bench/keys"), "-f", str(functions),
               "-n", str(calls), "-c", str(clients)]
    for zipf in zipfs:
        command += ["-z", str(zipf)]
    text = run([f"{TOP}/tests/vm/run", "--icount", "--mem", "3G", "--timeout",
                "1500", "--", *command], timeout=1600)
    if "isolation mpk" not in text:
        raise Failed("keys: no protection keys")
    found = {}
    for name, value in values(text):
        if "/" in name:
            where, what = name.rsplit("/", 1)
            found.setdefault(where, {})[what] = float(value)
    return found


# --- admission ---------------------------------------------------------------

# Some hundred bytes of code, a name and a relocated word each.
FUNCTION = """
int f%(i)d(int *a, int n)
{
    int sum = %(i)d;
    for (int i = 0; i < n; i++) {
        if (a[i] %% %(odd)d == 3)
            sum += a[i] * %(i)d ^ n << (i & 7);
        else
            a[i] = sum / (a[i] | 1) + %(i)d;
    }
    return sum;
}
int (*p%(i)d)(int *, int) = f%(i)d;
"""


def admission(build, times):
    """Figures of the scanner and of an object of about 1 MB."""
    with tempfile.TemporaryDirectory() as where:
        source, target = f"{where}/f.c", f"{where}/f.so"
        with open(source, "w", encoding="ascii") as f:
            for i in range(4200):
                f.write(FUNCTION % {"i": i, "odd": 2 * (i % 40) + 5})
            f.write("int handler(void) { return 1; }\n")
        run(["gcc", "-O1", "-shared", "-fPIC", "-nostdlib", "-s", source,
             "-o", target])
        text = run([f"{build}/bench/scan", "-n", str(times), target])
    return {name: number(value) for name, value in values(text)}


# --- the daemon --------------------------------------------------------------


def ready(build, times):
    """Medians of exec-to-ready, and what the idle daemon holds."""
    with tempfile.TemporaryDirectory() as where:
        sock = f"{where}/s"
        text = run([f"{build}/bench/ready", "-n", str(times), sock,
                    f"{build}/src/cli/gvisord", "serve", "--socket", sock])
    found = {}
    for name, value in values(text):
        found.setdefault(name, []).append(float(value))
    return {name: statistics.median(v) for name, v in found.items()}


def free_port():
    """A TCP port of the loopback that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def on_cpu(cpu, command):
    """The command bound to one CPU."""
    return ["taskset", "-c", str(cpu), *command]


def await_port(port, process):
    """Waits until somebody accepts connections."""
    for _ in range(500):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        if process.poll() is not None:
            break
        time.sleep(0.01)
    process.kill()
    raise Failed(f"{process.args[-1]}: does not listen")


@contextlib.contextmanager
def server(command, port, log, cpu=0):
    """A server, on one CPU or (None) all, for the time of a `with`."""
    if cpu is not None:
        command = on_cpu(cpu, command)
    with open(log, "ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        await_port(port, process)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def cpu_seconds(pid):
    """User and system time of a process so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def cpu_of_threads(pid):
    """Processor seconds of the threads there are, to the nanosecond."""
    ns = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(path, encoding="ascii") as f:
            ns += int(f.read().split()[0])
    return ns / 1e9


def wrk(url, connections, seconds, cpu, post):
    """One load: requests, requests per second, latencies."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    if post:
        command += ["-s", f"{HERE}/post.lua"]
    text = run(on_cpu(cpu, [*command, url]), timeout=seconds + 30)
    if re.search(r"Non-2xx|Socket errors", text):
        raise Failed(f"wrk: errors from {url}: {text}")
    unit = {"us": 1, "ms": 1e3, "s": 1e6}
    latency = {p: float(v) * unit[u] for p, v, u in
               re.findall(r"^\s+(\d+)%\s+([\d.]+)(us|ms|s)$", text, re.M)}
    if not {"50", "99"} <= latency.keys():
        raise Failed(f"wrk: no latencies from {url}: {text}")
    return {
        "requests": int(re.search(r"(\d+) requests in", text)[1]),
        "rps": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
        "p50_us": latency["50"],
        "p99_us": latency["99"],
    }


def load(pid, *args):
    """One load, with the server's CPU time per request."""
    before = cpu_seconds(pid)
    found = wrk(*args)
    found["cpu_us"] = (cpu_seconds(pid) - before) * 1e6 / found["requests"]
    return found


class Servers:
    """The daemon with `hello` deployed, and the bound, side by side."""

    def __init__(self, build):
        self.build = build
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        where = self.stack.enter_context(tempfile.TemporaryDirectory())
        ports = free_port(), free_port()
        self.daemon = self._start(
            [f"{self.build}/src/cli/gvisord", "serve", "--workers", "1",
             "--socket", f"{where}/s", "--listen", f"127.0.0.1:{ports[0]}"],
            ports[0], f"{where}/log")
        self.bound = self._start(
            [f"{self.build}/bench/bound", "-t", f"127.0.0.1:{ports[1]}"],
            ports[1], f"{where}/log")
        run([f"{self.build}/src/cli/gvisord", "--socket", f"{where}/s",
             "deploy", f"{HERE}/hello.lua"])
        root = f"http://127.0.0.1:{ports[0]}"
        self.target = {
            "hello": (self.daemon, root + INVOKE, True),
            "bound": (self.bound, f"http://127.0.0.1:{ports[1]}/", True),
            "livez": (self.daemon, root + "/livez", False),
        }
        return self

    def __exit__(self, *exc):
        return self.stack.__exit__(*exc)

    def _start(self, command, port, log):
        return self.stack.enter_context(server(command, port, log)).pid

    def rounds(self, connections, rounds, seconds, cpu):
        """Medians of interleaved loads: {target: {name: value}}."""
        each = {name: [] for name in self.target}
        for _ in range(rounds):
            for name, (pid, url, post) in self.target.items():
                each[name].append(load(pid, url, connections, seconds, cpu,
                                       post))
        found = {name: {key: statistics.median(r[key] for r in runs)
                        for key in runs[0]} for name, runs in each.items()}
        # Machines drift: the ratio within a round is what can be trusted.
        for key in "rps", "cpu_us":
            found["hello"][key + "_ratio"] = statistics.median(
                h[key] / b[key] for h, b in zip(each["hello"], each["bound"]))
        return found

    def calls(self, connections, cpu):
        """System calls of the daemon per warm request: {name: number}."""
        pid, url, post = self.target["hello"]
        with tempfile.NamedTemporaryFile() as out:
            tracer = subprocess.Popen(
                ["strace", "-f", "-c", "-qq", "-o", out.name, "-p", str(pid)],
                stderr=subprocess.DEVNULL)
            try:
                await_tracer(pid, tracer)
                done = wrk(url, connections, 2, cpu, post)
            finally:
                tracer.send_signal(signal.SIGINT)
                tracer.wait()
            with open(out.name, encoding="ascii") as f:
                table = f.read()
        counts = {m[2]: int(m[1]) for m in re.finditer(
            r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$",
            table, re.M) if m[2] != "total"}
        return {name: n / done["requests"] for name, n in counts.items()}


def await_tracer(pid, tracer):
    """Waits until every thread of the process is traced."""
    for _ in range(200):
        states = []
        for path in glob.glob(f"/proc/{pid}/task/*/status"):
            with open(path, encoding="ascii") as f:
                states.append(re.search(r"TracerPid:\s+(\d+)", f.read())[1])
        if states and "0" not in states:
            return
        if tracer.poll() is not None:
            break
        time.sleep(0.01)
    raise Failed("strace: cannot attach to the daemon")


# --- the machine -------------------------------------------------------------


def machine():
    """What the figures depend on."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
        model = re.search(r"model name\s*:\s*(.*)", f.read())
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "cpu": model[1] if model else "unknown",
        "cores": os.cpu_count(),
        "kernel": os.uname().release,
        "load": os.getloadavg()[0],
    }


TOOLS = {"http": ("wrk", "taskset"), "calls": ("wrk", "strace", "taskset"),
         "native": ("gcc", "lua5.4", "taskset"), "contexts": ("gcc",),
         "scale": ("wrk", "taskset"), "burst": ("taskset",),
         "list": ("taskset",)}


def missing_tools(parts):
    """What has to be installed first."""
    wanted = {tool for part in parts for tool in TOOLS.get(part, ())}
    return sorted(tool for tool in wanted if not shutil.which(tool))
