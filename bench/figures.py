#!/usr/bin/env python3
"""The figures 3 and 4 of the Graalvisor paper, of gvisord, and throughput among
ten thousand functions: isolates.svg, contexts.svg, crowd.svg in docs/img.

  bench/figures.py [BUILD [DIRECTORY]]      default: build docs/img

Needs gnuplot (package gnuplot-nox).
"""

import subprocess
import sys

sys.dont_write_bytecode = True  # no __pycache__ in the source tree
import scale  # noqa: E402 pylint: disable=wrong-import-position
import sharing  # noqa: E402 pylint: disable=wrong-import-position

ROUNDS = 3
STARTS = 300
LIVE = (1, 16, 128, 512, 1024, 4096, 10000)
HEAD = """\
set terminal svg size 720,%d font "sans,12" background "white"
set output "%s"
set key outside right top noenhanced
set grid ytics lc rgb "#bbbbbb"
set multiplot layout %d,1
"""
WAYS = (("one_context", "one context for all calls"),
        ("contexts_ready", "16 contexts ready, one a call"),
        ("context_made", "a context made for each call"),
        ("isolate_made", "an isolate made for each call"))


def median(of):
    """The middle one."""
    of = sorted(of)
    return of[len(of) // 2]


def lines(series):
    """A plot command and its data; series: (title, rows)."""
    return ("plot " + ", ".join(
        f"'-' with linespoints title '{title}'" for title, _ in series)
        + "\n" + "".join(
            "\n".join(f"{x} {y}" for x, y in rows) + "\ne\n"
            for _, rows in series))


def columns(bars):
    """Another one; bars: (name, height)."""
    return ("set style data histograms\nset style fill solid 0.8\n"
            "plot '-' using 2:xtic(1) notitle\n" + "".join(
                f'"{name}" {height}\n' for name, height in bars) + "e\n")


def draw(path, height, panels):
    """One picture of panels, one above the other: (settings, commands)."""
    script = HEAD % (height, path, len(panels))
    for settings, commands in panels:
        script += "unset logscale\nset xtics auto\n" + settings + commands
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def live(build, *code):
    """{live: {name: median of the rounds}}."""
    rounds = [scale.live(build, LIVE, STARTS, *code)
              for _ in range(ROUNDS)]
    return {n: {name: median([r[n][name] for r in rounds])
                for name in rounds[0][n]} for n in LIVE}


def isolates(build, path):
    """Figure 3: start and memory of an isolate, by how many there are."""
    found = {"Lua": live(build),
             "native": live(build, "-c", f"{build}/bench/hello.so")}

    def rows(language, value):
        return [(n, value(m)) for n, m in found[language].items()]

    axis = ("set logscale x\nset xlabel 'isolates alive'\n"
            f"set xtics ({', '.join(map(str, LIVE))})\nset yrange [0:*]\n")
    draw(path, 640, [
        (axis + "set title 'From a call to a ready isolate'\n"
         "set ylabel 'microseconds'\n",
         lines([(f"{language}, {p}", rows(
             language, lambda m, p=p: m[f"create_{p}_us"]))
             for language in found for p in ("p50", "p99")])),
        (axis + "set title 'Memory of an idle isolate, page tables too'\n"
         "set ylabel 'KiB'\n",
         lines([(language, rows(language, lambda m: m["pss_kib"]
                                + m["page_tables_kib"]))
                for language in found]))])


def contexts(build, path):
    """Figure 4: memory, start and latency, of contexts and of isolates."""
    rounds = [sharing.lua(build, STARTS) for _ in range(ROUNDS)]
    one = {name: median([single[name] for single, _ in rounds])
           for name in rounds[0][0] if name != "isolation"}
    series = {name: [median(values) for values in zip(
        *(found[name] for _, found in rounds))] for name in rounds[0][1]}

    def rows(name):
        return list(enumerate(series[name], 1))

    draw(path, 900, [
        ("set title 'Memory of N contexts'\nset xlabel 'N'\n"
         "set ylabel 'KiB'\nset yrange [0:*]\n",
         lines([("in one isolate", rows("kib_contexts")),
                ("in N isolates", rows("kib_isolates"))])),
        ("set title 'To make one'\nset ylabel 'microseconds'\n"
         "unset xlabel\nset yrange [0:*]\n",
         columns((("context", one["make_context_p50_us"]),
                  ("isolate", one["make_isolate_p50_us"]),
                  ("isolate, given text", one["cold_8_text_p50_us"])))),
        ("set title 'Each of the first 20 calls'\nset xlabel 'call'\n"
         "set style data linespoints\nset xtics auto\n"
         "set ylabel 'microseconds'\nset logscale y\nset yrange [0.5:100]\n",
         lines([(title, rows(f"call_{way}_us")) for way, title in WAYS]))])


def crowd(build, path):
    """Rate and CPU, of ten functions and of ten thousand."""
    names = ("few", *scale.POPULARITIES)
    runs = {name: [] for name in names}
    with scale.Crowd(build, LIVE[-1]) as daemon:
        daemon.register(0, LIVE[-1])
        daemon.call_all()
        for name in names:
            daemon.draw(name)
        for _ in range(ROUNDS):
            for name in names:
                runs[name].append(daemon.load(name, 2))
    bars = [(name, median(r["rps"] for r in runs[name]) / 1e3,
             median(r["cpu_us"] for r in runs[name])) for name in names]
    rows = "\n".join(f"{n.replace('few', 'ten')} {a} {b}"
                     for n, a, b in bars) + "\ne\n"
    script = HEAD % (400, path, 2) + (
        "set style data histograms\nset style fill solid 0.8\n"
        "set yrange [0:*]\nunset key\n"
        "set title 'Calls of 10 functions, and of 10,000, by popularity'\n"
        "set ylabel '1,000 calls per second'\n"
        "plot '-' using 2:xtic(1)\n" + rows +
        "unset title\nset ylabel 'server CPU per call, us'\n"
        "plot '-' using 3:xtic(1) lc 2\n" + rows)
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def main(argv):
    """Returns the exit status."""
    build = argv[0] if argv else "build"
    where = argv[1] if len(argv) > 1 else "docs/img"
    isolates(build, f"{where}/isolates.svg")
    contexts(build, f"{where}/contexts.svg")
    crowd(build, f"{where}/crowd.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
