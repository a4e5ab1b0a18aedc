"""gvisord admit: what compilers make, what becomes of it, and how it is told."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from harness import GVISORD, has, run, same

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__))))
WHERE = tempfile.TemporaryDirectory()

HELLO = """
extern int gv_log(int, const char *, long);
extern void maybe(void) __attribute__((weak));
static int count, *at = &count;
__attribute__((constructor)) static void init(void) { count = 7; }
int handler(const void *in, void *out)
{
    gv_log(1, "x", 1);
    if (maybe)
        maybe();
    return (*at)++;
}
"""
PLAIN = "int handler(void) { return 1; }"
FLAGS = ["-O2", "-shared", "-fPIC", "-nostdlib"]


def compiled(source, *more, flags=FLAGS, name="f.so", cc="gcc", kind="c"):
    """Path of the object that comes out of a source text."""
    path = os.path.join(WHERE.name, name)
    subprocess.run([cc, *flags, "-x", kind, "-", *more, "-o", path],
                   input=source, text=True, check=True, capture_output=True)
    return path


def admit(*args, **options):
    return subprocess.run([GVISORD, "admit", *args], capture_output=True,
                          timeout=20, check=False, **options)


def report(path, *args):
    """Exit code and the JSON report, whose form is always the same."""
    r = admit(path, "-o", "json", *args)
    out = json.loads(r.stdout)
    same(r.stderr, b"")
    same(out["file"], path)
    assert isinstance(out["scanned"], bool), out
    same(out["verdict"], "refused" if r.returncode else "admitted")
    same(bool(out["refusals"]), r.returncode == 1)
    same(sorted(out["counts"]), sorted({x["code"] for x in out["refusals"]}))
    for x in out["refusals"]:
        assert x["message"] and isinstance(x["detail"], str), x
        for key in {"offset", "address", "symbol_offset"} & set(x):
            assert isinstance(x[key], int), x
        assert set(x) <= {"code", "message", "detail", "offset", "address",
                          "symbol", "symbol_offset", "bytes"}, x
    return r.returncode, out


def codes(path, *args):
    return sorted(report(path, *args)[1]["counts"])


def test_admitted():
    path = compiled(HELLO)
    code, out = report(path)
    same(code, 0)
    same(out["imports"], ["gv_log"])
    same(out["constructors"], 1)
    same(out["entry"], "handler")
    same(out["file_bytes"], os.path.getsize(path))
    same(out["code_bytes"] % 4096, 0)
    assert 0 < out["entry_address"] < out["image_bytes"], out
    assert out["relocations"] > 0, out
    r = admit(path)
    same((r.returncode, r.stderr), (0, b""))
    has(r.stdout, "f.so: admitted")
    has(r.stdout, "handler at 0x")
    r = admit(path, "-o", "name")
    same((r.returncode, r.stdout), (0, b""))


def test_ways_to_link():
    for more in (["-Wl,-z,now"], ["-Wl,-z,lazy"], ["-s"], ["-g"], ["-O0"],
                 ["-Wl,-z,noseparate-code"], ["-Wl,--hash-style=sysv"],
                 ["-Wl,--hash-style=both"], ["-Wl,-Bsymbolic"],
                 ["-Wl,-soname,x.so"], ["-fvisibility=hidden", "-DV"]):
        source = HELLO
        if "-DV" in more:
            source = source.replace(
                "int handler",
                '__attribute__((visibility("default"))) int handler')
        same(codes(compiled(source, *more)), [])


def test_cplusplus():
    source = """
    struct counter { int n; counter() : n(3) {} };
    static volatile int seed = 4;
    static struct late { int n; late() : n(seed) {} } once;
    extern "C" int handler() { counter c; return c.n + once.n; }
    """
    path = compiled(source, "-fno-exceptions", "-fno-rtti", kind="c++",
                    cc="g++")
    code, out = report(path)
    same((code, out["constructors"]), (0, 1))


def test_other_compilers():
    rust = """#![no_std]
    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo) -> ! { loop {} }
    static mut COUNT: u32 = 3;
    #[no_mangle]
    pub extern "C" fn handler(p: *const u8, n: usize) -> u32 {
        unsafe {
            for i in 0..n { COUNT += *p.add(i) as u32; }
            COUNT
        }
    }
    """
    if shutil.which("clang"):
        same(codes(compiled(HELLO, cc="clang")), [])
    else:
        print("# no clang here")
    if shutil.which("clang") and shutil.which("ld.lld"):
        same(codes(compiled(HELLO, "-fuse-ld=lld", cc="clang")), [])
    else:
        print("# no lld here")
    if not shutil.which("rustc"):
        print("# no rustc here")
        return
    path = os.path.join(WHERE.name, "r.so")
    subprocess.run(["rustc", "--crate-type", "cdylib", "-O", "-Cpanic=abort",
                    "-Clink-arg=-nostdlib", "-", "-o", path], input=rust,
                   text=True, check=True, capture_output=True)
    same(codes(path), [])


def test_refused_objects():
    asm = "int handler(void) { __asm__ volatile(\".byte %s\"); return 1; }"
    ifunc = """
    static int one(void) { return 1; }
    static void *choose(void) { return one; }
    int f(void) __attribute__((ifunc("choose")));
    int handler(void) { return f(); }
    """
    for wants, source, more in (
            (["wrpkru"], asm % "0x0f,0x01,0xef", []),
            (["wrpkru"], "int handler(void) { return 0xef010f; }", []),
            (["xrstor"], asm % "0x48,0x0f,0xae,0x2c,0x24", []),
            (["write-base"], asm % "0xf3,0x48,0x0f,0xae,0xd7", []),
            (["write-base"], asm % "0xf3,0x0f,0xae,0xd8", []),
            (["rseq-signature"], asm % "0x53,0x30,0x05,0x53", []),
            (["system-call"], asm % "0x0f,0x05", []),
            (["system-call"], asm % "0xcd,0x80", []),
            (["executable-stack"], PLAIN, ["-Wl,-z,execstack"]),
            (["ifunc"], ifunc, []),
            (["search-path"], PLAIN, ["-Wl,-rpath,/tmp"]),
            (["filter"], PLAIN, ["-Wl,-F,x.so"]),
            (["audit"], PLAIN, ["-Wl,--audit,x.so"]),
            (["undefined-symbol"],
             "int puts(const char *); int handler(void) { return puts(0); }",
             []),
            (["entry-missing"], "int main(void) { return 1; }", []),
            (["entry-missing"], "static int handler(void) { return 1; }"
             "int (*p)(void) = handler;", []),
            (["entry-not-code"], "int handler = 5;"
             "int f(void) { return 1; }", []),
            (["needed"], PLAIN, ["-Wl,--no-as-needed", "-lm"])):
        path = compiled(source, *more)
        same((wants, more, report(path)[0]), (wants, more, 1))
        same((source, codes(path)), (source, wants))


def test_refused_for_many_reasons():
    code, out = report(compiled(
        "int puts(const char *); int handler(void) { return puts(0) + 1; }",
        flags=["-O2", "-shared", "-fPIC"]))
    same(code, 1)
    has(out["counts"], "needed")
    has(out["counts"], "versions-needed")
    has([r["detail"] for r in out["refusals"]], "DT_NEEDED libc.so.6")
    found = codes(compiled("__thread int n; int handler(void) { return n++; }"))
    has(found, "tls")
    found = codes(compiled(
        "int x; int handler(void) { return (int)(long)&x; }",
        flags=["-O2", "-shared", "-fno-pic", "-mcmodel=large", "-nostdlib",
               "-Wl,-z,notext"]))
    has(found, "text-relocations")
    has(found, "relocation-into-code")
    found = codes(compiled("int main(void) { return 1; }", flags=["-O2"]))
    has(found, "interpreter")
    same(codes(compiled(PLAIN, flags=["-c"])), ["not-shared-object"])
    same(codes(compiled(PLAIN, flags=["-nostdlib", "-static", "-no-pie",
                                      "-Wl,-e,handler"])),
         ["not-shared-object"])


def test_a_place_is_told():
    path = compiled("int handler(void) { __asm__ volatile("
                    "\"nop; nop; .byte 0x0f,0x01,0xef; nop\"); return 1; }",
                    "-fcf-protection=none")
    one = report(path)[1]["refusals"][0]
    same((one["symbol"], one["symbol_offset"]), ("handler", 2))
    assert one["bytes"].startswith("0f01ef90"), one
    with open(path, "rb") as f:
        same(f.read().index(b"\x0f\x01\xef"), one["offset"])
    has(admit(path).stdout, "handler+0x2")


def test_local_functions_are_named():
    source = """
    static __attribute__((noinline)) int inner(int n)
    { __asm__ volatile("xrstor (%%rsp)" : "+r"(n)); return n + 1; }
    int handler(int n) { return inner(n) * 3; }
    """
    one = report(compiled(source))[1]["refusals"][0]
    same((one["code"], one["symbol"]), ("xrstor", "inner"))
    one = report(compiled(source, "-s"))[1]["refusals"][0]
    assert one.get("symbol") != "inner", one


def test_other_entry():
    path = compiled("int handler(void) { return 1; } int g(void) { return 2; }")
    same(codes(path, "--entry", "g"), [])
    same(codes(path, "-e", "h"), ["entry-missing"])
    same(admit(path, "--entry", "").returncode, 2)


def test_system_calls_let_pass():
    path = compiled("int handler(void) { __asm__ volatile(\"syscall\");"
                    "return 1; }")
    same(codes(path), ["system-call"])
    code, out = report(path, "--allow-system-calls")
    same((code, out["system_calls"]), (0, 1))
    has(admit(path, "--allow-system-calls").stdout, "let pass as asked")


def test_wrong_use():
    missing = os.path.join(WHERE.name, "missing")
    for args in ([], [missing], [WHERE.name], [missing, missing],
                 ["--frob", missing], [missing, "-o", "yaml"]):
        r = admit(*args)
        same((args, r.returncode, r.stdout), (args, 2, b""))
        has(r.stderr, "gvisord admit: ")


def test_no_objects():
    with open(compiled(HELLO), "rb") as f:
        hello = f.read()
    for text, wants in ((b"", "not-elf"), (b"return 1", "not-elf"),
                        (b"\x7fELF" + bytes(100), "not-elf64"),
                        (hello[:3000], "segment"),
                        (hello + bytes(16 << 20), "too-large")):
        r = admit("-", "-o", "name", input=text)
        same((r.returncode, r.stdout.decode().split()), (1, [wants]))
        has(admit("-", input=text).stdout, "The code was not looked at")


def test_larger_than_any_file():
    """The verdict is about the object, not about us."""
    big = os.path.join(WHERE.name, "big.so")
    with open(compiled(HELLO), "rb") as f, open(big, "wb") as g:
        g.write(f.read())
        g.truncate(70 << 20)
    same(codes(big), ["too-large"])
    os.truncate(big, 64 << 20)
    same(codes(big), ["too-large"])
    os.remove(big)


def test_standard_input():
    with open(compiled(HELLO), "rb") as f:
        r = admit("-", stdin=f)
    same(r.returncode, 0)


def test_hostile_names():
    path = compiled("int puts(const char *); int handler(void)"
                    "{ return puts(0) + 1; }")
    with open(path, "rb") as f:
        data = f.read()
    for name in (b"\x1b[2J", b"\xff\xfe\x80!", b"\xc2\x9b1m", b"\"\\\n\r"):
        spoiled = os.path.join(WHERE.name, "spoiled.so")
        with open(spoiled, "wb") as f:
            f.write(data.replace(b"\0puts\0", b"\0" + name + b"\0"))
        code, out = report(spoiled)
        same((code, list(out["counts"])), (1, ["undefined-symbol"]))
        for form in ("table", "json", "name"):
            shown = admit(spoiled, "-o", form).stdout
            same((shown.count(b"\x1b"), shown.count(b"\x9b")), (0, 0))
            shown.decode("utf-8")


def test_reasons_are_documented():
    with open(os.path.join(TOP, "src/engine/refusal.c"),
              encoding="utf-8") as f:
        has_names = re.findall(r"\[REFUSAL_\w+\] =\s*\{\s*\"([a-z0-9-]+)\"",
                               f.read())
    with open(os.path.join(TOP, "docs/native.md"), encoding="utf-8") as f:
        page = f.read()
    assert len(has_names) > 30, has_names
    same(re.findall(r"^\| `([a-z0-9-]+)` \|", page, re.M), has_names)
    with open(os.path.join(TOP, "src/engine/exports.c"),
              encoding="utf-8") as f:
        for name in re.findall(r"\"(gv_\w+)\"", f.read()):
            has(page, "`%s`" % name)


if __name__ == "__main__":
    run(sys.modules[__name__])
