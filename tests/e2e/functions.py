"""What functions do wrong is theirs alone."""

import os
import signal
import subprocess
import sys
import threading
import time

from harness import Daemon, ECHO, GVISORD, SPIN, has, run, same, wait_for


def test_errors():
    with Daemon() as d:
        d.deploy("t/raise", "return function(e) error('oh ' .. e) end")
        d.deploy("t/print", "return function() return print end")
        d.deploy("t/echo", ECHO)
        r = d.invoke("t/raise", '"no"')
        same((r.status, r.code()), (502, "Function.Error"))
        has(r.json()["detail"], "oh no")
        same(r.json()["function"], "t/raise")
        assert len(r.headers["gvisor-invocation-id"]) == 26, r
        same(d.invoke("t/print").code(), "Function.ResponseInvalid")
        r = d.invoke("t/echo", "{nonsense")
        same((r.status, r.code()), (400, "Request.BadJson"))
        same(d.invoke("t/echo", "1").status, 200)


def test_errors_are_told_to_their_end():
    with Daemon() as d:
        d.deploy("t/f", "return function() error('a\\0b', 0) end")
        detail = d.invoke("t/f").json()["detail"]
        assert detail.startswith("a\0b\nstack traceback:"), detail


def test_memory_limit():
    with Daemon() as d:
        d.deploy("t/bomb", "return function() local t = {} "
                 "while true do t[#t + 1] = ('x'):rep(10000) .. #t end end",
                 "?memory_mb=4")
        d.deploy("t/echo", ECHO)
        for _ in range(3):
            r = d.invoke("t/bomb")
            same((r.status, r.code()), (502, "Function.OutOfMemory"))
            same(d.invoke("t/echo", "1").status, 200)


def test_timeout():
    with Daemon() as d:
        d.deploy("t/spin", SPIN, "?timeout_ms=200")
        d.deploy("t/echo", ECHO)
        begin = time.monotonic()
        r = d.invoke("t/spin")
        same((r.status, r.code()), (504, "Sandbox.Timeout"))
        assert 0.15 < time.monotonic() - begin < 3
        same(d.invoke("t/echo", "1").status, 200)
        d.deploy("t/spin", SPIN, "?timeout_ms=60000")
        begin = time.monotonic()
        same(d.invoke("t/spin", Gvisor_Timeout="100").status, 504)
        assert time.monotonic() - begin < 3


LOGS = "return function(n) for i = 1, n do log('%s') end end"


def test_log_lines_wait_for_nobody():
    with Daemon() as d:
        d.deploy("t/f", LOGS % "a line")
        # Which line meets the writer just as it stops is chance.
        for i in range(1, 21):
            same(d.invoke("t/f", "300").status, 200)
            wait_for("all lines", lambda: d.log().count("a line") == 300 * i)


def test_empty_log_lines_cost():
    with Daemon() as d:
        d.deploy("t/f", LOGS % "")
        same(d.invoke("t/f", "10000").status, 200)
        wait_for("the end of it", lambda: "cut off" in d.log())
        n = d.log().count("function log\"")
        assert n <= 262144 / 128, n


def test_end_of_the_grace_period():
    with Daemon("--workers", "1", drain__grace_ms=300) as d:
        d.deploy("t/spin", SPIN, "?timeout_ms=60000")
        with d.client() as c:
            c.send("POST /v1/functions/t/spin/invoke HTTP/1.1\r\n"
                   "Host: x\r\nContent-Length: 1\r\n\r\n1")
            time.sleep(0.2)
            d.process.send_signal(signal.SIGTERM)
            r = c.reply()
            same((r.status, r.code()), (503, "Daemon.Draining"))
            same(r.headers["retry-after"], "1")
            same(r.headers["connection"], "close")
            same(c.at_end(), b"")
        same(d.process.wait(10), 0)


def test_a_wrong_request_is_no_failure_of_the_function():
    with Daemon() as d:
        path = os.path.join(d.dir, "f.lua")
        with open(path, "w", encoding="ascii") as f:
            f.write("return function(e) return e.x.y end")
        d.deploy("default/f", "return function(e) return e.x.y end")
        for command in (["run", path], ["invoke", "f"]):
            for request, wants in (("{bad json", 2), ("", 1), ("{}", 1),
                                   ('{"x":{"y":1}}', 0)):
                r = subprocess.run(
                    [GVISORD, *command, request], capture_output=True,
                    env=dict(os.environ, GVISORD_SOCKET=d.socket),
                    timeout=20, check=False)
                same((command, request, r.returncode),
                     (command, request, wants))
                if wants == 2:
                    has(r.stderr, "Request.BadJson")
                    same(r.stdout, b"")


def test_nothing_is_kept_between_tenants():
    with Daemon() as d:
        d.deploy("a/f", "n = 0 return function() n = n + 1 return n end")
        d.deploy("b/f", "return function() return tostring(n) end")
        for want in (b"1", b"2", b"3"):
            same(d.invoke("a/f").body, want)
        has(d.invoke("b/f").body, "nil")


def test_many_at_once():
    with Daemon() as d:
        for i in range(50):
            d.deploy(f"t/f{i}", f"return function(e) return e + {i} end")
        wrong = []

        def work(k):
            with d.client() as c:
                for n in range(100):
                    i = (n * 7 + k) % 50
                    r = c.ask("POST", f"/v1/functions/t/f{i}/invoke", str(n))
                    if (r.status, r.body) != (200, str(n + i).encode()):
                        wrong.append(r)
        threads = [threading.Thread(target=work, args=(k,)) for k in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        same(wrong, [])


def test_changes_under_load():
    with Daemon() as d:
        d.deploy("t/f", "return function() return 0 end")
        stop, wrong = threading.Event(), []

        def work():
            with d.client() as c:
                while not stop.is_set():
                    r = c.ask("POST", "/v1/functions/t/f/invoke", "1")
                    if r.status not in (200, 404):
                        wrong.append(r)
        threads = [threading.Thread(target=work) for _ in range(4)]
        for t in threads:
            t.start()
        for i in range(1, 60):
            d.deploy("t/f", f"return function() return {i} end")
            if i % 10 == 0:
                same(d.ask("DELETE", "/v1/functions/t/f").status, 204)
        stop.set()
        for t in threads:
            t.join()
        same(wrong, [])
        same(d.invoke("t/f").body, b"59")


if __name__ == "__main__":
    run(sys.modules[__name__])
