"""Native functions as their users see them, without hardware keys: refused,
unless --unsafe-native is given, and then they work."""

import base64
import json
import os
import subprocess
import sys
import tempfile
import time

from harness import Daemon, ECHO, GVISORD, has, run, same, wait_for

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__))))
WHERE = tempfile.TemporaryDirectory()
FLAGS = ["-O1", "-shared", "-fPIC", "-nostdlib", "-fno-stack-protector",
         "-U_FORTIFY_SOURCE", "-I", os.path.join(TOP, "include")]

# One function that does what the request's first word says.
ZOO = r"""
#include <gvisor/function.h>
#include <ctype.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

static int calls, constructed;
static int *pointer = &calls;
static char big[1 << 20];
static char text[256];

__attribute__((constructor)) static void construct(void) { constructed = 42; }

__attribute__((noinline)) static int recurse(volatile char *from, int depth)
{
    volatile char here[512];

    here[0] = from[0] + 1;
    return depth ? recurse(here, depth + 1) + here[0] : 0;
}

__attribute__((noinline)) void culprit(void) { *(volatile int *)8 = 1; }

static int reply(struct gv_response *res, const char *what)
{
    res->body = what;
    res->body_len = strlen(what);
    return 0;
}

int handler(const struct gv_request *req, struct gv_response *res)
{
    const char *body = req->body;
    volatile int spin = 1;

    (*pointer)++;
    big[sizeof(big) - 1]++;
    if (!strcmp(body, "\"count\"")) {
        snprintf(text, sizeof(text), "[%d,%d,%d]", calls, constructed,
                 big[sizeof(big) - 1]);
        return reply(res, text);
    }
    if (!strcmp(body, "\"who\"")) {
        snprintf(text, sizeof(text), "%s/%s v%d %s %zu", req->tenant,
                 req->function, (int)req->version, req->id, req->body_len);
        res->kind = GV_TEXT;
        return reply(res, text);
    }
    if (!strcmp(body, "\"echo\"") || body[0] == '[') {
        res->body = malloc(req->body_len);
        memcpy((void *)res->body, body, req->body_len);
        res->body_len = req->body_len;
        res->flags = GV_FREE;
        return 0;
    }
    if (!strcmp(body, "\"crash\""))
        culprit();
    if (!strcmp(body, "\"code\""))
        *(volatile char *)(uintptr_t)&handler = 1;
    if (!strcmp(body, "\"ud\""))
        __builtin_trap();
    if (!strcmp(body, "\"zero\""))
        return spin / (spin - 1);
    if (!strcmp(body, "\"stack\""))
        return recurse(text, 1);
    if (!strcmp(body, "\"spin\""))
        while (spin)
            ;
    if (!strcmp(body, "\"abort\""))
        abort();
    if (!strcmp(body, "\"exit\""))
        exit(3);
    if (!strcmp(body, "\"fail\""))
        gv_fail("as asked");
    if (!strcmp(body, "\"error\"")) {
        reply(res, "no such thing");
        return -7;
    }
    if (!strcmp(body, "\"bare\""))
        return 5;
    if (!strcmp(body, "\"bomb\"")) {
        size_t n = 0;

        while (malloc(1 << 20))
            n++;
        snprintf(text, sizeof(text), "%zu", n);
        return reply(res, text);
    }
    if (!strcmp(body, "\"outside\"")) {
        res->body = (void *)0x1000;
        res->body_len = 100;
        return 0;
    }
    if (!strcmp(body, "\"runtime\""))
        return reply(res, (const char *)*__ctype_b_loc());
    if (!strcmp(body, "\"constant\""))
        return reply(res, "[\"a literal is the function's own\"]");
    if (!strcmp(body, "\"latin\"")) {
        res->kind = GV_TEXT;
        return reply(res, "gr\xfcn");
    }
    if (!strcmp(body, "\"deep\""))
        return reply(res, memset(malloc(5000), '[', 2000));
    if (!strcmp(body, "\"twice\"") || !strcmp(body, "\"gv_twice\"")) {
        void *p = malloc(100);
        void (*volatile release)(void *) = body[1] == 't' ? free : gv_free;

        free(p);
        release(p);
    }
    if (!strcmp(body, "\"gift\"")) {
        res->flags = GV_FREE;
        return reply(res, text);
    }
    if (!strcmp(body, "\"broken\""))
        return reply(res, "{\"a\":");
    if (!strcmp(body, "\"bytes\"")) {
        res->kind = GV_BYTES;
        res->body = "\xff\0\xfe";
        res->body_len = 3;
        return 0;
    }
    if (!strcmp(body, "\"log\""))
        gv_logf(GV_WARN, "seen %d %s", 7, "times");
    return 0;
}
"""


