#!/usr/bin/env python3
"""Sizes of files and functions. Past a ceiling a name needs a reason here.

usage: sizes.py ROOT        check the tree and sum it up
       sizes.py --self-test
"""

import re
import sys

import tree

FILE_MAX = {".c": 600, ".h": 150}
FUNCTION_MAX = 60
PARAMETERS_MAX = 5
# A test file is a list that nobody reads from top to bottom, and a test may be
# one long table; their helpers still should be small.
TEST_FILE_MAX = {".c": 1000, ".h": 250}
TEST_FUNCTION_MAX = 100
TEST_PARAMETERS_MAX = 6

# "path" or "path:function" -> the reason a reader would accept.
EXCEPTIONS = {
    "src/net/http.h": "one request's whole vocabulary: limits, fields, verdicts",
    "src/util/buf.h": "appends are inline: they are on the path of each reply",
    "src/util/metrics.h": "the list of all metrics is half of it",
    "src/net/rest_functions.c:put_object":
        "fills a wish and the code beside it, which the wish doesn't own",
    "src/util/metrics_text.c:metrics_text_hist":
        "a histogram is two arrays, a name and its labels",
    "src/engine/native_chk_in.c:native_vsnprintf_chk":
        "compilers call it with six",
    "src/engine/native_chk_in.c:native_snprintf_chk":
        "compilers call it with six",
}

# A name and parameters before a body at depth 0. What stands before the name
# need not be looked at.
HEAD = re.compile(r"(\w+)\s*\(((?:[^()]|\([^()]*\))*)\)\s*$")


def functions(text):
    """(name, first line, last line, number of parameters) of each function."""
    depth = 0
    start = 0
    open_at = None
    code = tree.blank(text)
    for i, c in enumerate(code):
        if c == "{":
            if depth == 0:
                open_at = i
            depth += 1
        elif c == "}":
            depth -= 1
            if depth == 0:
                head = HEAD.search(code[start:open_at])
                if head:
                    first = start + re.match(
                        r"\s*", code[start:open_at]).end()
                    yield (head.group(1), code.count("\n", 0, first) + 1,
                           code.count("\n", 0, i) + 1,
                           parameters(head.group(2)))
                start = i + 1
        elif c == ";" and depth == 0:
            start = i + 1


def parameters(text):
    text = re.sub(r"\([^()]*\)", "", text).strip()
    return 0 if text in ("", "void") else text.count(",") + 1


def check(path, text):
    """Complaints about one file, and the lengths of its functions."""
    bad = []
    lengths = []
    lines = text.count("\n")
    test = path.startswith("tests/")
    limit = (TEST_FILE_MAX if test else FILE_MAX)["." + path.rsplit(".", 1)[1]]
    function_max = TEST_FUNCTION_MAX if test else FUNCTION_MAX
    parameters_max = TEST_PARAMETERS_MAX if test else PARAMETERS_MAX
    if lines > limit and path not in EXCEPTIONS:
        bad.append("%s: %d lines, at most %d" % (path, lines, limit))
    for name, first, last, n in functions(text):
        lengths.append(last - first + 1)
        if path + ":" + name in EXCEPTIONS:
            continue
        where = "%s:%d: %s()" % (path, first, name)
        if last - first + 1 > function_max:
            bad.append("%s: %d lines, at most %d" % (
                where, last - first + 1, function_max))
        if n > parameters_max:
            bad.append("%s: %d parameters, at most %d" % (
                where, n, parameters_max))
    return bad, lengths


def stale(root, paths):
    """Exceptions that nothing needs any more."""
    for name in EXCEPTIONS:
        path, _, function = name.partition(":")
        names = [f[0] for f in functions(tree.read(root, path))] \
            if path in paths else []
        if path not in paths or function and function not in names:
            yield "exception for %s, which is not there" % name


def self_test():
    body = "\tx();\n"
    text = ('/* { */\n#define M(a) {\nstatic const char *s = "}{";\n'
            "struct a {\n\tint b;\n};\nstatic int t[] = {1, 2};\n"
            "int one(int a, void (*f)(int, int),\n\tchar b)\n{\n" + body * 3 +
            "\tif (a) {\n\t}\n}\n\nstatic void two(void)\n{\n" + body * 70 +
            "}\nTest(suite, name)\n{\n}\n"
            "int six(int a, int b, int c, int d, int e, int f)\n{\n}\n")
    found = list(functions(text))
    assert [f[0] for f in found] == ["one", "two", "Test", "six"], found
    assert [f[3] for f in found] == [3, 0, 2, 6], found
    assert found[0][1:3] == (8, 16), found
    bad, _ = check("x.c", text)
    assert len(bad) == 2 and "two" in bad[0] and "six" in bad[1], bad
    bad, _ = check("x.h", "\n" * 151)
    assert len(bad) == 1, bad


def at(values, part):
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = sys.argv[1]
    paths = tree.sources(root, (".c", ".h"))
    bad = list(stale(root, paths))
    lengths = []
    for path in paths:
        more, lens = check(path, tree.read(root, path))
        bad += more
        if not path.startswith("tests/"):
            lengths += lens
    for line in bad:
        print(line)
    if not lengths:
        print("nothing found: wrong path?")
        return 1
    print("%d files, %d functions: median %d lines, p90 %d, longest %d" % (
        len(paths), len(lengths), at(lengths, .5), at(lengths, .9),
        max(lengths)))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
