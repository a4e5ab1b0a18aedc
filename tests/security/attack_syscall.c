/*
 * System calls from an isolate. Two walls, each tried with the other off; with
 * both off the call is made, which is the control.
 *
 * Then calls that make the kernel a deputy; then every number there is; then
 * the few that the filter lets a worker make, without its cookie.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sandbox/dispatch.h"
#include "sandbox/policy.h"
#include "tests/security/box.h"
#include "tests/security/box_asm.h"
#include "tests/security/forge.h"

enum {
	X32 = 0x40000000,
	I386_GETPID = 20,
	CODE_SECCOMP = 1,
	LAST_NR = 511,
	NR_URETPROBE = 335, /* no filter ever sees these two: policy.h */
	NR_UPROBE = 336,
};

static const struct walls {
	const char *name;
	struct box_off off;
	int code; /* of the SIGSYS; 0: the call is made */
} walls[] = {
	{"both walls", {0}, DISPATCH_SI_CODE},
	{"dispatch off", {.dispatch = true}, CODE_SECCOMP},
	{"filter off", {.filter = true}, DISPATCH_SI_CODE},
	{"control", {.dispatch = true, .filter = true}, 0},
};
enum {
	WALLS = sizeof(walls) / sizeof(*walls)
};

static bool refused(const struct box_end *e, int code)
{
	return e->how == GATE_ABORTED && e->fault.signal == SIGSYS &&
	       e->fault.code == code;
}

/* Dialects. U. --------------------------------------------------------------
 */

static void call_native(struct box_attack *a)
{
	const uint64_t n[7] = {SYS_getpid};

	(void)a;
	box_got(box_syscall(n));
}

static void call_x32(struct box_attack *a)
{
	const uint64_t n[7] = {X32 | SYS_getpid};

	(void)a;
	box_got(box_syscall(n));
}

static void call_int80(struct box_attack *a)
{
	(void)a;
	box_got(box_int80(I386_GETPID));
}

/* Through the wrapper that the runtime itself uses. */
static void call_libc(struct box_attack *a)
{
	(void)a;
	box_got((uint64_t)syscall(SYS_getpid));
}

/* The kernel as a deputy. U. ------------------------------------------------
 */

static uint64_t call(
	uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	const uint64_t n[7] = {nr, a, b, c, d};

	return box_syscall(n);
}

static int own_key(const struct box_attack *a)
{
	for (int key = 1; key < PRIM_KEYS; key++)
		if (!(a->pkru_own >> (2 * key) & 3))
			return key;
	return 0;
}

static void deputy_retag(struct box_attack *a)
{
	uint64_t at = a->place[BOX_HEAP];

	(void)call(SYS_pkey_mprotect, at, BOX_PATTERN, PROT_READ | PROT_WRITE,
		(uint64_t)own_key(a));
	box_got(*(volatile uint64_t *)at);
}

static void deputy_vm_read(struct box_attack *a)
{
	uint64_t got = 0;
	struct iovec to = {&got, sizeof(got)};
	struct iovec from = {(void *)a->place[BOX_HEAP], sizeof(got)};
	const uint64_t n[7] = {SYS_process_vm_readv,
		call(SYS_getpid, 0, 0, 0, 0), (uint64_t)&to, 1, (uint64_t)&from,
		1, 0};

	(void)box_syscall(n);
	box_got(got);
}

static void deputy_proc_mem(struct box_attack *a)
{
	char path[] = "/proc/self/mem";
	uint64_t got = 0;
	uint64_t fd = call(SYS_open, (uint64_t)path, O_RDONLY, 0, 0);

	(void)call(SYS_pread64, fd, (uint64_t)&got, sizeof(got),
		a->place[BOX_PARKED]);
	box_got(got);
}

static void deputy_free_key(struct box_attack *a)
{
	uint64_t key = 0;

	while (a->pkru_other >> (2 * key) & 3 || key < 2)
		key++;
	(void)call(SYS_pkey_free, key, 0, 0, 0);
	(void)call(SYS_pkey_alloc, 0, 0, 0, 0);
	box_got(*(volatile uint64_t *)a->place[BOX_OTHER]);
}

