"""gvisord build: what it makes of sources, what it says of those it can't.

And what a native function may call: everything, once (every_export.c).
"""

import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from harness import GVISORD, UNSAFE, has, run, same

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
WHERE = tempfile.TemporaryDirectory()
TMP = os.path.join(WHERE.name, "tmp")

HELLO = """
#include <gvisor/function.h>
int handler(const struct gv_request *req, struct gv_response *res)
{
    res->body = req->body;
    res->body_len = req->body_len;
    return 0;
}
"""
CXX = """
#include <gvisor/function.h>
#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <vector>

struct Shape { virtual ~Shape() = default; virtual int corners() const = 0; };
struct Square : Shape { int corners() const override { return 4; } };
struct Table { int at[4]; Table() { at[3] = 3; } ~Table() { at[3] = 0; } };
struct alignas(64) Wide { char bytes[64]; };
static Table table;

int handler(const gv_request *req, gv_response *res)
{
    static std::string kept;
    static const std::string body(req->body);
    std::vector<std::string> all;
    std::unique_ptr<Shape> shape(new Square);
    std::unique_ptr<Wide> wide(new Wide);
    if (reinterpret_cast<uintptr_t>(wide.get()) % 64)
        return 1;
    std::vector<int> numbers(3);
    if (body == "1")
        return numbers.at(7);
    if (body == "2")
        numbers.resize(1ul << 34);
    for (int i = 0; i < 20; i++)
        all.push_back("item " + std::to_string(i * 7 % 20));
    std::sort(all.begin(), all.end());
    kept = "[\\"" + all[19] + "\\"," + std::to_string(shape->corners()) + "," +
        std::to_string(table.at[3]) + "]";
    res->body = kept.data();
    res->body_len = kept.size();
    return 0;
}
"""


def path(name):
    return os.path.join(WHERE.name, name)


def write(name, text):
    os.makedirs(os.path.dirname(path(name)), exist_ok=True)
    with open(path(name), "w", encoding="utf-8") as f:
        f.write(text)
    return path(name)


def build(*args, **more):
    os.makedirs(TMP, exist_ok=True)
    env = dict(os.environ, TMPDIR=TMP)
    env.update(more.pop("env", {}))
    r = subprocess.run([GVISORD, "build", *args], capture_output=True,
                       text=True, cwd=WHERE.name, env=env, timeout=60,
                       check=False, **more)
    same(os.listdir(TMP), [])
    return r


def call(obj, body, entry="handler"):
    """Exit code and what was said, without isolation: the code is ours."""
    r = subprocess.run([GVISORD, "run", "--unsafe-native", "-e", entry,
                        path(obj), body], capture_output=True, text=True,
                       timeout=60, check=False)
    said = r.stderr.removeprefix(UNSAFE)
    return r.returncode, (said if r.returncode else r.stdout).strip()


def segments(obj):
    out = subprocess.run(["readelf", "-lW", path(obj)], capture_output=True,
                         text=True, check=True).stdout
    return len(re.findall(r"^  LOAD ", out, re.M))


def test_c():
    r = build(write("hello.c", HELLO))
    same((r.returncode, r.stderr), (0, ""))
    has(r.stdout, "hello.so: admitted\nentry         handler at 0x")
    same(call("hello.so", '{"a":1}'), (0, '{"a":1}'))
    same(segments("hello.so"), 2)
    out = subprocess.run(["readelf", "-dW", path("hello.so")], text=True,
                         capture_output=True, check=True).stdout
    assert "NEEDED" not in out, out


def test_every_compiler():
    write("hello.c", HELLO)
    for cc in ("gcc", "clang"):
        if not shutil.which(cc):
            print("# no", cc)
            continue
        same(build("hello.c", "--cc", cc, "-o", cc + ".so").returncode, 0)
        same(call(cc + ".so", "[1]"), (0, "[1]"))
        linker = build("hello.c", "--cc", cc, "-o", "l.so", "--",
                       "-fuse-ld=lld")
        if shutil.which("ld.lld"):
            same((linker.returncode, linker.stderr), (0, ""))
            same(call("l.so", "[1]"), (0, "[1]"))


