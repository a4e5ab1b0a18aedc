/* See walls.h. */
#include "tests/security/walls.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "sandbox/dispatch.h"
#include "tests/security/attack.h"

enum {
	CODE_SECCOMP = 1,
	ERRORS = 4095,
};

struct run {
	const char *name;
	struct box_off off;
	int code; /* of the SIGSYS; 0: no wall stands */
};

static const struct run runs[] = {
	{"both walls", {0}, DISPATCH_SI_CODE},
	{"dispatch off", {.dispatch = true}, CODE_SECCOMP},
	{"filter off", {.filter = true}, DISPATCH_SI_CODE},
	{"both off", {.dispatch = true, .filter = true}, 0},
};

static const struct run no_keys = {"both and keys off",
	{.dispatch = true, .filter = true, .keys = true}, 0};

static void session(struct box *b, const void *arg)
{
	const struct walls_case *c = arg;
	static struct box_attack a;

	memset(&a, 0, sizeof(a));
	memcpy(a.n, c->n, sizeof(c->n));
	if (c->before)
		box_keeper(b, c->before, &a);
	(void)box_attack(b, c->fn, &a);
	if (c->after)
		box_keeper(b, c->after, &a);
}

bool walls_got(const struct box_end *e)
{
	return e->how == GATE_LEFT && e->nr == BOX_GOT;
}

bool walls_refused(const struct box_report *r, int nr, int code)
{
	const struct box_end *e = &r->end[0];

	return box_survived(r) && e->how == GATE_ABORTED &&
	       e->fault.signal == SIGSYS && e->fault.code == code &&
	       e->fault.syscall == nr;
}

static bool returned(const struct box_report *r, int err)
{
	const struct box_end *e = &r->end[0];

	return box_survived(r) && walls_got(e) &&
	       e->arg[0] == (uint64_t) - (int64_t)err;
}

static bool kept_by_keys(const struct box_report *r, int keys)
{
	const struct box_end *e = &r->end[0];

	if (keys != WALLS_PKEY)
		return returned(r, keys);
	return box_survived(r) && e->how == GATE_ABORTED &&
	       e->fault.signal == SIGSEGV && e->fault.code == SEGV_PKUERR;
}

static bool harmed(const struct box_report *r, const struct walls_case *c)
{
	const struct box_end *e = &r->end[0];

	if (r->setup != 0 || r->n_ends != 1)
		return false;
	switch (c->harm) {
	case WALLS_FATAL:
		if (WIFSIGNALED(r->status) && !r->hung)
			return true;
		return walls_got(e) && e->arg[0] < (uint64_t)-ERRORS;
	case WALLS_LEAKED:
		return e->leaked;
	case WALLS_MADE:
		return walls_got(e) && e->arg[0] < (uint64_t)-ERRORS;
	case WALLS_HURT:
		return e->hurt[c->place];
	case WALLS_HARMED:
		return r->status != 0 || r->hung || !e->ran || !e->alive;
	case WALLS_SEEN:
		return r->number[0] != 0;
	}
	return false;
}

static bool held(const struct box_report *r, const struct walls_case *c,
	const struct run *run)
{
	if (run->code == 0)
		return kept_by_keys(r, c->keys);
	if (run->code == CODE_SECCOMP && c->answered)
		return returned(r, c->err);
	return walls_refused(r, c->nr, run->code);
}

static void try_run(const struct walls_case *c, const struct run *run)
{
	const struct box_report *r = box_run(&run->off, session, c);
	bool control = run->code == 0 && (!c->keys || run->off.keys);

	if (control ? !attack_worked(harmed(r, c), "%s, %s", c->name, run->name)
		    : !attack_held(
			      held(r, c, run), "%s, %s", c->name, run->name))
		box_say(run->name, r);
}

void walls_try(const struct walls_case *c)
{
	for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++)
		try_run(c, &runs[i]);
	if (c->keys)
		try_run(c, &no_keys);
}

void walls_try_all(const struct walls_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		walls_try(&cases[i]);
}

/* U. ----------------------------------------------------------------------- */

uint64_t walls_call6(uint64_t nr, const uint64_t args[6])
{
	const uint64_t n[7] = {
		nr, args[0], args[1], args[2], args[3], args[4], args[5]};
	uint64_t got = box_syscall(n);

	if (got >= (uint64_t)-ERRORS)
		box_got(got);
	return got;
}

uint64_t walls_call(
	uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
	const uint64_t args[6] = {a0, a1, a2, a3, 0, 0};

	return walls_call6(nr, args);
}

uint64_t walls_own_key(const struct box_attack *a)
{
	for (uint64_t key = 1; key < PRIM_KEYS; key++)
		if (!(a->pkru_own >> (2 * key) & 3))
			return key;
	return 0;
}

static uint64_t translate(const struct box_attack *a, uint64_t n)
{
	uint32_t low = (uint32_t)n;

	if ((n & WALLS_TOKEN_MASK) != WALLS_TOKEN)
		return n;
	switch (n >> 32 & 0xfff) {
	case 0:
		return (uint64_t)a->area + low;
	case 1:
		return a->place[low];
	case 2:
		return (uint64_t)a->ring_fd;
	default:
		return a->value;
	}
}

void walls_make(struct box_attack *a)
{
	uint64_t n[7];

	for (unsigned i = 0; i < sizeof(n) / sizeof(*n); i++)
		n[i] = translate(a, a->n[i]);
	box_got(box_syscall(n));
}
