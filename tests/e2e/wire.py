"""HTTP as clients speak it: well, badly, slowly and not at all."""

import socket
import sys
import time

from harness import Client, Daemon, ECHO, SPIN, has, run, same, wait_for

CALL = ("POST /v1/functions/t/f/invoke HTTP/1.1\r\nHost: x\r\n"
        "Content-Length: %d\r\n\r\n%s")


def call(body):
    return CALL % (len(body), body)


def test_keep_alive_and_pipelining():
    with Daemon() as d:
        d.deploy("t/f", ECHO)
        with d.client() as c:
            c.send("".join(call(str(i)) for i in range(300)))
            for i in range(300):
                same(c.reply().body, str(i).encode())
            same(c.ask("GET", "/livez").status, 200)


def test_pieces():
    with Daemon() as d:
        d.deploy("t/f", ECHO)
        with d.client() as c:
            for byte in call('"slowly"'):
                c.send(byte)
                time.sleep(0.0005)
            same(c.reply().body, b"slowly")


def test_refused_clients_cost_the_next_nothing():
    """A refusal ends its own connection, not the one that gets its number."""
    early = ("PUT /v1/functions/t/g HTTP/1.1\r\nHost: x\r\n"
             "Content-Type: text/x-lua\r\nContent-Length: 1\r\n\r\n")
    with Daemon("--workers", "1", tcp=True) as d:
        for _ in range(3000):
            with d.tcp_client() as c:
                c.send(early)
                c.send("c")
                same(c.reply().status, 403)


def test_a_busy_worker_keeps_nobody_waiting():
    """Who connects while one worker runs for long is served by the other."""
    with Daemon("--workers", "2", tcp=True) as d:
        d.deploy("t/spin", SPIN, "?timeout_ms=3000")
        with d.client() as busy:
            busy.send(CALL.replace("t/f", "t/spin") % (1, "1"))
            time.sleep(0.1)
            begin = time.monotonic()
            for dial in [d.client, d.tcp_client] * 20:
                with dial() as c:
                    same(c.ask("GET", "/livez").status, 200)
            took = time.monotonic() - begin
            assert took < 2.5, took
            same(busy.reply().status, 504)


def second_of_three(d):
    """Seconds until the second of three calls is answered, that come while the
    first one runs; the last is the longest."""
    with d.client() as first, d.client() as c, d.client() as last:
        first.send(CALL.replace("t/f", "t/first") % (1, "1"))
        time.sleep(0.1)
        c.send(call("7"))
        time.sleep(0.05)
        last.send(CALL.replace("t/f", "t/spin") % (1, "1"))
        begin = time.monotonic()
        same(first.reply().status, 504)
        same(c.reply().body, b"7")
        took = time.monotonic() - begin
        same(last.reply().status, 504)
    return took


def test_a_reply_does_not_wait_for_the_next_run():
    """What one worker has finished it sends before it begins what is long. On a
    busy machine the calls may come in another order, now and then."""
    with Daemon("--workers", "1") as d:
        d.deploy("t/f", ECHO)
        d.deploy("t/spin", SPIN, "?timeout_ms=1500")
        d.deploy("t/first", SPIN, "?timeout_ms=300")
        took = [second_of_three(d) for _ in range(3)]
        assert min(took) < 1, took


def test_clients_are_shared_out():
    """Calls that come at once on two workers take half as long as on one."""
    with Daemon("--workers", "2") as d:
        d.deploy("t/spin", SPIN, "?timeout_ms=400")
        clients = [d.client() for _ in range(6)]
        begin = time.monotonic()
        for c in clients:
            c.send(CALL.replace("t/f", "t/spin") % (1, "1"))
        for c in clients:
            same(c.reply().status, 504)
        took = time.monotonic() - begin
        assert took < 2, took
        for c in clients:
            c.sock.close()