def test_cxx():
    write("std.cc", CXX)
    for cxx in ("g++", "clang++"):
        if not shutil.which(cxx):
            print("# no", cxx)
            continue
        r = build("std.cc", "--cxx", cxx)
        same((r.returncode, r.stderr), (0, ""))
        same(call("std.so", "0"), (0, '["item 9",4,3]'))
        code, said = call("std.so", "1")
        same(code, 1)
        has(said, "C++ exception: vector::_M_range_check: __n (which is 7)")
        has(call("std.so", "2")[1], "Function.OutOfMemory")
        for flag in ("-O0", "-O1", "-O3", "-Og"):
            r = build("std.cc", "--cxx", cxx, "--", flag)
            same((cxx, flag, r.returncode), (cxx, flag, 0))
            same(call("std.so", "0"), (0, '["item 9",4,3]'))


def test_cxx_ends():
    """What documentation says of where the library would throw."""
    write("ends.cc", """
        #include <gvisor/function.h>
        #include <array>
        #include <functional>
        #include <optional>
        #include <stdexcept>
        #include <string>
        #include <variant>
        int handler(const gv_request *req, gv_response *)
        {
            std::optional<int> none;
            std::variant<int, float> v(1.5f);
            std::function<int()> empty;
            std::array<int, 3> a{};
            switch (req->body[0]) {
            case '1': return none.value();
            case '2': return std::get<int>(v);
            case '3': return empty();
            case '4': return a.at(3 + req->body_len);
            case '5': return std::string("x").substr(7).size();
            default: return 0;
            }
        }
        """)
    for cxx in ("g++", "clang++"):
        if not shutil.which(cxx):
            continue
        r = build("ends.cc", "--cxx", cxx)
        same((cxx, r.returncode, r.stderr), (cxx, 0, ""))
        for n, says in enumerate((
                "called abort()", "called abort()", "an exception or a panic",
                "C++ exception: array::at: __n (which is 4)",
                "C++ exception: basic_string::substr")):
            code, said = call("ends.so", str(n + 1))
            same((cxx, n, code), (cxx, n, 1))
            has(said, "Function.Crashed: ")
            has(said, says)


def test_sources_together():
    write("a b/one 'file.c", "int two(void) { return 2; }\n" + HELLO)
    write("three.cc", "extern \"C\" int three() { return 3; }")
    write("-four.c", "int four(void) { return 4; }")
    r = build("a b/one 'file.c", "three.cc", "-o", "out $(x).so", "--",
              "-Wall")
    same((r.returncode, r.stderr), (0, ""))
    same(call("out $(x).so", "5"), (0, "5"))
    r = build("a b/one 'file.c")
    same((r.returncode, call("one 'file.so", "5")), (0, (0, "5")))
    write("five.c", HELLO)
    os.remove(path("-four.c"))
    write("-four.c", HELLO)
    r = build("./-four.c")
    same(r.returncode, 0)
    same(build("five.c", "-o", "out.so", "--", "-DX=a b").returncode, 0)


def test_flags():
    write("flag.c", HELLO.replace("return 0", "res->body = NULL;"
                                  "res->body_len = 0; return ANSWER"))
    r = build("flag.c", "--", "-DANSWER=17", "-lm", "-Wl,-O1")
    # -lm makes it want a library only if something is used of it.
    same((r.returncode, r.stderr), (0, ""))
    has(call("flag.so", "1")[1], "the handler returned 17")


def test_objects():
    write("part.c", HELLO)
    subprocess.run(["cc", "-O2", "-fPIC", "-c", "-I", TOP + "/include",
                    "part.c"], cwd=WHERE.name, check=True)
    same(build("part.o").returncode, 0)
    same(call("part.so", "7"), (0, "7"))


