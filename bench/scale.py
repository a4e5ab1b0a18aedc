"""Ten thousand functions: the measurements of bench/run's parts scale, burst
and list. Each starts programs and returns numbers."""

import bisect
import contextlib
import http.client
import json
import os
import random
import re
import socket
import statistics
import tempfile
import threading
import time

import measure

LUA = b'return function(event)\n    return "hello"\nend\n'
FEW = 10
DRAWS = 200000
POPULARITIES = ("uniform", "zipf-0.9", "zipf-1.0", "zipf-1.2")
KEEP_MS = 3600000


def live(build, levels, starts, *code):
    """What one more costs beside so many: {live: {name: value}}."""
    found = {}
    text = measure.run([f"{build}/bench/scale", "-n", str(starts), *code,
                        *map(str, levels)], timeout=300)
    for name, value in measure.values(text):
        if name == "live":
            now = found[int(value)] = {}
        elif name != "isolation":
            now[name] = float(value)
    return found


class Client(http.client.HTTPConnection):
    """HTTP over a daemon's Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

    def ask(self, method, path, body=None, media_type="application/json"):
        """The reply's bytes; a failure is Failed."""
        self.request(method, path, body, {"Content-Type": media_type})
        reply = self.getresponse()
        data = reply.read()
        if reply.status >= 300:
            raise measure.Failed(f"{method} {path}: {data[:300]}")
        return data


