/* What a run of a box came to, in words. */
#include <sys/wait.h>

#include "pkey/fault.h"
#include "tests/security/attack.h"
#include "tests/security/box.h"

static void say_fault(const char *what, const struct gate_fault *f)
{
	attack_say("%s: %s code %d key %d syscall %d address %#lx rip %#lx rsp "
		   "%#lx",
		what, fault_signal_name(f->signal), f->code, f->key, f->syscall,
		f->address, f->rip, f->rsp);
}

void box_say(const char *what, const struct box_report *r)
{
	const struct box_end *e = &r->end[r->n_ends ? r->n_ends - 1 : 0];

	attack_say("%s: child %s %d%s%s", what,
		WIFSIGNALED(r->status) ? "died of signal" : "exited with",
		WIFSIGNALED(r->status) ? WTERMSIG(r->status)
				       : WEXITSTATUS(r->status),
		r->hung ? ", hung" : "", r->fatal ? ", fatal" : "");
	if (r->setup != 0 || r->n_ends == 0)
		attack_say("set-up (%d), last step: %s", r->setup,
			r->setup_what ? r->setup_what : "none");
	if (r->fatal)
		say_fault("runtime fault", &r->fault);
	if (r->text[0])
		attack_say("%s", r->text);
	if (r->n_ends == 0)
		return;
	attack_say(
		"%u ends; last: ran %d how %d call %lu (%#lx) alive %d leaked "
		"%d pkru %#x",
		r->n_ends, e->ran, e->how, e->nr, e->arg[0], e->alive,
		e->leaked, e->pkru);
	for (unsigned i = 0; i < BOX_PLACES; i++)
		if (e->hurt[i])
			attack_say("hurt: %s", box_place_name[i]);
	if (e->how == GATE_ABORTED)
		say_fault("isolate", &e->fault);
}
