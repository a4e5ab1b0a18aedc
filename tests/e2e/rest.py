"""Every route of the native API, and what it says to wrong input."""

import json
import os
import re
import subprocess
import sys
import time

from harness import Daemon, ECHO, GVISORD, b64, has, run, same

LUA = {"Content_Type": "text/x-lua"}
JSON = {"Content_Type": "application/json"}
FN = "/v1/functions/t/f"


def test_probes():
    with Daemon() as d:
        same(d.ask("GET", "/livez").json(), {"status": "ok"})
        ready = d.ask("GET", "/readyz").json()
        same(ready["status"], "ready")
        assert ready["isolation"] in ("mpk", "software"), ready
        same(d.ask("GET", "/version").json()["name"], "gvisord")
        same(d.ask("HEAD", "/livez").status, 200)


def test_life_of_a_function():
    with Daemon() as d:
        r = d.ask("PUT", FN + "?entry=handler&memory_mb=8&timeout_ms=1500"
                  "&idle_ttl_ms=100", ECHO, **LUA)
        same(r.status, 201)
        same(r.headers["location"], FN)
        desc = r.json()
        for key, want in {"tenant": "t", "name": "f", "version": 1,
                          "language": "lua", "entry": "handler",
                          "memory_mb": 8, "timeout_ms": 1500,
                          "idle_ttl_ms": 100, "replaced": False,
                          "code_bytes": len(ECHO)}.items():
            same(desc[key], want)
        r = d.ask("POST", FN + "/invoke", '{"a":[1,2,"x"]}')
        same(r.status, 200)
        same(r.json(), {"a": [1, 2, "x"]})
        same(r.headers["content-type"], "application/json")
        same(r.headers["gvisor-version"], "1")
        assert len(r.headers["gvisor-invocation-id"]) == 26, r
        has(r.headers["server-timing"], "queue;dur=")
        has(r.headers["server-timing"], "run;dur=")
        same(d.ask("GET", FN).json()["stats"]["errors"], 0)
        same(d.ask("DELETE", FN).status, 204)
        same(d.ask("GET", FN).code(), "Function.NotFound")
        same(d.ask("DELETE", FN).status, 404)
        same(d.ask("POST", FN + "/invoke", "1").code(), "Function.NotFound")


def test_versions():
    with Daemon() as d:
        same(d.ask("PUT", FN, ECHO, **LUA).status, 201)
        r = d.ask("PUT", FN, ECHO, **LUA)
        same((r.status, r.json()["version"]), (200, 1))
        same(r.json()["replaced"], False)
        r = d.ask("PUT", FN, "return function() return 2 end", **LUA)
        same((r.status, r.json()["version"]), (200, 2))
        same(r.json()["replaced"], True)
        r = d.ask("POST", FN + "/invoke", "1")
        same((r.body, r.headers["gvisor-version"]), (b"2", "2"))
        # New options alone make a version too.
        r = d.ask("PUT", FN + "?timeout_ms=9",
                  "return function() return 2 end", **LUA)
        same((r.status, r.json()["version"]), (200, 3))


def test_json_form():
    with Daemon() as d:
        body = {"language": "lua", "entry": "go", "memory_mb": 16,
                "code": b64("function go(x) return x + 1 end")}
        r = d.ask("PUT", FN, json.dumps(body), **JSON)
        same(r.status, 201)
        same(d.ask("POST", FN + "/invoke", "41").body, b"42")


def test_an_idle_isolate_may_be_kept():
    with Daemon() as d:
        r = d.ask("PUT", FN + "?idle_ttl_ms=-1", ECHO, **LUA)
        same((r.status, r.json()["idle_ttl_ms"]), (201, -1))
        body = {"code": b64(ECHO), "idle_ttl_ms": -1}
        r = d.ask("PUT", FN, json.dumps(body), **JSON)
        same((r.status, r.json()["version"]), (200, 1))
        for wrong in ("-2", "-0", "+1", "3600001"):
            r = d.ask("PUT", FN + "?idle_ttl_ms=" + wrong, ECHO, **LUA)
            same((r.status, r.code()), (400, "Request.Invalid"))
            has(r.json()["detail"], "0 to 3600000, or -1")
        for wrong in (-2, -1.0, "-1", None):
            body["idle_ttl_ms"] = wrong
            r = d.ask("PUT", FN, json.dumps(body), **JSON)
            same((r.status, r.code()), (400, "Request.Invalid"))
        # A field that may not be -1.
        body = {"code": b64(ECHO), "timeout_ms": -1}
        same(d.ask("PUT", FN, json.dumps(body), **JSON).status, 400)


