"""The daemon's memory as it is: what idle isolates hold is given back when there
is too little of it, the coldest first, and nobody's call fails for it."""

import sys
import time

from harness import Daemon, run, same, wait_for

# Keeps two MiB and counts its calls.
HOARD = """local kept, n = nil, 0
return function()
  kept = kept or string.rep("x", 2 << 20)
  n = n + 1
  return n
end"""
FUNCTIONS = 60
LIMIT_MB = 48  # of 120 that they would hold


def resident_mb(d):
    with open(f"/proc/{d.process.pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * 4096 >> 20


def ended_by_pressure(d):
    line = 'gvisord_isolate_destroyed_total{reason="pressure"} '
    for got in d.ask("GET", "/metrics").body.decode().splitlines():
        if got.startswith(line):
            return int(got[len(line):])
    raise AssertionError("not in the metrics")


def fill(d):
    """Calls each function twice; the hot one in between, what it said."""
    hot = []
    d.deploy("t/hot", HOARD, "?idle_ttl_ms=-1")
    for i in range(FUNCTIONS):
        d.deploy(f"t/f{i}", HOARD, "?idle_ttl_ms=-1")
    for i in 2 * list(range(FUNCTIONS)):
        r = d.invoke(f"t/f{i}", "")
        same(r.status, 200)
        for _ in range(3):
            r = d.invoke("t/hot", "")
            same(r.status, 200)
            hot.append(int(r.body))
    return hot


def test_without_a_limit_it_grows():
    with Daemon(workers=1) as d:
        fill(d)
        assert resident_mb(d) > 2 * FUNCTIONS, resident_mb(d)
        same(ended_by_pressure(d), 0)


def test_idle_isolates_end():
    with Daemon("--set", f"limits.resident_mb={LIMIT_MB}", workers=1) as d:
        hot = fill(d)
        wait_for("memory given back", lambda: resident_mb(d) <= LIMIT_MB)
        assert ended_by_pressure(d) >= FUNCTIONS // 2
        # The one that is called most is not the one to go.
        again = sum(1 for n in hot[1:] if n == 1)
        assert again <= 2, (again, hot)


def test_one_worker_has_them_all():
    """What is idle ends faster than two halves of it would, and nobody says
    that nothing is."""
    big = HOARD.replace("2 << 20", "8 << 20")
    with Daemon("--set", "limits.resident_mb=64", workers=2) as d:
        with d.client() as c:
            for i in range(24):
                d.deploy(f"t/f{i}", big, "?idle_ttl_ms=-1")
            end = time.monotonic() + 2.5
            i = 0
            while time.monotonic() < end:
                i += 1
                same(c.ask("POST", f"/v1/functions/t/f{i % 24}/invoke",
                           "null").status, 200)
        wait_for("memory given back", lambda: resident_mb(d) <= 64)
        assert "no isolate is idle" not in d.log(), d.log()


def test_nothing_is_idle():
    """Then it is said, and calls go on."""
    big = HOARD.replace("2 << 20", "40 << 20")
    with Daemon("--set", "limits.resident_mb=16", workers=1) as d:
        d.deploy("t/big", big.replace("n = n + 1", """n = n + 1
  local till = time.mono() + 1
  while time.mono() < till do end"""), "?memory_mb=200")
        same(d.invoke("t/big", "").status, 200)
        wait_for("a warning", lambda: "limits.resident_mb" in d.log())
        wait_for("its end", lambda: resident_mb(d) <= 16)
        same(d.invoke("t/big", "").status, 200)


if __name__ == "__main__":
    run(sys.modules[__name__])