def compiled(source, name, *more):
    path = os.path.join(WHERE.name, name)
    subprocess.run(["gcc", *FLAGS, "-x", "c", "-", "-o", path, *more],
                   input=source, text=True, check=True, capture_output=True)
    return path


def bytes_of(path):
    with open(path, "rb") as f:
        return f.read()


def put(d, name, path, query=""):
    return d.ask("PUT", f"/v1/functions/{name}{query}", bytes_of(path),
                 Content_Type="application/x-sharedlib")


def zoo(d, name="t/zoo", query=""):
    r = put(d, name, compiled(ZOO, "zoo.so"), query)
    assert r.status in (200, 201), r
    return r.json()


def targets(pid):
    """What the process's descriptors are."""
    where = f"/proc/{pid}/fd"
    for n in os.listdir(where):
        try:
            yield os.readlink(os.path.join(where, n))
        except FileNotFoundError:
            pass


def unsafe(**knobs):
    return Daemon("--isolation", "software", "--unsafe-native", **knobs)


def test_refused_without_keys():
    path = compiled(ZOO, "zoo.so")
    with Daemon("--isolation", "software") as d:
        r = put(d, "t/zoo", path)
        same((r.status, r.code()), (503, "Isolation.Unavailable"))
        has(r.body, "--unsafe-native")
        names = [e["name"] for e in
                 d.ask("GET", "/v1/info").json()["languages"]]
        same(names, ["lua"])
    r = subprocess.run([GVISORD, "run", "--isolation", "software", path],
                       capture_output=True, check=False, timeout=20)
    same(r.returncode, 7)
    has(r.stderr, "Isolation.Unavailable")


def test_unsafe_is_loud():
    with unsafe() as d:
        has(d.log(), "UNSAFE")
        info = d.ask("GET", "/v1/info").json()
        same(info["unsafe_native"], True)
        same([e["name"] for e in info["languages"]], ["lua", "native"])
        same(d.ask("GET", "/readyz").json()["unsafe_native"], True)
    r = subprocess.run(
        [GVISORD, "serve", "--unsafe-native", "--require-mpk",
         "--check-config"], capture_output=True, check=False, timeout=20)
    assert r.returncode != 0
    has(r.stderr, "contradicts")


def test_a_function_works():
    with unsafe(workers=1) as d:
        f = zoo(d)
        same(f["language"], "native")
        has(d.log(), "UNSAFE: nothing keeps this native function")
        same(f["code_bytes"], os.path.getsize(
            os.path.join(WHERE.name, "zoo.so")))
        # Constructed once, data kept from call to call, one isolate.
        for n in range(1, 4):
            r = d.invoke("t/zoo", '"count"')
            same((r.status, r.json()), (200, [n, 42, n]))
            same(r.headers["content-type"], "application/json")
        r = d.invoke("t/zoo", '"who"')
        has(r.headers["content-type"], "text/plain")
        same(r.body.decode().split()[:2], ["t/zoo", "v1"])
        same(r.body.decode().split()[2], r.headers["gvisor-invocation-id"])
        same(d.invoke("t/zoo", '"nothing"').body, b"null")
        r = d.invoke("t/zoo", '"bytes"')
        same((r.body, r.headers["content-type"]),
             (b"\xff\0\xfe", "application/octet-stream"))
        same(d.invoke("t/zoo", '"log"').status, 200)
        wait_for("the log line", lambda: "seen 7 times" in d.log())


