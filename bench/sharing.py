"""bench/contexts, asked: what isolates share, and the contexts of one."""

import os
import tempfile

import measure

INCLUDE = os.path.join(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__))), "include")
# As long as a function of somebody's library.
FUNCTION = """
static __attribute__((noinline)) int f%(i)d(int *a, int n)
{
    int sum = %(odd)d;
    for (int i = 0; i < n; i++) {
        if (a[i] %% %(odd)d == 3)
            sum += a[i] * %(odd)d ^ n << (i & 7);
        else
            a[i] = sum / (a[i] | 1) + %(odd)d;
    }
    return sum;
}
"""
HANDLER = """
gv_handler handler;

int handler(const struct gv_request *req, struct gv_response *res)
{
    volatile int sum = 0;
    int a[2] = {(int)req->body_len, 2};

%s
    res->kind = GV_TEXT;
    res->body = "hello";
    res->body_len = 5;
    return 0;
}
"""
LEVELS = ("-O1", "-O2", "-Os", "-O3", "-Og")
FUNCTIONS = 6200  # a MiB of text, each page of which a call needs


def lua(build, times):
    """{name: value}, and {name: [value of 1, 2, ...]}."""
    single, series = {}, {}
    for name, value in measure.values(measure.run(
            [f"{build}/bench/contexts", "-n", str(times)])):
        n, _, of = value.partition(" ")
        if of:
            series.setdefault(name, []).append(float(of))
            assert len(series[name]) == int(n), name
        else:
            single[name] = measure.number(value)
    return single, series


def build_native(level, source, target):
    """As whoever writes a function builds it."""
    measure.run(["gcc", level, "-shared", "-fPIC", "-nostdlib", "-s",
                 "-fno-stack-protector", "-fcf-protection=none",
                 "-Wl,-z,noseparate-code", "-Wl,-z,now", "-I", INCLUDE,
                 source, "-o", target])


def native(build, isolates):
    """KiB per isolate of a function with a MiB of code: resident, its share,
    and the code itself."""
    with tempfile.TemporaryDirectory() as where:
        source, target = f"{where}/f.c", f"{where}/f.so"
        with open(source, "w", encoding="ascii") as f:
            f.write("#include <gvisor/function.h>\n")
            for i in range(FUNCTIONS):
                f.write(FUNCTION % {"i": i, "odd": 2 * (i % 40) + 5})
            f.write(HANDLER % "\n".join(
                f"    sum += f{i}(a, 2);" for i in range(FUNCTIONS)))
        # So much code has the bytes of a system call somewhere: another
        # level, another place.
        for level in LEVELS:
            build_native(level, source, target)
            try:
                lines = measure.run([f"{build}/bench/contexts", "-c", target,
                                     str(isolates)])
                break
            except measure.Failed as e:
                if "refused" not in str(e) or level == LEVELS[-1]:
                    raise
        found = {name: measure.number(value)
                 for name, value in measure.values(lines)}
        found["text_kib"] = os.path.getsize(target) / 1024
    return found