def refused(d, path, body, headers, status, code, *says):
    r = d.ask("PUT", path, body, **headers)
    same((r.status, r.code()), (status, code))
    for part in says:
        has(r.json()["detail"], part)


def test_wrong_registrations():
    with Daemon() as d:
        bad = (400, "Request.Invalid")
        refused(d, "/v1/functions/T/f", ECHO, LUA, *bad, "tenant")
        refused(d, "/v1/functions/t/f%41", ECHO, LUA, *bad, "name")
        refused(d, "/v1/functions/t/" + "x" * 64, ECHO, LUA, *bad, "name")
        refused(d, FN + "?memory=1", ECHO, LUA, *bad, "memory_mb")
        refused(d, FN + "?memory_mb=0", ECHO, LUA, *bad, "memory_mb")
        refused(d, FN + "?memory_mb=x", ECHO, LUA, *bad, "memory_mb")
        refused(d, FN + "?memory_mb=1&memory_mb=1", ECHO, LUA, *bad, "repeat")
        refused(d, FN + "?timeout_ms=999999999", ECHO, LUA, *bad, "timeout_ms")
        refused(d, FN + "?language=cobol", ECHO, {}, *bad, "lua")
        refused(d, FN, "", LUA, *bad, "empty")
        refused(d, FN, ECHO, {}, 415, "Request.UnsupportedType", "language=")
        refused(d, FN, "{", JSON, 400, "Request.BadJson", "line 1")
        refused(d, FN, "[]", JSON, 400, "Request.BadJson", "object")
        refused(d, FN, "{}", JSON, *bad, "code")
        refused(d, FN, '{"code":"%%"}', JSON, *bad, "Base64")
        refused(d, FN, '{"code":"","entri":"x"}', JSON, *bad, "entry")
        refused(d, FN, '{"code":"","memory_mb":"8"}', JSON, *bad, "memory_mb")
        refused(d, FN, "this is no Lua", LUA, 422, "Code.LoadFailed", "1")
        refused(d, FN, "x = 1", LUA, 422, "Code.EntryMissing")
        refused(d, FN, "\x1bLua", LUA, 422, "Code.Rejected")
        same(d.ask("GET", "/v1/functions").json()["total"], 0)


def test_lists_and_paging():
    with Daemon() as d:
        for name in ("a/z", "b-c/x", "b/x", "b/y", "c/x"):
            d.deploy(name, ECHO)
        def names(path):
            page = d.ask("GET", path).json()
            return ([f"{f['tenant']}/{f['name']}" for f in page["functions"]],
                    page.get("next"))
        same(names("/v1/functions"),
             (["a/z", "b-c/x", "b/x", "b/y", "c/x"], None))
        same(names("/v1/functions/b"), (["b/x", "b/y"], None))
        same(names("/v1/functions/b?limit=1"), (["b/x"], "b/x"))
        same(names("/v1/functions/b?limit=1&after=b/x"), (["b/y"], None))
        same(names("/v1/functions?limit=2&after=b%2Fx"),
             (["b/y", "c/x"], None))
        same(names("/v1/functions/none"), ([], None))
        same(d.ask("GET", "/v1/functions?limit=0").status, 400)
        same(d.ask("GET", "/v1/functions/B").status, 400)


def test_info_isolates_metrics():
    with Daemon() as d:
        d.deploy("t/f", ECHO)
        for _ in range(3):
            same(d.invoke("t/f", "1").status, 200)
        info = d.ask("GET", "/v1/info").json()
        same(info["functions"], 1)
        assert info["workers"] >= 1 and info["uptime_s"] >= 0, info
        assert any(e["name"] == "lua" for e in info["languages"]), info
        isolates = d.ask("GET", "/v1/isolates").json()
        assert isolates["total"] >= 1, isolates
        one = isolates["isolates"][0]
        same((one["function"], one["state"]), ("t/f", "idle"))
        text = d.ask("GET", "/metrics")
        same(text.headers["content-type"], "text/plain; version=0.0.4")
        has(text.body, 'gvisord_invocations_total{code="OK",start="warm"}')
        has(text.body, 'gvisord_function_calls_total{tenant="t",'
                       'function="f"} 3')
        has(text.body, "gvisord_invocation_seconds_bucket")
        # The load at registration is no call.
        same(d.ask("GET", FN).json()["stats"]["calls"], 3)


