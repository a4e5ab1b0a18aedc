/*
 * Leaving and the rest with GS at 0, where any program can bring it by loading
 * a selector. Nothing lies at 0; yet with a page there, readable for all and
 * made up to look like a gate page, the gate must not believe it either.
 * Control: that page, and a gate that does not check where GS points. To map it
 * takes root, or a system without vm.mmap_min_addr.
 */
#include <sys/mman.h>

#include "tests/security/attack.h"
#include "tests/security/jump.h"

enum {
	PAGE = 4096,
	THREAD_AT = 512,
	STACK_AT = 1024,
};

/* T. Key S, as real pages are: else T could not read it. */
static void map_lowest(struct box *b, void *arg)
{
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	(void)arg;
	if (p == MAP_FAILED || p != NULL)
		return;
	b->report->number[0] = 1;
	(void)b->prim.tag(p, PAGE, PROT_READ | PROT_WRITE, b->keys.shared);
}

/* T. The compiler is not to know that this is address 0. */
static void fill_lowest(struct box *b, char *at)
{
	struct gate_page *page = (void *)at;
	struct gate_thread *thread = (void *)(at + THREAD_AT);
	uint64_t *stack = (void *)(at + STACK_AT);

	__asm__("" : "+r"(page), "+r"(thread), "+r"(stack));
	page->self = page;
	page->thread = thread;
	page->ctl = b->thread->page->ctl;
	page->aux = UINT32_MAX;
	thread->rsp = (uint64_t)stack;
	thread->state = GATE_STATE_ISOLATE;
	thread->fs = b->thread->fs;
	stack[0] = (uint64_t)b->thread->page;
	stack[2] = (uint64_t)b->attacker.mem + (16 << 10);
	stack[3] = keys_pkru_isolate(&b->keys, domain_key(&b->attacker.domain));
	stack[5] = box_place(b, BOX_HEAP);
	stack[6] = (uint64_t)box_loot;
}

static void session(struct box *b, const void *arg)
{
	box_keeper(b, map_lowest, NULL);
	if (b->report->number[0])
		fill_lowest(b, NULL);
	jump_once(b, arg);
}

static void run(void)
{
	const struct {
		const char *name;
		void (*to)(void);
	} pieces[] = {
		{"gate_enter", gate_enter_mpk},
		{"gate_exit", gate_exit_mpk},
		{"gate_copy", gate_copy_mpk},
		{"gate_trust", gate_trust_mpk},
		{"gate_fault", gate_fault_mpk},
	};
	const struct jump leave = {.loot = BOX_HEAP,
		.to = {.gs_zero = 1, .r11 = (uint64_t)gate_exit_mpk}};
	const struct box_report *r;

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		struct jump j = {.loot = BOX_HEAP,
			.to = {.gs_zero = 1,
				.rdi = JUMP_PKRU_TRUSTED,
				.r11 = (uint64_t)pieces[i].to}};

		(void)jump_case(pieces[i].name, &j);
	}
	r = box_run(NULL, session, &leave);
	if (!attack_held(box_survived(r), "leaving, with a page at 0"))
		box_say("defended", r);
	r = box_run(&jump_no_checks, session, &leave);
	if (!attack_worked(r->end[0].leaked, "leaving, with a page at 0"))
		box_say("control", r);
}

const struct attack attack_b10 = {
	.id = "B10",
	.name = "pass the gate with GS at zero",
	.layer = "gate check, nothing at 0",
	.off = "the gate's checks, with a page at 0",
	.run = run,
};