def archive(name, **sources):
    for part, text in sources.items():
        write(part + ".c", text)
        subprocess.run(["cc", "-O2", "-fPIC", "-c", "-I", TOP + "/include",
                        part + ".c"], cwd=WHERE.name, check=True)
    subprocess.run(["ar", "rcs", name] + [s + ".o" for s in sources],
                   cwd=WHERE.name, check=True)


def test_archives():
    """Alone, too; and of their parts no more than is needed."""
    archive("whole.a", entry=HELLO.replace("return 0", "return twice(0)")
            .replace("int handler", "int twice(int);int handler"),
            twice="int twice(int n) { return 2 * n; }",
            unwanted="int puts(const char *);"
            "int unwanted(void) { return puts(0); }")
    r = build("whole.a")
    same((r.returncode, r.stderr), (0, ""))
    same(call("whole.so", "7"), (0, "7"))
    r = build("whole.a", "-e", "twice", "-o", "t.so")
    same((r.returncode, r.stderr), (0, ""))
    r = build("whole.a", "-e", "nobody")
    same(r.returncode, 1)
    has(r.stdout, "whole.so: refused")
    if shutil.which("clang") and shutil.which("ld.lld"):
        r = build("whole.a", "--cc", "clang", "--", "-fuse-ld=lld")
        same((r.returncode, r.stderr), (0, ""))


def test_other_entry():
    write("main.c", HELLO.replace("int handler", "int main_handler"))
    r = build("main.c", "-e", "main_handler")
    same((r.returncode, r.stderr), (0, ""))
    has(r.stdout, "entry         main_handler at")
    same(call("main.so", "7", "main_handler"), (0, "7"))
    r = build("main.c")
    same(r.returncode, 1)
    has(r.stdout, "entry-missing")


def test_wrong_code():
    write("wrong.c", HELLO.replace("return 0", "return nothing"))
    r = build("wrong.c")
    same((r.returncode, r.stdout), (1, ""))
    has(r.stderr, "'nothing' undeclared" if "'nothing'" in r.stderr
        else "nothing")
    has(r.stderr, "wrong.c could not be compiled")
    assert not os.path.exists(path("wrong.so"))
    write("one.c", HELLO)
    write("two.c", HELLO)
    r = build("one.c", "two.c")
    same((r.returncode, r.stdout), (1, ""))
    has(r.stderr, "one.so could not be linked")
    same(build("missing.c").returncode, 1)


def test_refused():
    write("puts.c", HELLO.replace("int handler", "int puts(const char *);"
                                  "int handler")
          .replace("return 0", "return puts(\"x\")"))
    r = build("puts.c")
    same(r.returncode, 1)
    has(r.stdout, "puts.so: refused, 1 reason")
    has(r.stdout, "undefined-symbol")
    assert not os.path.exists(path("puts.so"))
    same(build("puts.c", "--keep").returncode, 1)
    assert os.path.exists(path("puts.so"))


def test_forbidden_bytes_in_data():
    """Data are not scanned: a table may hold anything."""
    write("table.c", HELLO.replace(
        "int handler", "const unsigned char table[] = "
        "{0x0f, 0x05, 0x0f, 0x01, 0xef, 0xcd, 0x80};\nint handler"))
    r = build("table.c")
    same((r.returncode, r.stderr), (0, ""))
    same(call("table.so", "7"), (0, "7"))
    assert segments("table.so") > 2
    write("code.c", HELLO.replace("return 0;", "__asm__ volatile(\"syscall\");"
                                  "return 0;"))
    r = build("code.c")
    same(r.returncode, 1)
    has(r.stdout, "system-call")