def test_calls_are_invocations():
    with Daemon() as d:
        d.deploy("t/f", ECHO)
        def stats():
            return d.ask("GET", FN).json()["stats"]
        same((stats()["calls"], stats()["errors"]), (0, 0))
        same(d.invoke("t/f", "1").status, 200)
        same(d.invoke("t/f", "{").status, 400)
        same((stats()["calls"], stats()["errors"]), (2, 1))
        d.deploy("t/f", "return function() return 2 end")
        same((stats()["calls"], stats()["errors"]), (0, 0))


def test_process_metrics():
    with Daemon() as d:
        text = d.ask("GET", "/metrics").body.decode()
        got = {}
        for line in text.splitlines():
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                assert name not in got, line
                got[name] = float(value)
        def scraped(name):
            with d.client() as c:
                same(c.ask("GET", "/livez").status, 200)
                body = c.ask("GET", "/metrics").body.decode()
            return float(re.search(f"^{name} (.*)$", body, re.M)[1])
        pid = d.process.pid
        # A client that has gone may still be counted, on either side.
        seen = len(os.listdir(f"/proc/{pid}/fd"))
        assert abs(got["process_open_fds"] - seen) <= 3, (got, seen)
        assert got["process_max_fds"] >= got["process_open_fds"], got
        same(got["process_threads"], len(os.listdir(f"/proc/{pid}/task")))
        for name, least, most in (
                ("process_resident_memory_bytes", 1 << 20, 1 << 28),
                ("process_virtual_memory_bytes", 1 << 26, 1 << 47),
                ("process_cpu_seconds_total", 0, 60),
                ("process_start_time_seconds", time.time() - 60,
                 time.time() + 2)):
            assert least <= got[name] <= most, (name, got[name])
        more = [d.client() for _ in range(20)]
        for c in more:
            same(c.ask("GET", "/livez").status, 200)
        now = scraped("process_open_fds") - got["process_open_fds"]
        assert 17 <= now <= 23, now
        for c in more:
            c.sock.close()


def test_largest_budget():
    with Daemon() as d:
        same(d.deploy("t/f", ECHO, "?memory_mb=1024").json()["memory_mb"], 1024)
        same(d.invoke("t/f", "1").body, b"1")
        r = d.ask("PUT", FN + "?memory_mb=1025", ECHO, **LUA)
        has(r.json()["detail"], "1024")
    for knob in ("limits.memory_mb", "defaults.memory_mb"):
        r = subprocess.run([GVISORD, "serve", "--set", knob + "=1025"],
                           capture_output=True, timeout=20, check=False)
        same(r.returncode, 2)
        has(r.stderr, knob + ": 1025 is out of range (1 to 1024)")


def test_reals_are_short():
    with Daemon() as d:
        d.deploy("default/f", "return function(e) return e end")
        def cli(*args):
            r = subprocess.run([GVISORD, *args, "-o", "json"], timeout=20,
                               env=dict(os.environ, GVISORD_SOCKET=d.socket),
                               capture_output=True, check=True)
            return r.stdout.decode()
        for _ in range(3):
            same(d.invoke("default/f", "1").status, 200)
        for text in (cli("list"), cli("ps"), cli("describe", "f"),
                     d.ask("GET", "/v1/functions").body.decode(),
                     d.ask("GET", "/v1/isolates").body.decode(),
                     d.ask("GET", "/v1/info").body.decode()):
            for real in re.findall(r"\d+\.\d+(?:e-?\d+)?", text):
                digits = re.sub(r"e.*|\.", "", real).lstrip("0")
                assert len(digits) <= 15, text
        # What a function said keeps all its digits.
        has(cli("invoke", "f", "[0.1]"), " 0.1\n")
        for exact in (0.1 + 0.2, 1 / 3, 5e-324):
            same(json.loads(cli("invoke", "f", repr(exact)))["reply"], exact)


def test_unknown_paths_and_methods():
    with Daemon() as d:
        same(d.ask("GET", "/nope").code(), "Request.NotFound")
        r = d.ask("PATCH", FN)
        same(r.status, 405)
        same(r.headers["allow"], "PUT, GET, HEAD, DELETE")
        same(d.ask("GET", FN + "/invoke").status, 405)
        for path in ("/v1/info", "/v1/isolates", "/metrics", "/livez",
                     "/healthz", "/readyz", "/version"):
            same(d.ask("GET", path + "?x=1").code(), "Request.Invalid")
        same(d.ask("POST", FN + "/invoke?x=1", "1").status, 400)


