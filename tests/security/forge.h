#pragma once
/* U: a signal frame with PKRU = 0, made up by an isolate. */
#include "tests/security/box.h"

/* Builds it in a->area; rip runs with a in RDI on the attacker's own stack.
 * Returns the stack pointer to call rt_sigreturn with. */
uint64_t forge_frame(struct box_attack *a, void (*rip)(struct box_attack *a));

/* What an escape leads to: leaves with the trusted heap's canary. */
__attribute__((noreturn)) void forge_loot(struct box_attack *a);