def test_chunked_and_expect():
    with Daemon() as d:
        d.deploy("t/f", ECHO)
        head = "POST /v1/functions/t/f/invoke HTTP/1.1\r\nHost: x\r\n"
        with d.client() as c:
            c.send(head + "Transfer-Encoding: chunked\r\n\r\n"
                   "2\r\n[1\r\n3;x=y\r\n,2]\r\n0\r\n\r\n")
            same(c.reply().body, b"[1,2]")
            c.send(head + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            same(c.reply().status, 100)
            c.send("42")
            same(c.reply().body, b"42")


def test_large_bodies():
    with Daemon() as d:
        d.deploy("t/f", "return function(s) return #s end")
        d.deploy("t/g", "return function(n) return ('x'):rep(n) end")
        for size in (1, 4096, 65536, 1 << 20, 5 << 20):
            r = d.invoke("t/f", '"' + "y" * size + '"')
            same((r.status, r.body), (200, str(size).encode()))
            r = d.invoke("t/g", str(size))
            same((r.status, len(r.body) >= size), (200, True))


def test_too_large():
    with Daemon(limits__request_bytes=65536) as d:
        d.deploy("t/f", ECHO)
        r = d.invoke("t/f", "1" * 65537)
        same((r.status, r.code()), (413, "Request.TooLarge"))
        with d.client() as c:
            c.send("POST /v1/functions/t/f/invoke HTTP/1.1\r\nHost: x\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n")
            for _ in range(9):
                c.send("2000\r\n" + "1" * 0x2000 + "\r\n")
            same(c.reply().status, 413)


def test_malformed():
    with Daemon() as d:
        for text in ("POST nonsense\r\n\r\n", "GET /livez HTTP/1.1\r\n\r\n",
                     "GET /livez HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
                     "GET /livez HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
                     "GET /livez HTTP/1.1\nHost: x\n\n",
                     "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                     "Content-Length: 2\r\n\r\nxx"):
            with d.client() as c:
                c.send(text)
                same(c.reply().status, 400)
                same(c.at_end(), b"")
        with d.client() as c:
            c.send("GET / HTTP/1.1\r\nHost: x\r\nX: " + "h" * 20000)
            same(c.reply().status, 431)
        with d.client() as c:
            c.send("GET /" + "p" * 9000)
            same(c.reply().status, 414)


def test_slow_clients():
    with Daemon(timeouts__header_ms=300, timeouts__body_ms=300,
                timeouts__idle_ms=300) as d:
        d.deploy("t/f", ECHO)
        begin = time.monotonic()
        with d.client() as silent, d.client() as head, d.client() as body, \
                d.client() as idle:
            head.send("GET /livez HT")
            body.send(call("[1,2,3]")[:-1])
            same(idle.ask("GET", "/livez").status, 200)
            same(silent.at_end(), b"")
            same(head.reply().code(), "Request.Timeout")
            same(body.reply().code(), "Request.Timeout")
            same(idle.at_end(), b"")
        assert time.monotonic() - begin < 3


def test_reader_that_stops():
    with Daemon(timeouts__send_ms=300) as d:
        d.deploy("t/g", "return function(n) return ('x'):rep(n) end")
        with d.client() as c:
            c.send(CALL.replace("/f/", "/g/") % (7, "4000000"))
            same(d.invoke("t/g", "1").status, 200)
            time.sleep(1)
            assert len(c.at_end()) < 4000000


def test_vanishing_clients():
    with Daemon(tcp=True) as d:
        d.deploy("t/f", ECHO)
        for i in range(100):
            c = d.tcp_client() if i % 2 else d.client()
            c.send(call("1")[:3 + i * 7 % 90] if i % 3 else call("1"))
            if i % 5 == 0:
                c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                  b"\1\0\0\0\0\0\0\0")
            c.sock.close()
        def alone():
            return d.ask("GET", "/v1/info").json()["connections"] == 1
        wait_for("the end of their connections", alone)


def test_half_close():
    with Daemon() as d:
        d.deploy("t/f", ECHO)
        with d.client() as c:
            c.send(call("1"))
            c.sock.shutdown(socket.SHUT_WR)
            same(c.reply().body, b"1")
            same(c.at_end(), b"")


def test_many_connections():
    with Daemon(limits__connections=400, workers=1) as d:
        d.deploy("t/f", ECHO)
        clients = [d.client() for _ in range(400)]
        for c in clients:
            c.send(call("1"))
        for c in clients:
            same(c.reply().status, 200)
        with d.client() as c:
            has(c.at_end(), "503 Service Unavailable")
        for c in clients:
            c.sock.close()
        def again():
            with Client(socket.AF_UNIX, d.socket) as c:
                c.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
                return c.reply().status == 200
        wait_for("room for a new client", again)


if __name__ == "__main__":
    run(sys.modules[__name__])