def test_every_problem_has_a_detail():
    with Daemon(limits__request_bytes=1024, limits__code_bytes=4096) as d:
        def says(part, *args, **headers):
            has(d.ask(*args, **headers).json()["detail"], part)
        says("no route", "GET", "/nope")
        says("takes PUT, GET, HEAD, DELETE", "PATCH", FN)
        says('"t/none"', "POST", "/v1/functions/t/none/invoke", "1")
        says('"t/none"', "GET", "/v1/functions/t/none")
        says("begin with", "POST", "/v1/functions/T/f/invoke", "1")
        says("begin with", "GET", "/v1/functions/T/f")
        says("1024 bytes", "POST", FN + "/invoke", "1" * 1025)
        says("too large", "PUT", FN, "x" * 4097, **LUA)


def test_paper_calls_keep_the_limit_of_requests():
    with Daemon(limits__request_bytes=1024) as d:
        d.deploy("default/f", ECHO)
        for n, status in ((1022, 200), (1023, 413)):
            body = {"method": "invoke", "fid": "f",
                    "args": json.dumps("x" * n)}
            same(d.ask("POST", "/", json.dumps(body)).status, status)


def test_admin_over_tcp():
    with Daemon(tcp=True) as d:
        d.deploy("t/f", ECHO)
        with d.tcp_client() as c:
            same(c.ask("POST", FN + "/invoke", "5").body, b"5")
            same(c.ask("GET", FN).status, 200)
            same(c.ask("DELETE", FN).code(), "Auth.Denied")
            same(c.ask("PUT", FN, ECHO, **LUA).code(), "Auth.Denied")
            body = '{"method":"deregister","fid":"t/f"}'
            same(c.ask("POST", "/", body).code(), "Auth.Denied")
            body = '{"method":"invoke","fid":"t/f","args":"6"}'
            same(c.ask("POST", "/", body).body, b"6")


def test_paper_form():
    with Daemon() as d:
        def call(**members):
            return d.ask("POST", "/", json.dumps(members))
        same(call(method="register", fid="f", fep="main", mem=64 << 20,
                  code=b64("function main(a) return {sum = a.x + a.y} end")
                  ).body, b"true")
        r = call(method="invoke", fid="f", args='{"x":1,"y":2}')
        same((r.status, r.json()), (200, {"sum": 3}))
        same(call(method="invoke", fid="f", args={"x": 2, "y": 2}).json(),
             {"sum": 4})
        same(d.ask("GET", "/v1/functions/default/f").json()["entry"], "main")
        same(call(method="deregister", fid="f").body, b"true")
        same(call(method="deregister", fid="f").body, b"false")
        r = call(method="invoke", fid="f", args="{}")
        same((r.status, r.code()), (404, "Function.NotFound"))
        r = call(method="register", fid="f", code=b64("not lua"))
        same((r.status, r.body), (200, b"false"))
        same(r.headers["gvisor-code"], "Code.LoadFailed")
        for wrong, says in (({"method": "zap"}, 'no method "zap"'),
                            ({"method": "fly\n", "fid": "f"}, "fly\\n"),
                            ({"fid": "f"}, '"method" is missing')):
            r = call(**wrong)
            same((r.status, r.code()), (400, "Request.Invalid"))
            has(r.json()["detail"], says)
            has(r.json()["detail"], "register, invoke and deregister")
        for method in ("register", "invoke", "deregister"):
            r = call(method=method)
            same((r.status, r.code()), (400, "Request.Invalid"))
            has(r.json()["detail"], '"fid" is missing')


def test_paper_scripts():
    with Daemon() as d:
        r = d.ask("POST", "/register?name=g&language=lua&entryPoint=main",
                  "function main(a) return a end")
        same((r.status, r.body), (200, b"Function g registered!"))
        same(d.invoke("default/g", "7").body, b"7")
        same(d.ask("POST", "/deregister", '{"name":"g"}').status, 200)
        same(d.ask("POST", "/deregister", '{"name":"g"}').status, 404)
        same(d.ask("POST", "/deregister", "[]").code(), "Request.BadJson")


if __name__ == "__main__":
    run(sys.modules[__name__])
