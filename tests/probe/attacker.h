#pragma once
/*
 * What whoever deploys attacker.so writes into its bytes: what an author knows
 * who has the daemon's binary and was told where it is loaded, and a plan
 * (deeds.h). Found by its mark.
 */
#include <stdint.h>

#define ATTACKER_MARK "attacker's plan"

enum {
	ATTACKER_PLAN_MAX = 104
};

struct attacker {
	char mark[sizeof(ATTACKER_MARK)];
	uint64_t hostcall; /* gate_hostcall() */
	uint64_t spin;	   /* "jmp *%rax" in the daemon's code */
	/* Of deeds.h; or "make DEED", which is done by the constructor. */
	char plan[ATTACKER_PLAN_MAX];
};
