/*
 * The trial of MPK isolation in a child process. Trusted side, at start, before
 * the parent has taken a key; what the child does to itself ends with it.
 */
#include "core/probe.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/selftest_in.h"
#include "pkey/domain.h"
#include "pkey/gate.h"
#include "pkey/gate_asm.h"
#include "pkey/partition.h"
#include "sandbox/jail.h"

enum {
	PROBE_BYTES = 64 << 10,
	PROBE_CTL = 32 << 10
};

struct probe {
	struct keys keys;
	struct gate gate;
	struct gate_thread *thread;
	struct domain_mux mux;
	struct domain domain;
	char *mem;
};

/* Read by the isolate, which must not succeed; key 0. */
static uint64_t probe_secret;

static int probe_process(struct probe *p)
{
	int r = keys_init(&p->keys, &prim_mpk);

	if (r == 0)
		r = jail_rseq_unregister();
	if (r == 0)
		r = partition_apply(&p->keys);
	if (r == 0)
		r = gate_init(&p->gate, &p->keys);
	if (r == 0)
		r = gate_install_handlers(&p->gate);
	if (r == 0)
		r = gate_thread_init(&p->gate, false, &p->thread);
	return r;
}

static int probe_domain(struct probe *p)
{
	p->mem = mmap(NULL, PROBE_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p->mem == MAP_FAILED)
		return -ENOMEM;
	domain_mux_init(&p->mux, &p->keys);
	if (domain_init(&p->domain, &p->keys, p->mem, PROBE_BYTES) < 0)
		return -EIO;
	return domain_bind(&p->mux, &p->domain);
}

/* Runs the probe that reads key 0 and reports whether it was caught. */
static bool probe_enter(struct probe *p)
{
	struct inside in = {
		.op = SELFTEST_READ,
		.req = (uint64_t)&probe_secret,
	};
	uint64_t ctl = (uint64_t)p->mem + PROBE_CTL;
	/* As in isolate.c: six registers, then where gate_enter returns to. */
	uint64_t frame[8] = {0, 0, 0, 0, ctl, (uint64_t)selftest_main_in,
		(uint64_t)gate_start};
	uint64_t rsp = ctl - sizeof(frame) - 8;
	int key = domain_key(&p->domain);

	in.gate.rsp = rsp;
	gate_copy_in(&p->gate, key, (void *)rsp, frame, sizeof(frame));
	gate_copy_in(&p->gate, key, (void *)ctl, &in, sizeof(in));
	gate_target(p->thread, ctl, 0, key);
	return p->gate.enter() == GATE_ABORTED &&
	       p->thread->fault.signal == SIGSEGV &&
	       p->thread->fault.key == PRIM_KEY_TRUSTED;
}

static int probe_child(void)
{
	struct probe p = {0};

	if (probe_process(&p) != 0 || probe_domain(&p) != 0)
		return 1;
	return probe_enter(&p) ? 0 : 2;
}

int probe_run(const char **ret_why)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(probe_child());
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		*ret_why = "no process could be made to try the isolation";
		return -ENOTSUP;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	*ret_why = WIFSIGNALED(status)
			   ? "the kernel can't deliver a signal while key 0 is "
			     "denied (Linux 6.12 or later does)"
			   : "the trial of the isolation failed";
	return -ENOTSUP;
}