def test_abi_version():
    for text, wants in (
            ("const unsigned gv_abi_version = 2;", "version 2, not 1"),
            ("unsigned gv_abi_version;", "can't be read"),
            ("const unsigned gv_abi_version = 0;", "version 0, not 1")):
        write("abi.c", text + " int handler(void) { return 0; }")
        r = build("abi.c", "--", "-fno-zero-initialized-in-bss"
                  if "= 0" in text else "-O2")
        same((text, r.returncode), (text, 1))
        has(r.stdout, "abi-version")
        has(r.stdout, wants)
    for text in ("", "const unsigned gv_abi_version = 1;"):
        write("abi.c", text + " int handler(void) { return 0; }")
        same(build("abi.c").returncode, 0)


def test_header():
    r = build("--header")
    with open(os.path.join(TOP, "include/gvisor/function.h"),
              encoding="utf-8") as f:
        same((r.returncode, r.stdout), (0, f.read()))


def test_header_by_every_standard():
    """As strict as compilers get, and its one symbol comes out."""
    write("strict.c", HELLO)
    write("strict.cc", HELLO)
    for cc, stds, name in (("gcc", ("c11", "c17"), "strict.c"),
                           ("clang", ("c11", "c17"), "strict.c"),
                           ("g++", ("c++17", "c++20"), "strict.cc"),
                           ("clang++", ("c++17", "c++20"), "strict.cc")):
        for std in stds:
            if not shutil.which(cc):
                continue
            subprocess.run([cc, "-std=" + std, "-Wall", "-Wextra",
                            "-Wpedantic", "-Wshadow", "-Wconversion",
                            "-Werror", "-O2", "-fPIC", "-shared",
                            "-nostdlib", "-fvisibility=hidden",
                            "-I", TOP + "/include", name, "-o", "s.so"],
                           cwd=WHERE.name, check=True)
            out = subprocess.run(["readelf", "--dyn-syms", "-W", "s.so"],
                                 cwd=WHERE.name, capture_output=True,
                                 text=True, check=True).stdout
            assert re.search(r" 4 OBJECT +WEAK +DEFAULT +\d+ gv_abi_version",
                             out), out
            same(call("s.so", "7"), (0, "7"))


def test_no_compiler():
    write("hello.c", HELLO)
    write("std.cc", CXX)
    empty = path("empty")
    os.makedirs(empty, exist_ok=True)
    for name, says in (("hello.c", "no compiler for C is installed"),
                       ("std.cc", "no compiler for C")):
        r = build(name, env={"PATH": empty})
        same((r.returncode, r.stdout), (1, ""))
        has(r.stderr, says)
        has(r.stderr, "apt install")
    r = build("hello.c", "--cc", "/nowhere/cc")
    same((r.returncode, r.stdout), (1, ""))
    has(r.stderr, "cannot run /nowhere/cc: No such file")
    r = build("hello.c", "--cc", "false")
    same(r.returncode, 1)
    has(r.stderr, "could not be compiled")


def test_wrong_use():
    write("hello.c", HELLO)
    for args in ([], ["--frob"], ["hello.txt"], ["hello"], ["hello.c", "-O3"],
                 ["hello.c", "-o", ""], ["hello.c", "-o", "hello.c"],
                 ["hello.c", "--cc", ""], ["--"]):
        r = build(*args)
        same((args, r.returncode, r.stdout), (args, 2, ""))
        has(r.stderr, "gvisord build: ")
    r = build("hello.c", "-o", path("no/such/dir.so"))
    same(r.returncode, 7)
    has(r.stderr, "cannot write")


def test_no_source_is_overwritten():
    """By whatever name it goes."""
    source = write("kept.c", HELLO)
    write("main.c", HELLO.replace("handler", "other"))
    os.symlink(source, path("symlink"))
    os.link(source, path("hardlink"))
    for out in ("./kept.c", source, "symlink", "hardlink",
                "../%s/kept.c" % os.path.basename(WHERE.name)):
        r = build("main.c", "kept.c", "-o", out)
        same((out, r.returncode), (out, 2))
        has(r.stderr, "kept.c would be overwritten")
    with open(source, encoding="utf-8") as f:
        same(f.read(), HELLO)
    same(build("kept.c", "-o", "fresh.so").returncode, 0)
    same(build("kept.c", "-o", "fresh.so").returncode, 0)


