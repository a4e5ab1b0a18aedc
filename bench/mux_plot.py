#!/usr/bin/env python3
"""Draws what bench/mux and bench/mux_retag find: docs/img/mux-*.svg.

  bench/mux_plot.py [BUILD [DIRECTORY]]     default: build docs/img

Needs gnuplot (package gnuplot-nox).
"""

import statistics
import subprocess
import sys

sys.dont_write_bytecode = True  # no __pycache__ in the source tree
import measure  # noqa: E402 pylint: disable=wrong-import-position

AT_ONCE = (1, 8, 13, 20, 32, 64)
MOST = (1, 2, 3, 4, 6, 8, 13, 64)  # that ask for a key at a time
ROUNDS = 5  # of what depends on time
PAGES = (1, 4, 16, 64, 256, 1024, 4096)
POLICIES = ("lru", "round-robin", "random", "interval", "best")
POPULARITIES = ("uniform", "zipf-0.9", "zipf-1.0", "zipf-1.2",
                "zipf-1.0-moving")
HEAD = """\
set terminal svg size 720,400 font "sans,12" background "white"
set output "%s"
set title "%s" noenhanced
set key outside right top noenhanced
set xtics noenhanced
set grid ytics lc rgb "#bbbbbb"
"""


def draw(path, title, body, columns):
    """One picture of data blocks: lists of rows."""
    script = HEAD % (path, title) + body + "\n"
    for rows in columns:
        script += "\n".join(" ".join(map(str, r)) for r in rows) + "\ne\n"
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def policies(where, moves):
    """Bars: policies by popularity, one call at a time."""
    rows = [(p, *(moves["loop", p, 1, policy] for policy in POLICIES))
            for p in POPULARITIES]
    plots = ", ".join(f"'-' using {i + 2}:xtic(1) title '{policy}'"
                      for i, policy in enumerate(POLICIES))
    draw(f"{where}/mux-policies.svg",
         "Calls that need a key moved: 13 keys, 10,000 functions, "
         "one call at a time",
         "set style data histograms\nset style fill solid 0.8\n"
         "set yrange [0:100]\nset ylabel 'percent of calls'\n"
         "set xtics rotate by -20\n"
         f"plot {plots}", [rows] * len(POLICIES))


def at_once(where, moves):
    """Lines: calls at once, by what the worker does and policy."""
    lines = [(way, policy) for way in ("workers", "loop")
             for policy in ("lru", "interval")]
    plots = ", ".join(f"'-' with linespoints title '{way}, {policy}'"
                      for way, policy in lines)
    draw(f"{where}/mux-at-once.svg",
         "Calls that need a key moved: zipf-1.0, 13 keys, 10,000 functions",
         "set xlabel 'calls at once'\nset xtics (1, 8, 13, 20, 32, 64)\n"
         "set yrange [60:100]\nset ylabel 'percent of calls'\n"
         f"plot {plots}",
         [[(n, moves[way, "zipf-1.0", n, policy]) for n in AT_ONCE]
          for way, policy in lines])


def asking(where, moves):
    """Lines: how many may ask at a time, by policy."""
    lines = ("lru", "interval")
    plots = ", ".join(f"'-' with linespoints title '{name}'"
                      for name in lines)
    draw(f"{where}/mux-most.svg",
         "Calls that need a key moved: one worker, 64 clients, zipf-1.0",
         "set logscale x 2\nset xlabel 'that ask for a key at a time'\n"
         f"set xtics ({', '.join(map(str, MOST))})\n"
         "set yrange [60:80]\nset ylabel 'percent of calls'\n"
         f"plot {plots}",
         [[(n, moves[f"most-{n}", "zipf-1.0", 64, policy]) for n in MOST]
          for policy in lines])


def costs(where, ns):
    """Lines: microseconds by resident pages."""
    lines = ("alone", "alone-parts", "beside", "beside-parts")
    plots = ", ".join(f"'-' with linespoints title '{name}'"
                      for name in lines)
    draw(f"{where}/mux-retag.svg",
         "A key moved from one domain to another",
         "set logscale xy\nset xlabel 'resident pages of each'\n"
         "set ylabel 'microseconds'\nset xtics "
         f"({', '.join(map(str, PAGES))})\nplot {plots}",
         [[(n, ns[f"{name}/{n}"] / 1e3) for n in PAGES] for name in lines])


def main(argv):
    """Returns the exit status."""
    build = argv[0] if argv else "build"
    where = argv[1] if len(argv) > 1 else "docs/img"
    moves = measure.key_moves(build, 200000)
    policies(where, moves)
    at_once(where, moves)
    asking(where, moves)
    rounds = [measure.key_costs(build, 1000) for _ in range(ROUNDS)]
    costs(where, {name: statistics.median(r[name] for r in rounds)
                  for name in rounds[0]})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
