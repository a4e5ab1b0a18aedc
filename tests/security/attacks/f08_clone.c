/*
 * The thread has the rights of its creator, at that moment and from then on:
 * also when the key is another's. No dispatch binds it.
 */
#include <linux/sched.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

enum {
	STACK_AT = 8192
};

/* U. In the child: with its creator's rights. */
static void note(void *arg)
{
	*(volatile uint64_t *)arg = 42;
}

/* U. */
static void *child_stack(struct box_attack *a)
{
	return a->area + STACK_AT;
}

#define THREAD                                                                 \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |    \
		CLONE_SYSVSEM)

/* U. Waits until the thread has written. */
__attribute__((noreturn)) static void wait_for(struct box_attack *a)
{
	while (*(volatile uint64_t *)&a->n[0] != 42)
		__builtin_ia32_pause();
	box_got(42);
}

/* U. */
static void do_clone(struct box_attack *a)
{
	if (walls_clone(THREAD, child_stack(a), note, &a->n[0]) >=
		(uint64_t)-4095)
		box_done();
	wait_for(a);
}

/* U. */
static void do_clone3(struct box_attack *a)
{
	const struct clone_args args = {.flags = THREAD,
		.stack = (uint64_t)a->area,
		.stack_size = STACK_AT};

	if (walls_clone3(&args, sizeof(args), note, &a->n[0]) >=
		(uint64_t)-4095)
		box_done();
	wait_for(a);
}

/* Keeper. */
static void look(struct box *b, void *attack)
{
	(void)attack;
	b->report->number[0] =
		walls_got(&b->report->end[0]) && b->report->end[0].arg[0] == 42;
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"clone", do_clone, SYS_clone, .harm = WALLS_SEEN,
			.after = look},
		{"clone3", do_clone3, SYS_clone3, .harm = WALLS_SEEN,
			.after = look},
	};

	WALLS_TRY(cases);
}

const struct attack attack_f08 = {
	.id = "F08",
	.name = "clone and clone3: a thread of the isolate's own",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
