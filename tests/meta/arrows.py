#!/usr/bin/env python3
"""Arrows point down: every #include "..." of the shipped code leads to the
same floor or a lower one, and code that runs inside isolates includes nothing
but what is made for the inside.

usage: arrows.py ROOT       check the tree
       arrows.py --self-test
"""

import os
import re
import sys

import tree

# Folder -> floor. Folders of one floor may use each other, but strangers may
# not. Tests and benches stand above everything.
FLOORS = (
    ("include", 0),
    ("pkey", 1),
    ("sandbox", 1),
    ("src/util", 2),
    ("src/engine", 3),
    ("src/core", 4),
    ("src/net", 5),
    ("src/daemon", 6),
    ("src/cli", 6),
)
STRANGERS = (("pkey", "sandbox"),)
# What *_in.c and *_in.h may include, besides each other.
INSIDE_MAY = {"base/check.h", "engine/exports.h", "engine/inside.h",
              "engine/native_exports.h", "gvisor/function.h", "pkey/gate.h"}
# "..." resolves against these, as in the root meson.build (inc).
SEARCH = ("include", "src", ".")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.M)


def folder_of(path):
    for folder, floor in FLOORS:
        if path.startswith(folder + "/"):
            return folder, floor
    return None, None


def resolve(included, path, exists):
    places = [os.path.join(d, included) for d in SEARCH]
    places.append(os.path.join(os.path.dirname(path), included))
    for place in map(os.path.normpath, places):
        if exists(place):
            return place
    return None


def is_inside(path):
    return re.search(r"_in\.[ch]$", path) is not None


def complaint(path, included, exists):
    """Why this include is wrong, or None."""
    target = resolve(included, path, exists)
    if target is None:
        return "no such file"
    folder, floor = folder_of(path)
    to_folder, to_floor = folder_of(target)
    if to_folder is None:
        return "leads out of the house (to %s)" % target
    if to_floor > floor:
        return "points up, from floor %d to %d" % (floor, to_floor)
    if folder != to_folder and tuple(sorted((folder, to_folder))) in STRANGERS:
        return "%s and %s are strangers" % (folder, to_folder)
    if is_inside(path) and not is_inside(target) and included not in INSIDE_MAY:
        return "is not for code that runs inside isolates"
    return None


def check(paths, text_of, exists):
    bad = []
    n = 0
    for path in paths:
        if folder_of(path)[0] is None:
            continue
        for m in INCLUDE.finditer(text_of(path)):
            n += 1
            why = complaint(path, m.group(1), exists)
            if why:
                line = text_of(path).count("\n", 0, m.start()) + 1
                bad.append('%s:%d: "%s" %s' % (path, line, m.group(1), why))
    return n, bad


def self_test():
    tree_of = {
        "include/base/check.h": "",
        "pkey/gate.h": '#include "base/check.h"\n',
        "pkey/x.c": '#include "sandbox/scan.h"\n',
        "sandbox/scan.h": '#include "util/log.h"\n',
        "src/util/log.h": '#include "pkey/gate.h"\n#include "nowhere.h"\n',
        "src/engine/a_in.c": '#include "pkey/gate.h"\n'
                             '#include "util/log.h"\n',
        "src/engine/b.c": '#  include "log_test.h"\n',
        "src/cli/c.c": '#include "daemon/d.h"\n#include <util/log.h>\n',
        "src/daemon/d.h": "",
        "src/engine/log_test.h": "",
    }
    n, bad = check(sorted(tree_of), tree_of.get, tree_of.__contains__)
    where = sorted(b.split(": ")[0] for b in bad)
    want = ["pkey/x.c:1", "sandbox/scan.h:1", "src/engine/a_in.c:2",
            "src/util/log.h:2"]
    assert n == 9, n
    assert where == want, where


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = sys.argv[1]
    paths = tree.sources(root, (".c", ".h", ".S"))
    n, bad = check(paths, lambda p: tree.read(root, p),
                   lambda p: os.path.exists(os.path.join(root, p)))
    for line in bad:
        print(line)
    print("%d arrows, %d wrong" % (n, len(bad)))
    # A tree without arrows is a wrong path, not a clean house.
    return 1 if bad or n == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