def test_bodies_of_all_sizes():
    with unsafe(workers=1) as d:
        zoo(d)
        for n in [2, 100, 4094, 4095, 4096, 4097, 5000, 1 << 16, 3 << 20]:
            body = "[" + " " * (n - 2) + "]"
            r = d.invoke("t/zoo", body)
            same((r.status, len(r.body)), (200, n))
            same(r.body, body.encode())


def test_what_breaks_ends_alone():
    cases = [
        ("crash", 502, "Function.Crashed", "SIGSEGV at address 0x8 at "
         "culprit+0x"),
        ("code", 502, "Function.Crashed", "handler+0x"),
        ("ud", 502, "Function.Crashed", "SIGILL"),
        ("zero", 502, "Function.Crashed", "SIGFPE"),
        ("stack", 502, "Function.Crashed", "overran its stack"),
        ("abort", 502, "Function.Crashed", "abort() at handler+0x"),
        ("exit", 502, "Function.Crashed", "exit(3) at handler+0x"),
        ("fail", 502, "Function.Error", "as asked"),
        ("error", 502, "Function.Error", "no such thing"),
        ("bare", 502, "Function.Error", "5"),
        ("broken", 502, "Function.ResponseInvalid", ""),
        ("outside", 502, "Function.ResponseInvalid",
         "not in the function's memory"),
        ("runtime", 502, "Function.ResponseInvalid",
         "not in the function's memory"),
        ("constant", 200, None, ""),
        ("latin", 502, "Function.ResponseInvalid", "UTF-8, from byte 2"),
        ("deep", 502, "Function.ResponseInvalid", "deeper than 1024"),
        ("twice", 502, "Function.Crashed", "free(): not a block of the heap, "
         "or freed before at handler+0x"),
        ("gv_twice", 502, "Function.Crashed", "gv_free(): not a block"),
        ("gift", 502, "Function.Crashed", "GV_FREE: the body is not a block "
         "of the heap, or freed before at handler+0x0"),
        ("spin", 504, "Sandbox.Timeout", "300 ms"),
    ]
    with unsafe(workers=1) as d:
        zoo(d, query="?timeout_ms=300")
        d.deploy("t/lua", ECHO)
        for word, status, code, text in cases:
            r = d.invoke("t/zoo", f'"{word}"')
            assert r.status == status, (word, r)
            if code:
                same((word, r.code()), (word, code))
                has(r.json()["detail"], text)
            same(d.invoke("t/lua", "1").body, b"1")
            same(d.invoke("t/zoo", '"nothing"').status, 200)
        stats = d.ask("GET", "/v1/functions/t/zoo").json()["stats"]
        same(stats["errors"], len([c for c in cases if c[1] != 200]))


def test_errors_keep_the_isolate_and_ends_do_not():
    with unsafe(workers=1) as d:
        zoo(d)
        for word, kept in [("error", True), ("broken", True), ("fail", False),
                           ("outside", True), ("runtime", True),
                           ("latin", True), ("deep", True), ("twice", False),
                           ("gift", False), ("abort", False),
                           ("crash", False)]:
            before = d.invoke("t/zoo", '"count"').json()[0]
            assert d.invoke("t/zoo", f'"{word}"').status == 502
            after = d.invoke("t/zoo", '"count"').json()[0]
            same((word, after), (word, before + 2 if kept else 1))


def test_memory_budget():
    with unsafe(workers=1) as d:
        zoo(d, query="?memory_mb=8")
        # Code, stack and the big array take their share of it.
        same(d.invoke("t/zoo", '"bomb"').body, b"6")
        r = put(d, "t/zoo2", os.path.join(WHERE.name, "zoo.so"),
                "?memory_mb=1")
        same(r.code(), "Function.OutOfMemory")
        has(r.json()["detail"], "does not fit")


