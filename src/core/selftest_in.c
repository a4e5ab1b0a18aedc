/*
 * The self-test's probes. Runs inside an isolate, trusts nothing, is trusted
 * with nothing: it does what an isolate must not be able to do. A probe that is
 * not stopped leaves with a hostcall, which is how the test learns of it.
 */
#include "core/selftest_in.h"

#include <sys/syscall.h>

static void probe_syscall(void)
{
	long r = SYS_getppid;

	__asm__ volatile("syscall" : "+a"(r) : : "rcx", "r11", "memory");
}

static void drop_gs(void)
{
	__asm__ volatile("mov %0, %%gs" : : "r"(0) : "memory");
}

static void probe_read(uint64_t at)
{
	(void)*(volatile uint64_t *)at;
}

static void probe_read_stack(uint64_t at, uint64_t rsp)
{
	__asm__ volatile("mov %%rsp, %%rbx\n\t"
			 "mov %1, %%rsp\n\t"
			 "mov (%0), %%rax\n\t"
			 "mov %%rbx, %%rsp"
			 :
			 : "r"(at), "r"(rsp)
			 : "rax", "rbx", "memory");
}

void selftest_main_in(struct inside *in)
{
	switch (in->op) {
	case SELFTEST_SYSCALL:
		probe_syscall();
		break;
	case SELFTEST_TRAP_GS:
		drop_gs();
		__builtin_trap();
	case SELFTEST_READ:
		probe_read(in->req);
		break;
	case SELFTEST_READ_GS:
		drop_gs();
		probe_read(in->req);
		break;
	case SELFTEST_READ_STACK:
		probe_read_stack(in->req, in->req_len);
		break;
	case SELFTEST_WRITE_S:
		*(volatile uint8_t *)in->want = 0;
		break;
	default:
		__builtin_trap();
	}
	gate_hostcall(INSIDE_READY, 0, 0, 0, 0);
	__builtin_trap();
}
