#pragma once
/*
 * The gate: the only code that changes PKRU. Its assembly is gate.S; this
 * header holds the structures whose layout that file knows.
 *
 *   gate_page     one per worker, in key S: the runtime writes it, isolates
 *                 read it. GS of the worker points at it. Nothing secret.
 *   gate_thread   one per trusted thread, in key 0: what the way back needs.
 *   gate_ctl      first bytes of an isolate's control block, in the isolate's
 *                 own memory: what the way in loads under U. The runtime
 *                 believes nothing it reads there.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GATE_ARGS = 4,
	GATE_PAGE_SIZE = 4096,
	GATE_MAX_WORKERS = 64,
};

/* Offsets are checked against gate.S by static assertions in gate.c. */
struct gate_ctl {
	uint64_t rsp;              /* 0   stack to continue on */
	uint64_t ret;              /* 8   what the hostcall returns inside */
	uint64_t nr;               /* 16  number of the hostcall made */
	uint64_t args[GATE_ARGS];  /* 24  its arguments */
	uint64_t spare;
};

/*
 * Inside (U): leaves the isolate with a hostcall and returns what the runtime
 * put in gate_ctl.ret, if it ever enters this isolate again. C ABI; all
 * registers that the ABI lets a callee destroy come back as zero.
 */
uint64_t gate_hostcall(uint64_t nr, uint64_t a, uint64_t b, uint64_t c,
	uint64_t d);
