/*
 * What the PKU machine must be able to do, shown by the machine's self test:
 * a write to a page whose key is denied ends in SEGV_PKUERR with that key,
 * and so does a fault while key 0 itself is denied, which takes a kernel
 * that writes the signal frame with every key open.
 */

#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES 65536
#define PAGE_BYTES 4096
#define DENY_ALL 3u /* both bits of a key in PKRU */

static volatile sig_atomic_t expected_key;

/* Status 0 if this is the very fault that was provoked. */
static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	_exit(info->si_code == SEGV_PKUERR && (int)info->si_pkey == expected_key
			? 0
			: 1);
}

static void write_pkru(unsigned int value)
{
	__asm__ volatile("wrpkru" : : "a"(value), "c"(0), "d"(0) : "memory");
}

/* The child dies of the fault; returns its exit status, or -1. */
static int provoke(int key, volatile char *page)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		expected_key = key;
		write_pkru(DENY_ALL << (2 * key));
		*page = 1;
		_exit(2);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int take_faults(void)
{
	stack_t stack = {.ss_size = STACK_BYTES};
	struct sigaction action = {
		.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	stack.ss_sp = malloc(STACK_BYTES);
	if (!stack.ss_sp || sigaltstack(&stack, NULL))
		return -1;
	return sigaction(SIGSEGV, &action, NULL);
}

int main(void)
{
	int own, zero;
	int key = pkey_alloc(0, 0);
	char *page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (key <= 0 || page == MAP_FAILED || take_faults() ||
		pkey_mprotect(page, PAGE_BYTES, PROT_READ | PROT_WRITE, key)) {
		perror("no protection keys");
		return 1;
	}
	own = provoke(key, page);
	zero = provoke(0, page);
	printf("key %d: %d, key 0: %d\n", key, own, zero);
	return own == 0 && zero == 0 ? 0 : 1;
}