def test_two_isolates_share_no_byte():
    with unsafe(workers=2) as d:
        zoo(d)
        # By number of calls: each isolate counts for itself.
        counts = {}
        clients = [d.client() for _ in range(8)]
        for _ in range(20):
            for c in clients:
                n, _, _ = c.ask("POST", "/v1/functions/t/zoo/invoke",
                                '"count"').json()
                counts[n] = counts.get(n, 0) + 1
        for c in clients:
            c.sock.close()
        isolates = d.ask("GET", "/v1/isolates").json()["isolates"]
        # Every isolate had a first call, and as many as it says.
        same(counts[1], len(isolates))
        same(sum(i["calls"] for i in isolates), 160)
        with open(f"/proc/{d.process.pid}/maps", encoding="ascii") as f:
            lines = [l for l in f if "gvisord-code" in l]
        assert len([l for l in lines if " r-xp " in l]) >= len(isolates), lines
        assert not [l for l in lines if "wx" in l], lines


def test_replaced_while_busy():
    slow = ZOO.replace('"[%d,%d,%d]"', '"[0,%d,%d,%d]"')
    with unsafe(workers=2) as d:
        zoo(d, query="?timeout_ms=1000")
        with d.client() as busy:
            busy.send("POST /v1/functions/t/zoo/invoke HTTP/1.1\r\n"
                      'Host: x\r\nContent-Length: 6\r\n\r\n"spin"')
            time.sleep(0.2)
            r = put(d, "t/zoo", compiled(slow, "slow.so"))
            same((r.status, r.json()["replaced"]), (200, True))
            same(d.invoke("t/zoo", '"count"').json(), [0, 1, 42, 1])
            same(busy.reply().status, 504)
        same(d.ask("DELETE", "/v1/functions/t/zoo").status, 204)

        def unmapped():
            with open(f"/proc/{d.process.pid}/maps", encoding="ascii") as f:
                return "gvisord-code" not in f.read()
        wait_for("the end of all code", unmapped)
        wait_for("the end of its files", lambda: not [
            t for t in targets(d.process.pid) if "gvisord-code" in t])


def test_rejected():
    bad = ZOO + '\nvoid evil(void) { __asm__(".byte 0x0f, 0x01, 0xef"); }'
    with unsafe() as d:
        r = put(d, "t/bad", compiled(bad, "bad.so"))
        same((r.status, r.code()), (422, "Code.Rejected"))
        has(r.json()["detail"], "wrpkru")
        one = r.json()["refusals"][0]
        same((one["code"], one["symbol"], one["bytes"][:6]),
             ("wrpkru", "evil", "0f01ef"))
        same(r.json()["counts"], {"wrpkru": 1})
        for body, part in [(b"hello", "not-elf"), (b"\x7fELF", "not-elf"),
                           (bytes_of(GVISORD), "")]:
            r = d.ask("PUT", "/v1/functions/t/bad", body,
                      Content_Type="application/x-sharedlib")
            same((r.status, r.code()), (422, "Code.Rejected"))
            has(r.json()["detail"], part)
        r = put(d, "t/bad", compiled(ZOO, "zoo.so"), "?entry=nobody")
        same((r.status, r.code()), (422, "Code.Rejected"))
        has(r.json()["detail"], "entry-missing")
        same(d.ask("GET", "/v1/functions").json()["total"], 0)


def test_what_was_refused_is_said():
    bad = ZOO + """
        int nobody(int), no_one(int), nothing(void);
        int evil(int n) { __asm__ volatile(".byte 0x0f, 0x01, 0xef");
        return nobody(n) + no_one(n) + nothing(); }
        """
    path = compiled(bad, "bad.so")
    with unsafe() as d:
        env = dict(os.environ, GVISORD_SOCKET=d.socket)
        for form in ("table", "json", "name"):
            r = subprocess.run([GVISORD, "deploy", path, "-o", form], env=env,
                               capture_output=True, check=False, timeout=20)
            same((r.returncode, r.stdout), (7, b""))
            has(r.stderr, "Code.Rejected (status 422)")
            lines = r.stderr.decode().split("\n")
            cells = [l.split() for l in lines]
            has(cells, ["REASON", "WHERE", "BYTES", "WHAT"])
            for name in ("nobody", "no_one", "nothing"):
                has(cells, ["undefined-symbol", "-", "-", name])
            one = [c for c in cells if c[:1] == ["wrpkru"]]
            same(len(one), 1)
            assert one[0][2].startswith("evil+0x"), one
            assert one[0][3].startswith("0f01ef"), one
        detail = put(d, "t/bad", path).json()["detail"]
    r = subprocess.run([GVISORD, "run", "--unsafe-native", path],
                       capture_output=True, check=False, timeout=20)
    same((r.returncode, r.stdout), (7, b""))
    for text in (detail, r.stderr.decode()):
        has(text, "refused: neither the object nor the runtime defines it "
            "(undefined-symbol): n")
        for name in ("nobody", "no_one", "nothing"):
            has(text, name)
        has(text, ", and 1 more")


