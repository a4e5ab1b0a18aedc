/*
 * Code and data in the kernel.
 */
#include <linux/bpf.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static void map(struct box_attack *a)
{
	union bpf_attr *p = (void *)a->area;

	p->map_type = BPF_MAP_TYPE_ARRAY;
	p->key_size = 4;
	p->value_size = 8;
	p->max_entries = 1;
	box_got(walls_call(SYS_bpf, BPF_MAP_CREATE, (uint64_t)p, 72, 0));
}

/* U. r0 = 0; exit. */
static void program(struct box_attack *a)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT}};
	union bpf_attr *p = (void *)a->area;

	p->prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	p->insn_cnt = 2;
	p->insns = (uint64_t)insns;
	p->license = (uint64_t) "";
	box_got(walls_call(SYS_bpf, BPF_PROG_LOAD, (uint64_t)p, 72, 0));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"a map", map, SYS_bpf, .harm = WALLS_MADE},
		{"a program", program, SYS_bpf, .harm = WALLS_MADE},
	};

	WALLS_TRY(cases);
}

const struct attack attack_d20 = {
	.id = "D20",
	.name = "bpf: a program or map of the isolate's own",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
