/*
 * Linked into a daemon that was compiled with -finstrument-functions: notes
 * every function that the runtime's own threads enter, and writes the list when
 * the process ends. Test code; runs in T, on any thread, and makes no system
 * call before the end, so that confined workers may run it.
 *
 * GVISOR_TRACE names the file. First line: the address of trace_start, from
 * which the reader learns where the program was loaded. Then a line for each
 * entry: thread, address.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNTRACED __attribute__((no_instrument_function))

enum {
	TRACE_MAX = 1 << 20
};

static struct {
	void *thread;
	void *function;
} trace[TRACE_MAX];
static _Atomic size_t trace_len;
static char trace_path[256];

void __cyg_profile_func_enter(void *function, void *site);
void __cyg_profile_func_exit(void *function, void *site);

UNTRACED void __cyg_profile_func_enter(void *function, void *site)
{
	size_t i = atomic_fetch_add(&trace_len, 1);

	(void)site;
	if (i >= TRACE_MAX)
		return;
	trace[i].thread = __builtin_thread_pointer();
	trace[i].function = function;
}

UNTRACED void __cyg_profile_func_exit(void *function, void *site)
{
	(void)function;
	(void)site;
}

/* The daemon empties its environment, so the name is taken before main(). */
__attribute__((constructor)) UNTRACED static void trace_start(void)
{
	const char *path = getenv("GVISOR_TRACE");

	if (path && strlen(path) < sizeof(trace_path))
		strcpy(trace_path, path);
}

__attribute__((destructor)) UNTRACED static void trace_end(void)
{
	size_t n = trace_len < TRACE_MAX ? trace_len : TRACE_MAX;
	FILE *f = *trace_path ? fopen(trace_path, "we") : NULL;

	if (!f)
		return;
	fprintf(f, "%p\n", (void *)(uintptr_t)trace_start);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%p %p\n", trace[i].thread, trace[i].function);
	(void)fclose(f);
}
