/* Results of the security tests, as TAP. */
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>

#include "pkey/fault.h"
#include "tests/security/box.h"

static unsigned n_tests, n_failed;

bool tap_ok(bool good, const char *name, ...)
{
	va_list ap;

	n_tests++;
	n_failed += !good;
	printf("%s %u - ", good ? "ok" : "not ok", n_tests);
	va_start(ap, name);
	(void)vprintf(name, ap);
	va_end(ap);
	(void)putchar('\n');
	return good;
}

void tap_say(const char *text, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, text);
	(void)vprintf(text, ap);
	va_end(ap);
	(void)putchar('\n');
}

static void say_fault(const char *what, const struct gate_fault *f)
{
	tap_say("%s: %s code %d key %d syscall %d address %#lx rip %#lx rsp "
		"%#lx",
		what, fault_signal_name(f->signal), f->code, f->key, f->syscall,
		f->address, f->rip, f->rsp);
}

void tap_end(const char *what, const struct box_report *r)
{
	const struct box_end *e = &r->end[r->n_ends ? r->n_ends - 1 : 0];

	tap_say("%s: child %s %d%s%s", what,
		WIFSIGNALED(r->status) ? "died of signal" : "exited with",
		WIFSIGNALED(r->status) ? WTERMSIG(r->status)
				       : WEXITSTATUS(r->status),
		r->hung ? ", hung" : "", r->fatal ? ", fatal" : "");
	if (r->setup != 0)
		tap_say("set-up failed (%d): %s", r->setup, r->setup_what);
	if (r->fatal)
		say_fault("runtime fault", &r->fault);
	if (r->text[0])
		tap_say("%s", r->text);
	if (r->n_ends == 0)
		return;
	tap_say("%u ends; last: ran %d how %d call %lu (%#lx) alive %d leaked "
		"%d pkru %#x",
		r->n_ends, e->ran, e->how, e->nr, e->arg[0], e->alive,
		e->leaked, e->pkru);
	for (unsigned i = 0; i < BOX_PLACES; i++)
		if (e->hurt[i])
			tap_say("hurt: %s", box_place_name[i]);
	if (e->how == GATE_ABORTED)
		say_fault("isolate", &e->fault);
}

int tap_plan(void)
{
	printf("1..%u\n", n_tests);
	return n_failed ? 1 : 0;
}
