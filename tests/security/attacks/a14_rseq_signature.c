/*
 * The signature that the kernel looks for before it sends a thread to a
 * restartable sequence's abort handler: whoever has it in executable memory has
 * a place where the kernel can be made to jump. Functions' code must not hold
 * it. Control: a process of its own, with rseq, in which the kernel jumps
 * there.
 */
#include <linux/rseq.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "sandbox/jail.h"
#include "sandbox/scan.h"
#include "tests/security/attack.h"

enum {
	SIGNATURE = 0x53053053,
	LEN = 4,
	OFFSETS = 64,
	PAGE = 4096,
	STATUS = 77,
	SOON_US = 20000,
};

/* Signature; then exit(STATUS). */
static const unsigned char handler[] = {0x53, 0x30, 0x05, 0x53, 0xb8, 60, 0, 0,
	0, 0xbf, STATUS, 0, 0, 0, 0x0f, 0x05};

static bool take(void *arg, const struct scan_hit *hit)
{
	*(struct scan_hit *)arg = *hit;
	return true;
}

static bool found_at(size_t offset, size_t cut)
{
	unsigned char bytes[2 * OFFSETS];
	struct scan_hit hit = {0};
	struct scan s;
	size_t n;

	memset(bytes, 0xcc, sizeof(bytes));
	memcpy(bytes + offset, handler, LEN);
	scan_init(&s, 0, SCAN_FORBIDDEN, take, &hit);
	n = scan_next(&s, bytes, cut);
	n += scan_next(&s, bytes + cut, sizeof(bytes) - cut);
	return n == 1 && hit.offset == offset && hit.class == SCAN_RSEQ;
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Spins in a sequence whose abort handler is at `abort_ip`. */
static void spin(uint64_t abort_ip)
{
	static struct rseq area __attribute__((aligned(32)));
	static struct rseq_cs cs __attribute__((aligned(32)));
	const struct itimerval soon = {.it_value = {.tv_usec = SOON_US}};

	(void)signal(SIGALRM, on_alarm);
	CHECK(jail_rseq_unregister() == 0);
	CHECK(syscall(SYS_rseq, &area, sizeof(area), 0, SIGNATURE) == 0);
	cs.abort_ip = abort_ip;
	(void)setitimer(ITIMER_REAL, &soon, NULL);
	__asm__ volatile("lea 1f(%%rip), %%rax\n\tmov %%rax, %0\n\t"
			 "movq $(2f - 1f), %1\n\tmov %3, %2\n"
			 "1:\tpause\n\tjmp 1b\n2:"
			 : "=m"(cs.start_ip), "=m"(cs.post_commit_offset),
			 "=m"(area.rseq_cs)
			 : "r"(&cs)
			 : "rax", "memory");
}

/* How a process ends whose handler stands there. */
static int end_of(const unsigned char *code)
{
	void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int status = 0;
	pid_t pid;

	CHECK(at != MAP_FAILED);
	memcpy(at, code, sizeof(handler));
	CHECK(mprotect(at, PAGE, PROT_READ | PROT_EXEC) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		spin((uint64_t)at + LEN);
		_exit(1);
	}
	(void)waitpid(pid, &status, 0);
	return status;
}

static void run(void)
{
	unsigned char other[sizeof(handler)];
	int status;

	for (size_t i = 0; i < OFFSETS; i++)
		attack_held(found_at(i, sizeof(other)), "at offset %zu", i);
	for (size_t cut = OFFSETS + 1; cut < OFFSETS + LEN; cut++)
		attack_held(found_at(OFFSETS, cut), "cut after %zu bytes",
			cut - OFFSETS);
	memcpy(other, handler, sizeof(other));
	other[0]++;
	status = end_of(other);
	attack_held(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV,
		"a handler without the signature");
	status = end_of(handler);
	if (!attack_worked(WIFEXITED(status) && WEXITSTATUS(status) == STATUS,
		    "with it the kernel jumps there"))
		attack_say("status %#x", status);
}

const struct attack attack_a14 = {
	.id = "A14",
	.name = "an abort handler for restartable sequences in the code",
	.layer = "scanner",
	.off = "the scan, the unregistering of rseq",
	.run = run,
};