def popularity(name, functions):
    """DRAWS numbers of functions, always the same ones."""
    rng = random.Random(1)
    if name == "few":
        return [rng.randrange(FEW) * (functions // FEW)
                for _ in range(DRAWS)]
    if name == "uniform":
        return [rng.randrange(functions) for _ in range(DRAWS)]
    s, sums, total = float(name.split("-")[1]), [], 0
    for i in range(functions):
        total += 1 / (i + 1) ** s
        sums.append(total)
    order = list(range(functions))
    rng.shuffle(order)
    return [order[bisect.bisect(sums, rng.random() * total)]
            for _ in range(DRAWS)]


def memory(pid):
    """KiB: resident (Pss), page tables; and the numbers of mappings and
    descriptors."""
    found = {}
    for path, name in (("smaps_rollup", "Pss"), ("status", "VmPTE")):
        with open(f"/proc/{pid}/{path}", encoding="ascii") as f:
            found[name] = int(re.search(rf"^{name}:\s+(\d+) kB",
                                        f.read(), re.M)[1])
    with open(f"/proc/{pid}/maps", encoding="ascii") as f:
        found["maps"] = sum(1 for _ in f)
    found["files"] = len(os.listdir(f"/proc/{pid}/fd"))
    return found


class Crowd:
    """A daemon with one worker and so many functions."""

    def __init__(self, build, functions):
        self.build, self.functions = build, functions
        self.stack = contextlib.ExitStack()
        with open(f"{build}/bench/hello.so", "rb") as f:
            self.native = f.read()

    def __enter__(self):
        self.where = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.port = measure.free_port()
        self.pid = self.stack.enter_context(measure.server(
            [f"{self.build}/src/cli/gvisord", "serve", "--workers", "1",
             "--unsafe-native", "--socket", self.socket(),
             "--listen", f"127.0.0.1:{self.port}",
             "--set", "log.level=error"],
            self.port, f"{self.where}/log")).pid
        return self

    def __exit__(self, *exc):
        return self.stack.__exit__(*exc)

    def socket(self):
        """Where clients connect."""
        return f"{self.where}/s"

    def register(self, first, last, step=1, mixed=False):
        """Registers them over one connection; 1/s."""
        client = Client(self.socket())
        begin = time.monotonic()
        for i in range(first, last, step):
            native = mixed and i % 2
            client.ask("PUT", f"/v1/functions/scale/f{i}?idle_ttl_ms="
                       f"{KEEP_MS}", self.native if native else LUA,
                       "application/x-sharedlib" if native else "text/x-lua")
        return len(range(first, last, step)) / (time.monotonic() - begin)

    def register_many(self, first, last, connections=8):
        """The same over several; 1/s in all."""
        threads = [threading.Thread(target=self.register,
                                    args=(first + i, last, connections))
                   for i in range(connections)]
        begin = time.monotonic()
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return (last - first) / (time.monotonic() - begin)

    def call_all(self):
        """Each function once; 1/s."""
        client = Client(self.socket())
        begin = time.monotonic()
        for i in range(self.functions):
            client.ask("POST", f"/v1/functions/scale/f{i}/invoke", b"{}")
        return self.functions / (time.monotonic() - begin)

    def draw(self, name):
        """Makes the file that names.lua reads."""
        with open(f"{self.where}/{name}", "w", encoding="ascii") as f:
            f.write(f"{self.functions}\n")
            f.writelines(f"{i}\n" for i in popularity(name, self.functions))

    def load(self, name, seconds, connections=64):
        """Calls as that file says: requests per second, CPU of one."""
        before = measure.cpu_of_threads(self.pid)
        text = measure.run(measure.on_cpu(1, [
            "wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
            "-s", f"{measure.HERE}/names.lua",
            f"http://127.0.0.1:{self.port}/", "--", f"{self.where}/{name}"]),
            timeout=seconds + 30)
        if re.search(r"Non-2xx|Socket errors", text):
            raise measure.Failed(f"wrk: errors: {text}")
        n = int(re.search(r"(\d+) requests in", text)[1])
        return {
            "rps": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
            "cpu_us": (measure.cpu_of_threads(self.pid) - before) * 1e6 / n,
        }

    def pages(self, path, key):
        """All of a list, page by page: entries, bytes, milliseconds, and the
        longest page's."""
        client = Client(self.socket())
        n, size, times, after = 0, 0, [], ""
        while after is not None:
            begin = time.monotonic()
            data = client.ask("GET", f"{path}?limit=1000{after}")
            times.append(1e3 * (time.monotonic() - begin))
            reply = json.loads(data)
            n += len(reply[key])
            size += len(data)
            after = f"&after={reply['next']}" if "next" in reply else None
        return {"n": n, "bytes": size, "ms": sum(times), "page_ms": max(times)}

    def timed(self, path):
        """One reply: bytes, milliseconds."""
        client = Client(self.socket())
        begin = time.monotonic()
        size = len(client.ask("GET", path))
        return size, 1e3 * (time.monotonic() - begin)

    def command(self, *args):
        """One client command: lines, milliseconds."""
        begin = time.monotonic()
        out = measure.run([f"{self.build}/src/cli/gvisord", *args,
                           "--socket", self.socket()])
        return out.count("\n"), 1e3 * (time.monotonic() - begin)


def burst(build, isolates, idle_ms):
    """What a fresh daemon holds before a burst of isolates, at its top, and
    idle_ms after it, when they have been gone for a tenth of that; and after
    another one."""
    with Crowd(build, 1) as crowd:
        client = Client(crowd.socket())

        def warm(n, ttl_ms):
            client.ask("PUT", "/v1/functions/scale/burst?idle_ttl_ms="
                       f"{ttl_ms}", LUA, "text/x-lua")
            client.ask("POST", "/v1/functions/scale/burst/warm",
                       json.dumps({"isolates": n}))

        # What is there once and for all is there before.
        warm(min(100, isolates), 500)
        time.sleep(1.5)
        found = [memory(crowd.pid)]
        for _ in range(2):
            warm(isolates, idle_ms * 9 // 10)
            found.append(memory(crowd.pid))
            time.sleep(idle_ms / 1e3)
            found.append(memory(crowd.pid))
        if json.loads(client.ask("GET", "/v1/isolates"))["isolates"]:
            raise measure.Failed("burst: isolates outlive their time")
    return found


# --- rows --------------------------------------------------------------------


def ask_live(report, options):
    """Create-to-ready and memory by the number of isolates."""
    for what, code in (("Lua", ()),
                       ("native", ("-c", f"{options.build}/bench/hello.so"))):
        found = live(options.build, options.live, options.scale_starts, *code)
        base = found[options.live[1]]["create_p50_us"]
        for n, m in found.items():
            where = f"{what}, {n} live"
            last = n == options.live[-1]
            report.add(f"create to ready, {where}: p50", m["create_p50_us"],
                       "us", most=50)
            report.add("  p99", m["create_p99_us"], "us")
            if last:
                report.add(f"  p50, to that at {options.live[1]}",
                           m["create_p50_us"] / base, "x", most=1.5)
            if n > 1:
                report.add(f"one isolate, {where}: resident and page tables",
                           m["pss_kib"] + m["page_tables_kib"], "KiB",
                           most=64)
            report.add(f"warm call in the process, {where}, any of them: p50",
                       m["call_p50_us"], "us")
            if last:
                report.add(f"  of {FEW} of them", m["call_of_ten_p50_us"],
                           "us")
                report.add(f"mappings of the process, {where}", m["maps"], "")


def ask_load(report, options):
    """Throughput among many functions, beside few of the same."""
    names = ("few", *POPULARITIES)
    runs = {name: [] for name in names}
    with Crowd(options.build, options.functions) as crowd:
        crowd.register(0, options.functions)
        crowd.call_all()
        for name in names:
            crowd.draw(name)
        for _ in range(options.rounds):
            for name in names:
                runs[name].append(crowd.load(name, 1))
    for name in POPULARITIES:
        # Machines drift: the ratio within a round is what can be trusted.
        pairs = list(zip(runs[name], runs["few"]))
        what = f"{options.functions} live functions, {name}, to {FEW}"
        report.add(f"{what}: rate", 100 * statistics.median(
            many["rps"] / few["rps"] for many, few in pairs), "%", least=80)
        report.add(f"{what}: rate by server CPU", 100 * statistics.median(
            few["cpu_us"] / many["cpu_us"] for many, few in pairs), "%",
            least=80)
    for name in names:
        for key, unit in (("rps", "1/s"), ("cpu_us", "us")):
            report.add(f"  {name}: {'rate' if unit == '1/s' else 'CPU'}",
                       statistics.median(r[key] for r in runs[name]), unit)


def ask(report, options):
    """Part scale."""
    ask_live(report, options)
    ask_load(report, options)


def ask_burst(report, options):
    """Part burst."""
    before, top, after, _, again = burst(
        options.build, options.burst, options.burst_ms)
    what = f"{options.burst_ms / 1e3:g} s after a burst of {options.burst}"
    report.add(f"{what} isolates, resident, to before",
               100 * after["Pss"] / before["Pss"], "%", most=105)
    report.add("  after the next burst, to after the first",
               100 * again["Pss"] / after["Pss"], "%", most=105)
    for name, m in (("before", before), ("at the top", top),
                    ("after", after)):
        report.add(f"  {name}: resident", m["Pss"], "KiB")
        report.add(f"  {name}: page tables", m["VmPTE"], "KiB")


def ask_list(report, options):
    """Part list."""
    n, part = options.functions, max(1, options.functions // 10)
    with Crowd(options.build, n) as crowd:
        first = crowd.register(0, part, mixed=True)
        crowd.register(part, n - 2 * part, mixed=True)
        last = crowd.register(n - 2 * part, n - part, mixed=True)
        report.add(f"registrations, the first {part}, half native, one client",
                   first, "1/s")
        report.add(f"  the last of {n}, to the first", 100 * last / first, "%",
                   least=50)
        report.add("  Lua alone, eight clients",
                   crowd.register_many(n - part, n), "1/s")
        report.add(f"first calls of {n}, one client", crowd.call_all(), "1/s")
        m = memory(crowd.pid)
        report.add(f"{n} functions and isolates, half native: resident",
                   m["Pss"] / 1024, "MiB")
        report.add("  page tables", m["VmPTE"] / 1024, "MiB")
        report.add("  mappings", m["maps"], "")
        report.add("  descriptors", m["files"], "")
        for path, key in (("/v1/functions", "functions"),
                          ("/v1/isolates", "isolates")):
            m = crowd.pages(path, key)
            report.add(f"GET {path}, {m['n']} by 1000s", m["ms"], "ms")
            report.add("  the slowest page", m["page_ms"], "ms", most=50)
        size, ms = crowd.timed("/metrics")
        report.add("GET /metrics", ms, "ms", most=100)
        report.add("  its size", size / 1024, "KiB")
        for command in ("list", "ps"):
            lines, ms = crowd.command(command)
            report.add(f"gvisord {command}, {lines} lines", ms, "ms",
                       most=1000)