def test_names_steer_no_terminal():
    path = compiled(ZOO, "zoo.so")
    spoiled = os.path.join(WHERE.name, "spoiled.so")
    with open(spoiled, "wb") as f:
        f.write(bytes_of(path).replace(b"\0culprit\0", b"\0\x1b[2J\ncu\0"))
    r = subprocess.run([GVISORD, "run", "--unsafe-native", spoiled,
                        '"crash"'], capture_output=True, check=False,
                       timeout=20)
    same(r.returncode, 1)
    has(r.stderr, " at \N{REPLACEMENT CHARACTER}[2J"
        "\N{REPLACEMENT CHARACTER}cu+0x")
    same((r.stderr.count(b"\x1b"), r.stderr.count(b"\ncu")), (0, 0))
    with unsafe() as d:
        same(put(d, "t/zoo", spoiled).status, 201)
        detail = d.invoke("t/zoo", '"crash"').json()["detail"]
        has(detail, "\N{REPLACEMENT CHARACTER}cu+0x")
        assert "\x1b" not in d.log(), d.log()


def test_system_call_bytes():
    source = ZOO + '\nvoid call(void) { __asm__("syscall"); }'
    path = compiled(source, "call.so")
    with unsafe() as d:
        same(put(d, "t/call", path).code(), "Code.Rejected")
    with unsafe(isolation__admit_system_calls="true") as d:
        same(put(d, "t/call", path).status, 201)
        same(d.invoke("t/call", '"count"').status, 200)


def test_by_json_and_by_the_paper():
    text = base64.b64encode(bytes_of(compiled(ZOO, "zoo.so"))).decode()
    with unsafe() as d:
        r = d.ask("PUT", "/v1/functions/t/zoo", json.dumps(
            {"language": "native", "code": text}),
            Content_Type="application/json")
        same(r.status, 201)
        same(d.invoke("t/zoo", '"count"').json(), [1, 42, 1])
        r = d.ask("POST", "/", json.dumps(
            {"method": "register", "fid": "old", "fep": "handler",
             "code": text, "language": "native"}),
            Content_Type="application/json")
        same(r.body, b"true")
        r = d.ask("POST", "/", json.dumps(
            {"method": "invoke", "fid": "old", "args": '"count"'}),
            Content_Type="application/json")
        same(r.json(), [1, 42, 1])


def test_command_line():
    path = compiled(ZOO, "zoo.so")
    r = subprocess.run([GVISORD, "run", "--isolation", "software",
                        "--unsafe-native", path, '"count"'],
                       capture_output=True, check=False, timeout=20)
    same((r.returncode, r.stdout), (0, b"[1,42,1]\n"))
    has(r.stderr, "UNSAFE")
    with unsafe() as d:
        env = dict(os.environ, GVISORD_SOCKET=d.socket)
        for args, out in [(["deploy", path], ""),
                          (["invoke", "zoo", '"count"'], "[1,42,1]"),
                          (["list"], "native")]:
            r = subprocess.run([GVISORD, *args], env=env, timeout=20,
                               capture_output=True, check=False)
            same(r.returncode, 0)
            has(r.stdout, out)


if __name__ == "__main__":
    run(sys.modules[__name__])
