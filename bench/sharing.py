"""bench/contexts, asked: what isolates share, and the contexts of one."""

import os
import tempfile

import measure

INCLUDE = os.path.join(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__))), "include")
# A MiB of instructions, one after the other: a call needs each page of them.
SOURCE = """
#include <gvisor/function.h>

gv_handler handler;
void all_of_it(void);

__asm__(".text\\n"
        "all_of_it:\\n"
        ".rept 262144\\n"
        "lea 1(%rax), %rax\\n"
        ".endr\\n"
        "ret\\n");

int handler(const struct gv_request *req, struct gv_response *res)
{
    (void)req;
    all_of_it();
    res->kind = GV_TEXT;
    res->body = "hello";
    res->body_len = 5;
    return 0;
}
"""


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


def native(build, isolates):
    """KiB per isolate of a function with a MiB of code: resident, its share,
    and the code itself."""
    with tempfile.TemporaryDirectory() as where:
        source, target = f"{where}/f.c", f"{where}/f.so"
        with open(source, "w", encoding="ascii") as f:
            f.write(SOURCE)
        measure.run(["gcc", "-O1", "-shared", "-fPIC", "-nostdlib", "-s",
                     "-fno-stack-protector", "-fcf-protection=none",
                     "-Wl,-z,noseparate-code", "-Wl,-z,now",
                     "-Wl,-Bsymbolic", "-I", INCLUDE, source, "-o", target])
        found = {name: measure.number(value) for name, value in
                 measure.values(measure.run(
                     [f"{build}/bench/contexts", "-c", target,
                      str(isolates)]))}
        found["text_kib"] = os.path.getsize(target) / 1024
    return found
