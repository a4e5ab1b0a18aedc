"""Contexts: each call of a function finds its globals as the chunk left them,
and how many of them are ready beforehand. And the compiled form of code, which
is nobody's business as long as all is as it was."""

import json
import subprocess
import sys
import time

from harness import Daemon, ECHO, GVISORD, b64, has, run, same, wait_for

COUNT = "n = 0 return function() n = n + 1 return n end"
SPOIL = ("return function(e) if e == 1 then string.upper = nil "
         "getmetatable('').__index = {} x = 1 error('spoilt') end "
         "return {('a'):upper(), x == nil} end")
CHUNK = "log('chunk') return function(e) if e == 1 then error('x') end " \
        "while e == 2 do end return e end"


def chunks(d):
    return d.log().count("line=chunk")


def calls(d, name, n=1, body="null"):
    replies = [d.invoke(name, body) for _ in range(n)]
    return [r.json() if r.status == 200 else r.code() for r in replies]


def idle(d, name):
    return d.ask("GET", f"/v1/functions/{name}").json()["isolates"]["idle"]


def test_option():
    with Daemon() as d:
        same(d.deploy("t/f", COUNT).json()["contexts"], 0)
        got = d.deploy("t/f", COUNT, "?contexts=4").json()
        same((got["contexts"], got["version"]), (4, 2))
        got = d.deploy("t/f", COUNT, "?contexts=4").json()
        same((got["version"], got["replaced"]), (2, False))
        body = {"code": b64(COUNT), "contexts": 16}
        r = d.ask("PUT", "/v1/functions/t/f", json.dumps(body),
                  Content_Type="application/json")
        same((r.status, r.json()["contexts"], r.json()["version"]),
             (200, 16, 3))
        r = d.ask("GET", "/v1/functions/t/f")
        same(r.json()["contexts"], 16)
    with Daemon(defaults__contexts=3) as d:
        same(d.deploy("t/f", COUNT).json()["contexts"], 3)
        same(d.deploy("t/f", COUNT, "?contexts=0").json()["contexts"], 0)
        # The default is for those that can have them: other words are said.
        r = d.ask("PUT", "/v1/functions/t/n?language=native", "nonsense")
        assert r.status in (422, 503), r


def test_wrong_values():
    with Daemon() as d:
        for value in ("-1", "17", "x", "1.5", ""):
            r = d.ask("PUT", f"/v1/functions/t/f?contexts={value}", COUNT,
                      Content_Type="text/x-lua")
            same((r.status, r.code()), (400, "Request.Invalid"))
            has(r.body, "contexts")
        for value in (-1, 17, "4", 1.5, None, True):
            body = {"code": b64(COUNT), "contexts": value}
            r = d.ask("PUT", "/v1/functions/t/f", json.dumps(body),
                      Content_Type="application/json")
            same((r.status, r.code()), (400, "Request.Invalid"))
            has(r.body, "contexts")
        same(d.ask("GET", "/v1/functions/t/f").status, 404)


def test_native_has_none():
    with Daemon() as d:
        for n in (1, 16):
            r = d.ask("PUT", f"/v1/functions/t/n?contexts={n}", "\x7fELF",
                      Content_Type="application/x-sharedlib")
            same((r.status, r.code()), (400, "Request.Invalid"))
            has(r.body, "native code")
        body = {"code": b64("\x7fELF"), "language": "native", "contexts": 1}
        r = d.ask("PUT", "/v1/functions/t/n", json.dumps(body),
                  Content_Type="application/json")
        same((r.status, r.code()), (400, "Request.Invalid"))


def test_command():
    with Daemon() as d:
        out = subprocess.run(
            [GVISORD, "deploy", "-", "t/f", "--language", "lua", "--contexts",
             "5", "--socket", d.socket], input=COUNT, text=True,
            capture_output=True, check=False)
        same((out.returncode, out.stderr), (0, ""))
        same(d.ask("GET", "/v1/functions/t/f").json()["contexts"], 5)
        out = subprocess.run([GVISORD, "describe", "t/f", "--socket",
                              d.socket], text=True, capture_output=True,
                             check=False)
        assert ["contexts", "5"] in [line.split() for line in
                                     out.stdout.splitlines()], out.stdout


def test_nothing_is_left():
    with Daemon(workers=1) as d:
        d.deploy("t/f", COUNT)
        same(calls(d, "t/f", 3), [1, 2, 3])
        d.deploy("t/f", COUNT, "?contexts=4")
        same(calls(d, "t/f", 30), [1] * 30)
        d.deploy("t/s", SPOIL, "?contexts=1")
        for _ in range(5):
            same(d.invoke("t/s", "1").code(), "Function.Error")
            same(calls(d, "t/s"), [["A", True]])
        # It was one isolate that did all this.
        stats = d.ask("GET", "/v1/functions/t/s").json()["stats"]
        same((stats["cold_starts"], stats["calls"]), (0, 10))


def test_prepared_by_the_idle():
    with Daemon(workers=1) as d:
        d.deploy("t/f", CHUNK, "?contexts=4")
        wait_for("four contexts", lambda: chunks(d) == 4)
        time.sleep(0.1)
        same(chunks(d), 4)
        same(calls(d, "t/f", 1, "7"), [7])
        wait_for("one more", lambda: chunks(d) == 5)
        # A handler's error ends its own context.
        same(d.invoke("t/f", "1").code(), "Function.Error")
        wait_for("one more", lambda: chunks(d) == 6)
        same(calls(d, "t/f", 20, "7"), [7] * 20)
        wait_for("twenty more", lambda: chunks(d) == 26)
        same(idle(d, "t/f"), 1)
        same(d.ask("GET", "/v1/functions/t/f").json()["stats"]["cold_starts"],
             0)