static void deputy_sigreturn(struct box_attack *a)
{
	box_sigreturn(forge_frame(a, forge_loot), 0, 0);
}

/* Child of a clone reads in our stead and says it through its memory. */
static void deputy_write_pipe(struct box_attack *a)
{
	int fd[2];
	uint64_t got = 0;

	/* What the kernel reads for us under our own PKRU is refused: EFAULT.
	 * Control of the control: this one must never get through. */
	(void)call(SYS_pipe2, (uint64_t)fd, 0, 0, 0);
	(void)call(SYS_write, (uint64_t)fd[1], a->place[BOX_HEAP], 8, 0);
	(void)call(SYS_fcntl, (uint64_t)fd[0], F_SETFL, O_NONBLOCK, 0);
	(void)call(SYS_read, (uint64_t)fd[0], (uint64_t)&got, 8, 0);
	box_got(got);
}

static void try_walls(const char *name, box_attack_fn *fn, bool leaks)
{
	static const struct box_attack a;

	for (int i = 0; i < WALLS; i++) {
		const struct walls *w = &walls[i];
		const struct box_report *r = box_run_one(&w->off, fn, &a);
		const struct box_end *e = &r->end[0];
		bool made = e->how == GATE_LEFT && e->nr == BOX_GOT &&
			    e->leaked == leaks;

		if (!tap_ok(w->code ? box_survived(r) && refused(e, w->code)
				    : made,
			    "%s, %s: %s", name, w->name,
			    w->code ? "refused" : "made"))
			box_say(w->name, r);
	}
}

/* Every number. -------------------------------------------------------------
 */

/* U. */
static void call_number(struct box_attack *a)
{
	const uint64_t n[7] = {a->n[0], a->place[BOX_HEAP], 4096,
		PROT_READ | PROT_WRITE, (uint64_t)own_key(a), 0, 0};

	box_got(box_syscall(n));
}

static void session_numbers(struct box *b, const void *arg)
{
	(void)arg;
	for (uint64_t nr = 0; nr <= LAST_NR; nr++) {
		const struct box_attack a = {.n = {nr}};

		b->report->number[0] = nr;
		(void)box_attack(b, call_number, &a);
	}
}

static bool number_as_policy(const struct box_end *e, int nr)
{
	static const struct policy_params none = {.cookie = 1, .ring_fd = -1};
	const uint64_t args[6] = {4096, 4096, PROT_READ | PROT_WRITE, 3, 0, 0};
	struct policy_act act = policy_decide(&policy_worker, &none, nr, args);

	if (refused(e, CODE_SECCOMP))
		return act.verdict == POLICY_TRAP;
	if (e->how == GATE_ABORTED)
		return nr == NR_URETPROBE && e->fault.signal == SIGILL;
	if (nr == NR_UPROBE)
		return e->arg[0] == (uint64_t)-ENXIO;
	return act.verdict == POLICY_ERRNO &&
	       e->arg[0] == (uint64_t) - (int64_t)act.err;
}

static void try_numbers(const struct walls *w)
{
	const struct box_report *r = box_run(&w->off, session_numbers, NULL);
	unsigned bad = 0;

	for (unsigned i = 0; i < r->n_ends; i++) {
		const struct box_end *e = &r->end[i];
		bool held = w->code == CODE_SECCOMP
				    ? number_as_policy(e, (int)i)
				    : refused(e, w->code);
		bool good = held && e->ran && e->alive && !e->hurt[BOX_HEAP] &&
			    !e->hurt[BOX_OTHER] && !e->hurt[BOX_PARKED];

		if (!good && bad++ < 10)
			tap_say("call %u: how %d signal %d code %d value %ld",
				i, e->how, e->fault.signal, e->fault.code,
				(long)e->arg[0]);
	}
	if (!tap_ok(r->status == 0 && r->n_ends == LAST_NR + 1 && bad == 0,
		    "all %d numbers, %s: as the policy says", LAST_NR + 1,
		    w->name))
		box_say("numbers", r);
}

/* Cookies. ------------------------------------------------------------------
 */

