/* See cookies.h. */
#include "tests/security/cookies.h"

#include <errno.h>
#include <signal.h>

#include "sandbox/dispatch.h"
#include "tests/security/attack.h"
#include "tests/security/walls.h"

enum guess {
	NONE,
	WRONG,
	LOW,
	HIGH,
	NEGATED,
	RIGHT,
	GUESSES
};

enum {
	CODE_SECCOMP = 1
};

static const char *const names[GUESSES] = {"no cookie", "one bit wrong",
	"the low half", "the high half", "the complement", "the cookie"};

struct plan {
	const struct cookies_call *call;
	enum guess guess;
};

static uint64_t guess_value(uint64_t cookie, enum guess guess)
{
	switch (guess) {
	case WRONG:
		return cookie ^ 1;
	case LOW:
		return cookie & UINT32_MAX;
	case HIGH:
		return cookie & ~(uint64_t)UINT32_MAX;
	case NEGATED:
		return ~cookie;
	case RIGHT:
		return cookie;
	default:
		return 0;
	}
}

static void session(struct box *b, const void *arg)
{
	const struct plan *p = arg;
	uint64_t value = guess_value(b->cookie, p->guess);
	const struct box_attack a = {.n = {BOX_HEAP, value, ~value}};

	(void)box_attack(b, p->call->fn, &a);
}

static bool refused(const struct box_report *r, const struct cookies_call *c)
{
	if (c->errs)
		return box_survived(r) && walls_got(&r->end[0]) &&
		       r->end[0].arg[0] == (uint64_t)-EPERM;
	return walls_refused(r, c->nr, CODE_SECCOMP);
}

static bool made(const struct box_report *r, const struct cookies_call *c)
{
	const struct box_end *e = &r->end[0];

	return walls_got(e) && (c->leaks ? e->leaked : e->arg[0] == 0);
}

void cookies_try(const struct cookies_call *c)
{
	static const struct box_off off = {.dispatch = true};
	struct plan p = {.call = c};
	const struct box_report *r;

	for (; p.guess < RIGHT; p.guess++) {
		r = box_run(&off, session, &p);
		if (!attack_held(
			    refused(r, c), "dispatch off, %s", names[p.guess]))
			box_say("defended", r);
	}
	r = box_run(NULL, session, &p);
	if (!attack_held(walls_refused(r, c->nr, DISPATCH_SI_CODE),
		    "dispatch on, %s", names[p.guess]))
		box_say("defended", r);
	r = box_run(&off, session, &p);
	if (!attack_worked(made(r, c), "dispatch off, %s", names[p.guess]))
		box_say("control", r);
}
