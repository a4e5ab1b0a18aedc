#pragma once
/* Probes that the self-test runs inside an isolate; each must be stopped. */
#include "engine/inside.h"

enum selftest_probe {
	/* With and without keys. */
	SELFTEST_TRAP,	   /* UD2 */
	SELFTEST_SYSCALL,  /* getppid */
	SELFTEST_TRAP_GS,  /* UD2 with GS = 0 */
	SELFTEST_SOFTWARE, /* as many as run without keys */
	/* With keys; req is an address in key 0, want one in key S. */
	SELFTEST_READ = SELFTEST_SOFTWARE,
	SELFTEST_READ_GS,    /* with GS = 0 */
	SELFTEST_READ_STACK, /* with RSP = code, in the alternate stack */
	SELFTEST_WRITE_S,
	SELFTEST_COUNT,
};

/* in->op says which, in->req and in->want where. */
void selftest_main_in(struct inside *in);