def test_an_end_takes_them_along():
    with Daemon(workers=1) as d:
        d.deploy("t/f", CHUNK, "?contexts=3&timeout_ms=300")
        wait_for("three contexts", lambda: chunks(d) == 3)
        same(d.invoke("t/f", "2").code(), "Sandbox.Timeout")
        same(calls(d, "t/f", 1, "7"), [7])
        # A new isolate: its first, and as many as were used up and wanted.
        wait_for("as many in another isolate", lambda: chunks(d) == 3 + 1 + 3)


def test_warm():
    with Daemon(workers=1) as d:
        d.deploy("t/f", CHUNK, "?contexts=4&idle_ttl_ms=600000")
        wait_for("four contexts", lambda: chunks(d) == 4)
        r = d.ask("POST", "/v1/functions/t/f/warm", '{"isolates":5}')
        same(r.json(), {"isolates": 5, "made": 4})
        wait_for("all contexts", lambda: chunks(d) >= 20)
        time.sleep(0.1)
        same(chunks(d), 20)


def late(what):
    """A chunk that does it once a second has passed."""
    return (f"log('chunk') if time.ms() > {int(time.time() * 1000) + 1000} "
            f"then {what} end return function(e) return e end")


def test_chunk_that_raises_when_nobody_waits():
    with Daemon(workers=1) as d:
        d.deploy("t/f", late("error('too late')"),
                 "?contexts=3&idle_ttl_ms=60000")
        wait_for("three contexts", lambda: chunks(d) == 3)
        time.sleep(1.1)
        for left in (2, 1, 0):
            same(calls(d, "t/f", 1, "7"), [7])
            wait_for("a try", lambda n=left: chunks(d) == 3 + 3 - n)
            wait_for("the log", lambda n=left:
                     d.log().count("too late") == 3 - n)
            same(idle(d, "t/f"), 1)
        r = d.invoke("t/f", "7")
        same(r.code(), "Code.LoadFailed")
        has(r.json()["detail"], "f:1: too late")


def test_chunk_that_never_ends_when_nobody_waits():
    with Daemon(workers=1) as d:
        d.deploy("t/echo", ECHO)
        d.deploy("t/f", late("while true do end"),
                 "?contexts=3&timeout_ms=300&idle_ttl_ms=60000")
        wait_for("three contexts", lambda: chunks(d) == 3)
        time.sleep(1.1)
        same(calls(d, "t/f", 1, "7"), [7])
        wait_for("the end of the isolate", lambda: idle(d, "t/f") == 0)
        same(calls(d, "t/echo", 1, "8"), [8])
        same(d.invoke("t/f", "7").code(), "Sandbox.Timeout")
        same(calls(d, "t/echo", 1, "8"), [8])


def test_memory():
    with Daemon(workers=1) as d:
        d.deploy("t/f", "t = {} for i = 1, 2000 do t[i] = {i} end "
                 "return function() for i = 1, 5000 do t[i] = {i} end "
                 "return #t end", "?contexts=4&memory_mb=4")
        same(calls(d, "t/f", 500), [5000] * 500)
        d.deploy("t/b", "t = ('x'):rep(300000) return function(n) "
                 "return #('y'):rep(n) end", "?contexts=16&memory_mb=4")
        time.sleep(0.2)
        # What is prepared leaves room for calls.
        same(calls(d, "t/b", 5, "400000"), [400000] * 5)
        r = d.invoke("t/b", "4000000")
        same((r.status, r.code()), (502, "Function.OutOfMemory"))
        same(calls(d, "t/b", 5, "400000"), [400000] * 5)


def test_compiled_code_is_the_same():
    code = "#!/usr/bin/lua\nlocal function f(x)\n return x.y\nend\n" \
           "return function(e)\n local r = f(e) return r end"
    with Daemon(workers=1) as d:
        for query in ("?idle_ttl_ms=0", "?idle_ttl_ms=0&contexts=2"):
            d.deploy("t/f", code, query)
            # The first isolate had the text, all others have not.
            details = []
            for _ in range(3):
                r = d.invoke("t/f")
                same(r.code(), "Function.Error")
                details.append(r.json()["detail"])
            same(details[0], details[1])
            same(details[1], details[2])
            has(details[0], "f:3: attempt to index a nil value (local 'x')")
            has(details[0], "f:6: in function <f:5>")
        for text in ("\x1bLua", "\x1bLuaT\0\x19\x93\r\n\x1a\n"):
            r = d.ask("PUT", "/v1/functions/t/b", text,
                      Content_Type="text/x-lua")
            same((r.status, r.code()), (422, "Code.Rejected"))


PART = """function M.f%d(order, rate)
    local total, seen = 0, {}
    for i, item in ipairs(order.items or {}) do
        if item.kind == "kind-%d" and not seen[item.id] then
            total = total + item.count * (item.price or 0) * rate
        end
    end
    return {total = total, currency = "EUR", id = order.id}
end
"""


def test_compiled_code_fits_where_its_text_did():
    """At the edge of the budget: what was registered can be called."""
    with Daemon(workers=1) as d:
        for contexts in (0, 2):
            query = f"?memory_mb=1&idle_ttl_ms=0&contexts={contexts}"
            for parts in range(40, 400, 5):
                code = "local M = {}\n" + "".join(
                    PART % (i, i) for i in range(parts)) + \
                    "function M.handler(e) return e end return M"
                r = d.ask("PUT", f"/v1/functions/t/f{query}", code,
                          Content_Type="text/x-lua")
                if r.status not in (200, 201):
                    same(r.code(), "Function.OutOfMemory")
                    break
                same(calls(d, "t/f", 2, "7"), [7, 7])
            assert 100 < parts < 395, parts


if __name__ == "__main__":
    run(sys.modules["__main__"])
