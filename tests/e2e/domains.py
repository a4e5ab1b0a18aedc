"""Keys, warm isolates, lists by pages, the live view: what can be seen of a
daemon, and the isolates it holds ready."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

from harness import Daemon, ECHO, GVISORD, PATIENCE, has, run, same, wait_for

COUNT = "n = 0 return function() n = n + 1 return n end"
TTL_MS = 500
REAPED_MS = 200  # after the due time


def gvisord(d, *args, code=0):
    """What a client prints."""
    r = subprocess.run([GVISORD, *args, "--socket", d.socket], timeout=30,
                       capture_output=True, check=False, text=True)
    same((r.returncode, r.stderr if code == 0 else ""), (code, ""))
    return r.stdout + r.stderr


def warm(d, name, body=None, **headers):
    return d.ask("POST", f"/v1/functions/{name}/warm", body, **headers)


def isolates(d):
    return d.ask("GET", "/v1/isolates").json()["isolates"]


def metric(d, name):
    for line in d.ask("GET", "/metrics").body.decode().split("\n"):
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise AssertionError(f"no {name}")


def pages(d, path, key, limit):
    """All entries, page by page; each but the last is full."""
    entries, after = [], ""
    while True:
        r = d.ask("GET", f"{path}?limit={limit}{after}").json()
        entries += r[key]
        if "next" not in r:
            return entries
        same(len(r[key]), limit)
        after = "&after=" + r["next"]


# Keys.

def test_domains():
    with Daemon() as d:
        d.deploy("t/f", COUNT)
        for _ in range(5):
            d.invoke("t/f")
        hardware = d.ask("GET", "/readyz").json()["isolation"] == "mpk"
        r = d.ask("GET", "/v1/domains").json()
        totals = r["totals"]
        if not hardware:
            same((r["isolation"], r["domains"]), ("software", []))
            assert len(r["isolation_reason"]) > 10, r
            assert not any(totals.values()), totals
            has(gvisord(d, "domains"), r["isolation_reason"])
            return
        assert len(r["domains"]) >= 2, r
        same(r["isolation_reason"], None)
        owned = [k for k in r["domains"] if k["owner"]]
        assert "t/f" in [k["owner"]["function"] for k in owned], r
        for k in owned:
            assert k["binds"] > 0 and k["resident_bytes"] > 0, k
        assert totals["hits"] >= 4, totals
        same(totals["misses"], totals["free"] + totals["evict"])
        same(metric(d, 'gvisord_pkey_assign_total{result="free"}'),
             totals["free"])
        has(gvisord(d, "domains"), "t/f")


def test_domains_is_read_only():
    with Daemon() as d:
        same(d.ask("POST", "/v1/domains").status, 405)
        same(d.ask("GET", "/v1/domains?key=3").status, 400)
        same(d.ask("GET", "/v1/domains/").status, 404)


# Warm isolates.

def test_warm():
    with Daemon("--workers", "2") as d, d.client() as c:
        d.deploy("t/f", COUNT)
        before = len(isolates(d))
        r = warm(d, "t/f", '{"isolates":8}')
        same((r.status, r.json()),
             (200, {"isolates": 8, "made": 8 - before}))
        workers = [i["worker"] for i in isolates(d)]
        same(sorted(workers), [0] * 4 + [1] * 4)
        same({i["state"] for i in isolates(d)}, {"idle"})
        # Again: nothing is lacking. Less than there are: none goes.
        same(warm(d, "t/f", '{"isolates":8}').json()["made"], 0)
        same(warm(d, "t/f").json(), {"isolates": 8, "made": 0})
        stats = d.ask("GET", "/v1/functions/t/f").json()
        same(stats["isolates"], {"idle": 8, "busy": 0})
        same((stats["stats"]["calls"], stats["stats"]["cold_starts"]), (0, 0))
        # It was loaded, not called.
        r = c.ask("POST", "/v1/functions/t/f/invoke", "null")
        same((r.body, r.headers["gvisor-start"]), (b"1", "warm"))


def test_warm_of_many():
    with Daemon() as d:
        d.deploy("t/f", ECHO)
        begin = time.monotonic()
        same(warm(d, "t/f", '{"isolates":1000}').json()["isolates"], 1000)
        sys.stderr.write("1000 isolates made in %.0f ms\n" % (
            1e3 * (time.monotonic() - begin)))
        same(len(isolates(d)), 1000)
        same(d.invoke("t/f", "7").body, b"7")


def test_warm_is_per_version():
    with Daemon() as d:
        d.deploy("t/f", "return function() return 1 end")
        warm(d, "t/f", '{"isolates":5}')
        d.deploy("t/f", "return function() return 2 end")
        r = warm(d, "t/f", '{"isolates":3}').json()
        same(r["isolates"], 3)
        wait_for("the end of the old ones", lambda: [
            i["version"] for i in isolates(d)] == [2] * 3)
        for _ in range(6):
            same(d.invoke("t/f").body, b"2")


def test_warm_of_what_is_wrong():
    with Daemon() as d:
        d.deploy("t/f", ECHO)
        for body, code in (("", None), ("{}", None), ('{"isolates":0}', 0),
                           ('{"isolates":-1}', 0), ('{"isolates":1.5}', 0),
                           ('{"isolates":"3"}', 0), ('{"isolates":null}', 0),
                           ('{"isolates":1e30}', 0), ('{"isolates":true}', 0),
                           ('{"isolates":1000001}', 0), ('{"n":1}', 0),
                           ('{"isolates":1,"isolates":2}', 1), ("[]", 1),
                           ("{", 1), ("null", 1), ("\0", 1)):
            r = warm(d, "t/f", body)
            if code is None:
                same((body, r.status), (body, 200))
                continue
            same((body, r.status, r.code()), (body, 400, (
                "Request.Invalid", "Request.BadJson")[code]))
        same(warm(d, "t/g").code(), "Function.NotFound")
        same(warm(d, "t/G").code(), "Function.NotFound")
        same(d.ask("POST", "/v1/functions/t/f/warm?isolates=3").status, 400)
        same(d.ask("GET", "/v1/functions/t/f/warm").status, 405)
        d.deploy("t/once", ECHO, "?idle_ttl_ms=0")
        r = warm(d, "t/once")
        same((r.status, r.code()), (400, "Request.Invalid"))
        has(r.body, "idle_ttl_ms")


def test_warm_beyond_the_room():
    with Daemon("--workers", "2", limits__isolates=8) as d:
        d.deploy("a/f", ECHO)
        d.deploy("b/f", ECHO)
        r = warm(d, "a/f", '{"isolates":100}')
        same((r.status, r.code()), (429, "Limit.Memory"))
        same(r.headers["retry-after"], "1")
        same(r.json()["limit"],
             {"isolates": 8, "set_by": "limits.isolates"})
        has(r.json()["hint"], "limits.isolates")
        assert len(isolates(d)) <= 2, "none was made"
        same(warm(d, "a/f", '{"isolates":6}').status, 200)
        # Not at the cost of others.
        r = warm(d, "b/f", '{"isolates":6}')
        same(r.code(), "Limit.Memory")
        same([i["function"] for i in isolates(d)].count("a/f"), 6)
        has(gvisord(d, "warm", "b/f", "-n", "6", code=6), "Limit.Memory")


def test_warm_over_tcp_needs_the_token():
    with Daemon(tcp=True) as d, d.tcp_client() as c:
        d.deploy("t/f", ECHO)
        same(c.ask("POST", "/v1/functions/t/f/warm").status, 403)
        same(c.ask("GET", "/v1/domains").status, 200)


def test_warm_during_a_drain_ends():
    with Daemon() as d, d.client() as c:
        d.deploy("t/f", ECHO)
        c.send("POST /v1/functions/t/f/warm HTTP/1.1\r\nHost: x\r\n"
               "Content-Length: 17\r\n\r\n{\"isolates\":3000}")
        d.process.send_signal(signal.SIGTERM)
        r = c.reply()
        assert r.status in (200, 503), r
        same(d.process.wait(PATIENCE), 0)


# Timers.

def resident(d):
    """Of the daemon, in MiB; asking it would wake it."""
    with open(f"/proc/{d.process.pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE") >> 20


def until_smaller(d, mib):
    try:
        wait_for("memory given back", lambda: resident(d) < mib)
    except AssertionError:
        # Is it that nobody ended them, or that they ended in vain?
        sys.stderr.write(f"{resident(d)} MiB, {isolates(d)}\n")
        raise
    return time.monotonic()


def test_reaped_when_due():
    late = []
    with Daemon() as d:
        d.deploy("t/f", "big = ('x'):rep(24 << 20) "
                 "return function() return #big end",
                 f"?idle_ttl_ms={TTL_MS}")
        until_smaller(d, 16)
        for _ in range(5):
            same(d.invoke("t/f").body, str(24 << 20).encode())
            begin = time.monotonic()
            assert resident(d) > 24, resident(d)
            end = until_smaller(d, 16)
            late.append(1e3 * (end - begin) - TTL_MS)
            same(isolates(d), [])
    sys.stderr.write("reaped late by %s ms\n" % [round(x) for x in late])
    # A busy machine may be late itself, not each time.
    assert sorted(late)[2] <= REAPED_MS, late
    # The time of the call is not idle time.
    assert min(late) > -50, late


def test_warm_ones_are_reaped():
    with Daemon() as d:
        base = resident(d)
        d.deploy("t/f", "big = ('x'):rep(4 << 20) "
                 "return function() return #big end", "?idle_ttl_ms=1500")
        same(warm(d, "t/f", '{"isolates":8}').json()["isolates"], 8)
        begin = time.monotonic()
        assert resident(d) > 32, resident(d)
        late = 1e3 * (until_smaller(d, base + 4) - begin) - 1500
        sys.stderr.write("8 reaped late by %.0f ms\n" % late)
        assert late < 5 * REAPED_MS, late
        wait_for("the last one's end", lambda: not isolates(d))
        same(metric(d, 'gvisord_isolate_destroyed_total{reason="ttl"}'), 8)


def test_isolates_add_up():
    """What was made is there or has ended, from the self-test on."""
    with Daemon() as d:
        d.deploy("t/f", ECHO)
        d.deploy("t/bad", "return function() error('no') end")
        for name in ("t/f", "t/bad", "t/f"):
            d.invoke(name)
        d.ask("DELETE", "/v1/functions/t/f")
        wait_for("its end", lambda: len(isolates(d)) < 2)
        text = d.ask("GET", "/metrics").body.decode().splitlines()
        made, ended, alive = (
            sum(float(line.split()[1]) for line in text
                if line.startswith(name)) for name in (
                    "gvisord_isolate_created_total ",
                    "gvisord_isolate_destroyed_total{",
                    "gvisord_isolates{"))
        same(made, ended + alive)
        assert ended >= 1, ended


# Lists.

def test_functions_by_pages():
    with Daemon() as d:
        want = sorted(f"t{i % 3}/f{i}" for i in range(25))
        for name in want:
            d.deploy(name, ECHO)
        for limit in (1, 7, 25, 1000):
            got = pages(d, "/v1/functions", "functions", limit)
            same([f"{f['tenant']}/{f['name']}" for f in got], want)
        got = pages(d, "/v1/functions/t1", "functions", 2)
        same([f["name"] for f in got],
             [n[3:] for n in want if n.startswith("t1/")])
        # The one a page ended with is removed: the next goes on behind it.
        first = d.ask("GET", "/v1/functions?limit=3").json()
        d.ask("DELETE", "/v1/functions/" + first["next"])
        rest = d.ask("GET", "/v1/functions?after=" + first["next"]).json()
        same(len(rest["functions"]), 22)
        same(rest["total"], 24)
        same(gvisord(d, "list", "-o", "name").split(), [
            n for n in want if n != first["next"]])
        for query in ("limit=0", "limit=1001", "limit=", "limit=x", "x=1",
                      "limit=1&limit=2"):
            same((query, d.ask("GET", f"/v1/functions?{query}").status),
                 (query, 400))


def test_isolates_by_pages():
    with Daemon() as d:
        d.deploy("t/f", ECHO)
        warm(d, "t/f", '{"isolates":25}')
        for limit in (1, 7, 25, 1000):
            got = pages(d, "/v1/isolates", "isolates", limit)
            same((limit, len(got), len({i["id"] for i in got})),
                 (limit, 25, 25))
        same(d.ask("GET", "/v1/isolates?limit=1").json()["total"], 25)
        same(len(gvisord(d, "ps", "-o", "name").split()), 25)
        for query in ("limit=0", "after=x", "after=-1", "after=1e3"):
            same((query, d.ask("GET", f"/v1/isolates?{query}").status),
                 (query, 400))
        for after in (2**32 - 1, 2**40, 2**63, 2**64 - 2):
            r = d.ask("GET", f"/v1/isolates?after={after}")
            assert r.status == 200 and len(r.json()["isolates"]) <= 25, r


def test_many_functions():
    """Each registered, called once and shown; none is lost in between."""
    with Daemon(limits__isolates=4000) as d, d.client() as c:
        emulated = d.ask("GET", "/readyz").json()["isolation"] == "mpk"
        n = 200 if emulated else 2000
        want = sorted(f"t{i % 7}/f{i}" for i in range(n))
        for i, name in enumerate(want):
            r = c.ask("PUT", f"/v1/functions/{name}?language=lua"
                      "&idle_ttl_ms=600000", f"return function() return {i} "
                      "end")
            same(r.status, 201)
        for i, name in enumerate(want):
            r = c.ask("POST", f"/v1/functions/{name}/invoke", "null")
            same((r.status, r.body), (200, str(i).encode()))
        begin = time.monotonic()
        got = pages(d, "/v1/functions", "functions", 100)
        same([f"{f['tenant']}/{f['name']}" for f in got], want)
        # One isolate each, whichever worker it is on, and all are there.
        got = pages(d, "/v1/isolates", "isolates", 1000)
        same({i["function"] for i in got}, set(want))
        same(len(gvisord(d, "list", "-o", "name").split()), n)
        text = d.ask("GET", "/metrics").body.decode()
        seconds = time.monotonic() - begin
        sys.stderr.write(f"{n} functions listed twice, with metrics of "
                         f"{len(text)} bytes, in {seconds:.2f} s\n")
        assert seconds < 10, seconds


# Commands.

def test_commands():
    with Daemon() as d:
        d.deploy("default/f", ECHO)
        same(gvisord(d, "warm", "f", "-n", "3", "-o", "json"),
             '{\n  "isolates": 3,\n  "made": 2\n}\n')
        has(gvisord(d, "warm", "f"), "default/f: 3 isolates warm, 0 new")
        same(gvisord(d, "warm", "f", "-o", "name"), "default/f\n")
        has(gvisord(d, "warm", "g", code=5), "Function.NotFound")
        same(json.loads(gvisord(d, "domains", "-o", "json")),
             d.ask("GET", "/v1/domains").json())


def test_top_in_lines():
    with Daemon() as d:
        d.deploy("t/f", ECHO)
        d.deploy("t/bad", "return function() error('no') end")
        args = [GVISORD, "top", "--socket", d.socket, "-i", "0.5"]
        with subprocess.Popen([*args, "-o", "json"], text=True,
                              stdout=subprocess.PIPE) as p:
            time.sleep(0.2)
            for _ in range(10):
                d.invoke("t/f", "1")
            d.invoke("t/bad")
            line = json.loads(p.stdout.read())
            same(p.wait(PATIENCE), 0)
        assert 10 <= line["calls_s"] * line["interval_s"] < 12, line
        assert 0.9 < line["errors_s"] * line["interval_s"] < 1.1, line
        same([f["function"] for f in line["functions"]], ["t/f", "t/bad"])
        assert 0 < line["functions"][0]["mean_ms"] < 1000, line
        out = gvisord(d, "top", "--interval", "0.1", "--count", "3")
        same(len(out.splitlines()), 3)
        has(out, "calls/s=0.0 errors/s=0.0 in_flight=0 ")
        assert "\x1b" not in out, out
        with open("/dev/full", "w", encoding="ascii") as full:
            same(subprocess.run([*args, "--count", "1"], stdout=full,
                                stderr=subprocess.DEVNULL,
                                check=False).returncode, 7)
        for wrong in ("0", "x", "nan", "1e9", ""):
            has(gvisord(d, "top", "-i", wrong, code=2), "--interval")


class Terminal:
    """gvisord top on a terminal of 10 lines and 60 columns."""

    def __init__(self, d):
        self.us, self.its = pty.openpty()
        fcntl.ioctl(self.us, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 10, 60, 0, 0))
        self.was = termios.tcgetattr(self.its)
        self.seen = b""
        self.process = subprocess.Popen(
            [GVISORD, "top", "--socket", d.socket, "-i", "0.2"],
            stdin=self.its, stdout=self.its, stderr=self.its,
            preexec_fn=self.take)

    def take(self):
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def read(self, seconds=0.1):
        while select.select([self.us], [], [], seconds)[0]:
            self.seen += os.read(self.us, 65536)
            seconds = 0.05

    def wait(self, text):
        def there():
            self.read()
            return text in self.seen
        wait_for(text, there)

    def press(self, key):
        os.write(self.us, key)

    def end(self):
        """The exit status; the terminal is as it was."""
        def over():
            self.read()
            return self.process.poll() is not None
        wait_for("the end of top", over)
        self.read()
        same(termios.tcgetattr(self.its), self.was)
        same(self.seen.count(b"\x1b[?1049h"), self.seen.count(b"\x1b[?1049l"))
        same(self.seen.count(b"\x1b[?25l"), self.seen.count(b"\x1b[?25h"))
        os.close(self.us)
        os.close(self.its)
        return self.process.returncode


def test_top_leaves_the_terminal_in_order():
    with Daemon() as d:
        for i in range(20):
            d.deploy(f"t/f{i:02}", ECHO)
        for key, status in ((b"q", 0), (b"\x03", -signal.SIGINT)):
            t = Terminal(d)
            t.wait(b"t/f03")
            t.press(key)
            same(t.end(), status)
        page = t.seen.split(b"\x1b[H")[1]
        assert page.count(b"\n") < 10 and b"t/f05" not in page, page
        t = Terminal(d)
        t.wait(b"t/f03")
        t.process.terminate()
        same(t.end(), -signal.SIGTERM)


def test_top_can_be_stopped():
    with Daemon() as d:
        d.deploy("t/f", ECHO)
        t = Terminal(d)
        t.wait(b"t/f")
        t.press(b"\x1a")
        t.wait(b"\x1b[?1049l")
        t.seen = b""
        t.process.send_signal(signal.SIGCONT)
        t.wait(b"t/f")
        t.press(b"q")
        same(t.end(), 0)


def test_top_of_a_daemon_that_ends():
    with Daemon() as d:
        t = Terminal(d)
        t.wait(b"calls")
        d.stop()
        same(t.end(), 3)
        has(t.seen.split(b"\x1b[?1049l")[1], "cannot reach")


run(sys.modules[__name__])