def test_no_place_to_work():
    r = subprocess.run([GVISORD, "build", write("hello.c", HELLO)], text=True,
                       env=dict(os.environ, TMPDIR="/nowhere"),
                       capture_output=True, check=False)
    same(r.returncode, 7)
    has(r.stderr, "cannot make a directory in /nowhere")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            return f.read().rsplit(")")[-1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def hearing():
    """Of whoever runs the tests in the background, signals are ignored."""
    for n in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(n, signal.SIG_DFL)


def interrupted(script, *signals, to_group=False):
    """A compiler of two processes, of which the script says the first's pid;
    what build said, when both are gone."""
    write("hello.c", HELLO)
    slow = write("slow", "#!/bin/sh\n" + script)
    os.chmod(slow, 0o755)
    with subprocess.Popen(
            [GVISORD, "build", "hello.c", "--cc", slow], cwd=WHERE.name,
            env=dict(os.environ, TMPDIR=TMP), text=True,
            stderr=subprocess.PIPE, start_new_session=True,
            preexec_fn=hearing) as p:
        pids = p.stderr.readline().split()
        for n in signals:
            (os.killpg if to_group else os.kill)(p.pid, n)
            time.sleep(0.1)
        said = p.communicate(timeout=20)[1]
    same((p.returncode, os.listdir(TMP)), (1, []))
    deadline = time.monotonic() + 10
    while any(map(alive, pids)):
        assert time.monotonic() < deadline, pids
        time.sleep(0.01)
    return said


def test_interrupted():
    """The compiler and its children end, and nothing is left behind."""
    two = "sleep 60 & echo $! $$ >&2\nwait\n"
    for n, says in ((signal.SIGINT, "Interrupt"), (signal.SIGHUP, "Hangup"),
                    (signal.SIGTERM, "Terminated"), (signal.SIGQUIT, "Quit")):
        has(interrupted(two, n), says)
        has(interrupted(two, n, to_group=True), says)


def test_interrupted_twice():
    deaf = "trap '' INT TERM\nsleep 60 & echo $! $$ >&2\nwait\n"
    has(interrupted(deaf, signal.SIGINT, signal.SIGTERM), "Terminated")


def test_nothing_written():
    write("hello.c", HELLO)
    for flags in (["-o", "elsewhere.so"], ["-c"]):
        r = build("hello.c", "--", *flags)
        same((flags, r.returncode, r.stdout), (flags, 1, ""))
        has(r.stderr, "the compiler wrote nothing")
        assert not os.path.exists(path("nothing.so"))
    r = build("hello.c", "--cc", "true")
    same((r.returncode, r.stdout), (1, ""))
    has(r.stderr, "the compiler wrote nothing")
    has(r.stderr, "hello.c could not be compiled")


def test_formats_that_compilers_know():
    """They are the runtime's to refuse, and not the compiler's to fold."""
    write("format.c", """
        #include <gvisor/function.h>
        #include <errno.h>
        #include <stdio.h>
        int handler(const struct gv_request *req, struct gv_response *res)
        {
            static char kept[8] = "kept";
            char text[2000] = "x", more[2000] = "x";
            int n = 0;
            (void)req;
            (void)res;
            if (snprintf(text, sizeof(text), "%950d", 1) != -1 ||
                errno != EINVAL || text[0])
                return 1;
            if (sprintf(more, "%1$d", 1) != -1 || more[0])
                return 2;
            if (snprintf(text, sizeof(text), "a%n", &n) != -1 || n)
                return 3;
            if (snprintf(kept, 0, "%m") != -1 || kept[0] != 'k')
                return 4;
            if (snprintf(text, sizeof(text), "%.901f", 1.0) != -1)
                return 5;
            return snprintf(text, sizeof(text), "%d%s", 1, "b") != 2;
        }
        """)
    for cc in ("gcc", "clang"):
        if shutil.which(cc):
            r = build("format.c", "--cc", cc)
            same((cc, r.returncode), (cc, 0))
            same((cc, call("format.so", "1")), (cc, (0, "null")))


def table():
    """The names that native code may call."""
    with open(os.path.join(TOP, "src/engine/native_exports.h"),
              encoding="utf-8") as f:
        names = re.findall(r"(?:GIVEN|OWN)\((\w+)",
                           f.read().split("clang-format off")[1])
    assert len(names) > 300, names
    return names


def every():
    shutil.copy(os.path.join(HERE, "every_export.c"), path("every.c"))
    r = build("every.c", "--", "-fno-builtin", "-fno-inline", "-D_GNU_SOURCE")
    same((r.returncode, r.stderr), (0, ""))
    return r


def test_every_export():
    every()
    same(call("every.so", "1"), (0, "all"))


def test_every_export_is_called():
    """No name of the table is missing in every_export.c."""
    every()
    out = subprocess.run([GVISORD, "admit", "-o", "json", path("every.so")],
                         capture_output=True, check=True).stdout
    same(sorted(set(table()) - set(json.loads(out)["imports"])), [])


def test_every_end():
    every()
    crashed = "Function.Crashed: "
    for names, says in (
            ("abort", crashed + "the function called abort() at end_by"),
            ("exit _exit _Exit quick_exit",
             crashed + "the function called exit(7) at end_by+"),
            ("__chk_fail __stack_chk_fail", crashed + "an array on the stack"),
            ("__memset_chk", crashed + "an array was about to be"),
            ("__assert_fail",
             crashed + "assertion failed: 1 > 2 (file.c:12, main)"),
            ("__glibcxx_assert_fail",
             crashed + "assertion failed: 1 > 2 (file.h:12, at)"),
            ("__cxa_pure_virtual __cxa_deleted_virtual",
             crashed + "the function called a virtual function"),
            ("_ZSt17__throw_bad_allocv _ZSt28__throw_bad_array_new_lengthv "
             "__cxa_throw_bad_array_new_length", "Function.OutOfMemory: "),
            ("_ZSt9terminatev", crashed + "the function called std::term"),
            ("_ZSt25__throw_bad_function_callv _ZSt16__throw_bad_castv "
             "_Unwind_Resume __gxx_personality_v0 __cxa_begin_catch "
             "rust_eh_personality",
             crashed + "an exception or a panic"),
            ("gv_fail", "Function.Error: \"gv_fail\"")):
        for name in names.split():
            code, said = call("every.so", '"%s"' % name)
            same((name, code), (name, 1))
            assert said.startswith(says), (name, said)
    for name in table():
        if re.match(r"_ZSt\d+__throw_\w+PKcz?$", name):
            same(call("every.so", '"%s"' % name)[1].split(" at ")[0],
                 crashed + "C++ exception: what")


def test_examples():
    for source in glob.glob(os.path.join(TOP, "docs/examples/*.c*")):
        r = build(source, "-o", "example.so")
        same((source, r.returncode, r.stderr), (source, 0, ""))


def test_documented():
    """Each name of the table is on the page."""
    with open(os.path.join(TOP, "docs/native.md"), encoding="utf-8") as f:
        words = set(re.findall(r"\w+", f.read()))
    for name in table():
        # Of a function for double, the one for float is the same with an f.
        same((name, bool({name, re.sub(r"f(_r)?$", r"\1", name)} & words or
                         re.match(r"_Z|__|_Unwind|rust_eh", name))), (name, True))


if __name__ == "__main__":
    run(sys.modules[__name__])