enum guess {
	NONE,
	WRONG,
	HALF,
	RIGHT,
	GUESSES
};

static const char *const guess_name[GUESSES] = {
	"no cookie", "a wrong cookie", "half a cookie", "the cookie: control"};

/* U: n[0] the place to loot, n[1] the cookie. */
static void cookie_futex(struct box_attack *a)
{
	const uint64_t n[7] = {SYS_futex, (uint64_t)a->area, FUTEX_WAKE_PRIVATE,
		1, 0, a->n[1], 0};

	box_got(box_syscall(n));
}

static void cookie_clock(struct box_attack *a)
{
	const uint64_t n[7] = {
		SYS_clock_gettime, 1, (uint64_t)a->area, 0, a->n[1], 0, 0};

	box_got(box_syscall(n));
}

static void cookie_ring(struct box_attack *a)
{
	const uint64_t n[7] = {
		SYS_io_uring_enter, (unsigned)a->ring_fd, 0, 0, 0, 0, a->n[1]};

	box_got(box_syscall(n));
}

static void cookie_sigreturn(struct box_attack *a)
{
	box_sigreturn(forge_frame(a, forge_loot), a->n[1], ~a->n[1]);
}

static const struct cookie {
	const char *name;
	box_attack_fn *fn;
	bool errs;  /* refused by EPERM, not by a trap */
	bool leaks; /* with the cookie it opens all keys */
} cookies[] = {
	{"futex", cookie_futex, false, false},
	{"clock_gettime", cookie_clock, true, false},
	{"io_uring_enter", cookie_ring, false, false},
	{"rt_sigreturn", cookie_sigreturn, false, true},
};

struct cookie_case {
	const struct cookie *cookie;
	enum guess guess;
};

static void session_cookie(struct box *b, const void *arg)
{
	const struct cookie_case *c = arg;
	const uint64_t guesses[GUESSES] = {
		0, b->cookie ^ 1, b->cookie & 0xffffffff, b->cookie};
	const struct box_attack a = {.n = {BOX_HEAP, guesses[c->guess]}};

	(void)box_attack(b, c->cookie->fn, &a);
}

static bool cookie_held(const struct box_report *r, const struct cookie_case *c)
{
	const struct box_end *e = &r->end[0];
	bool left = e->how == GATE_LEFT && e->nr == BOX_GOT;

	if (c->guess == RIGHT && c->cookie->leaks)
		return left && e->leaked;
	if (c->guess == RIGHT)
		return left && e->arg[0] == 0;
	if (c->cookie->errs)
		return box_survived(r) && left && e->arg[0] == (uint64_t)-EPERM;
	return box_survived(r) && refused(e, CODE_SECCOMP);
}

static void try_cookies(const struct cookie *cookie)
{
	static const struct box_off no_dispatch = {.dispatch = true};
	struct cookie_case c = {.cookie = cookie};

	for (c.guess = 0; c.guess < GUESSES; c.guess++) {
		const struct box_report *r =
			box_run(&no_dispatch, session_cookie, &c);

		if (!tap_ok(cookie_held(r, &c), "%s, dispatch off, %s",
			    cookie->name, guess_name[c.guess]))
			box_say(guess_name[c.guess], r);
	}
}

int main(void)
{
	box_need_keys();
	try_walls("syscall", call_native, false);
	try_walls("x32 syscall", call_x32, false);
	try_walls("int 0x80", call_int80, false);
	try_walls("the C library's syscall()", call_libc, false);
	try_walls("pkey_mprotect of trusted memory", deputy_retag, true);
	try_walls("process_vm_readv", deputy_vm_read, true);
	try_walls("/proc/self/mem", deputy_proc_mem, true);
	try_walls("pkey_free and pkey_alloc", deputy_free_key, true);
	try_walls("forged rt_sigreturn", deputy_sigreturn, true);
	try_walls("write of a secret to a pipe", deputy_write_pipe, false);
	try_numbers(&walls[1]);
	try_numbers(&walls[2]);
	for (size_t i = 0; i < sizeof(cookies) / sizeof(*cookies); i++)
		try_cookies(&cookies[i]);
	return tap_plan();
}
