/*
 * bench/contexts: what is shared between isolates, and between the contexts of
 * one, and what that saves.
 *
 *     contexts [-n TIMES]            compiled code and contexts, of Lua
 *     contexts -c FILE.so ISOLATES   the text of native code
 *
 *   cold_KIB_FORM     a cold start with a script of so many KiB, of which the
 *                     isolate is given the text or the compiled form
 *   make_*            a load of an isolate; one context more
 *   kib_contexts N    resident, of an isolate with N contexts ready
 *   kib_isolates N    of N isolates with one
 *   kib_text N        the same, given the text
 *   call_HOW N        the Nth call, one right after the other, of: a new
 *                     isolate; one with 16 contexts ready; one that makes a
 *                     context at each call; one isolate for each call
 *   native_*          resident of the process, per isolate
 *
 * Trusted side; prints lines of "name value" or "name N value".
 */
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/pool.h"
#include "core/worker_core.h"
#include "inproc.h"
#include "sample.h"
#include "util/clock.h"

enum {
	SIZES = 3,
	CONTEXTS = 16,
	GROUP = 40, /* isolates whose memory is looked at together */
	CALLS = 20,
	NATIVE_MAX = 1000,
};

enum how {
	HOW_ISOLATE,
	HOW_READY,
	HOW_MADE,
	HOW_ISOLATES,
	HOWS
};
static const char *const hows[HOWS] = {
	"one_context", "contexts_ready", "context_made", "isolate_made"};

static struct bench {
	unsigned times;
	unsigned long native;
	char code[SIZES][100000];
	size_t len[SIZES];
	struct function *cold[SIZES][2];
	struct function *make[2];
	struct function *with[CONTEXTS], *without[CONTEXTS], *text;
	struct function *how[HOWS];
	struct samples took, calls[HOWS][CALLS];
	struct samples first;
	double pss, rss;
	char name[64];
	unsigned n;
} bench;

static const double sizes_kib[SIZES] = {0.2, 8, 64};

#define PACE (1 * CLOCK_MS)

/* Scripts. ----------------------------------------------------------------- */

/* Like what people write: tables, loops, strings, one function in another. */
static const char part[] =
	"function M.price_%u(order, rate)\n"
	"    local total, seen = 0, {}\n"
	"    for i, item in ipairs(order.items or {}) do\n"
	"        if item.kind == \"kind-%u\" and item.count > %u then\n"
	"            total = total + item.count * (item.price or 0) * rate\n"
	"        elseif not seen[item.id] then\n"
	"            seen[item.id] = {at = i, note = \"line \" .. i}\n"
	"            total = total - (item.discount or %u) / 100\n"
	"        end\n"
	"    end\n"
	"    return {total = total, currency = \"EUR\", id = order.id}\n"
	"end\n";

static void bench_write(unsigned size)
{
	char *to = bench.code[size];
	size_t want = (size_t)(sizes_kib[size] * 1024);
	char *p = stpcpy(to, "local M = {}\n");

	for (unsigned i = 0; (size_t)(p - to) + sizeof(part) < want; i++)
		p += snprintf(p, sizeof(part) + 40, part, i, i % 7, i % 5, i);
	p = stpcpy(p, "function M.handler(event)\n"
		      "    local name = event and event.name or \"world\"\n"
		      "    local text = \"hello, \" .. name .. \"!\"\n"
		      "    return text:sub(1, 5)\n"
		      "end\n"
		      "return M\n");
	bench.len[size] = (size_t)(p - to);
}

static struct function *bench_function(
	const char *name, unsigned size, int64_t ttl_ns, uint32_t contexts)
{
	const struct inproc_lua what = {
		.name = name,
		.code = bench.code[size],
		.len = bench.len[size],
		.ttl_ns = ttl_ns,
		.bytes = ARENA_COMMON_BYTES,
		.contexts = contexts,
	};

	return inproc_lua(&what);
}

static void bench_functions(void)
{
	for (unsigned i = 0; i < SIZES; i++) {
		bench_write(i);
		bench.cold[i][0] = bench_function("text", i, PACE / 2, 0);
		bench.cold[i][1] = bench_function("compiled", i, PACE / 2, 0);
	}
	bench.make[0] = bench_function("isolate", 1, PACE / 2, 1);
	bench.make[1] = bench_function("context", 1, PACE / 2, CONTEXTS);
	for (unsigned i = 0; i < CONTEXTS; i++) {
		bench.with[i] = bench_function("with", 1, -1, i + 1);
		bench.without[i] = bench_function("without", 1, -1, 0);
	}
	bench.text = bench_function("text", 1, -1, 0);
	bench.how[HOW_ISOLATE] = bench_function("one", 1, -1, 0);
	bench.how[HOW_READY] = bench_function("ready", 1, -1, CONTEXTS);
	bench.how[HOW_MADE] = bench_function("made", 1, -1, 1);
	bench.how[HOW_ISOLATES] = bench_function("once", 1, 0, 0);
}

/* Printing, on the control thread. ----------------------------------------- */

static void bench_look(struct inproc *b, struct worker *w)
{
	(void)b;
	(void)w;
	bench.pss = inproc_kib("/proc/self/smaps_rollup", "Pss");
	bench.rss = inproc_kib("/proc/self/smaps_rollup", "Rss");
}

static void bench_print(struct inproc *b, struct worker *w)
{
	(void)b;
	(void)w;
	samples_print(&bench.took, bench.name);
	(void)fflush(stdout);
}

static void bench_print_calls(struct inproc *b, struct worker *w)
{
	(void)b;
	(void)w;
	for (unsigned how = 0; how < HOWS; how++)
		for (unsigned i = 0; i < CALLS; i++) {
			struct samples *s = &bench.calls[how][i];

			qsort(s->ns, s->n, sizeof(*s->ns), samples_compare);
			printf("call_%s_us %u %.2f\n", hows[how], i + 1,
				(double)s->ns[s->n / 2] / 1e3);
		}
}

static void bench_print_kib(struct inproc *b, struct worker *w)
{
	double before = bench.pss;

	bench_look(b, w);
	printf("%s %u %.2f\n", bench.name, bench.n,
		(bench.pss - before) / GROUP);
}

/* Questions, on the worker. ------------------------------------------------ */

static void bench_cold(struct inproc *b, struct worker *w)
{
	for (unsigned size = 0; size < SIZES; size++) {
		inproc_compile(b, w, bench.cold[size][1]);
		for (unsigned form = 0; form < 2; form++) {
			for (unsigned i = 0; i < bench.times; i++) {
				inproc_pause(w, PACE);
				samples_add(&bench.took,
					inproc_call(b, w,
						bench.cold[size][form], false));
				CHECK(b->inv.cold);
			}
			(void)snprintf(bench.name, sizeof(bench.name),
				"cold_%g_%s", sizes_kib[size],
				form ? "compiled" : "text");
			inproc_ask(b, w, bench_print);
		}
	}
}

/* What one load takes, with so many contexts. */
static uint64_t bench_load(
	struct inproc *b, struct worker *w, struct function *fn, uint32_t n)
{
	inproc_pause(w, PACE);
	b->prepare = n;
	(void)inproc_call(b, w, fn, true);
	b->prepare = 0;
	return b->inv.end_ns - b->inv.run_begin_ns;
}

static void bench_make(struct inproc *b, struct worker *w)
{
	inproc_compile(b, w, bench.make[0]);
	inproc_compile(b, w, bench.make[1]);
	for (unsigned i = 0; i < bench.times; i++)
		samples_add(&bench.took, bench_load(b, w, bench.make[0], 0));
	(void)strcpy(bench.name, "make_isolate");
	inproc_ask(b, w, bench_print);
	for (unsigned i = 0; i < bench.times; i++) {
		uint64_t one = bench_load(b, w, bench.make[0], 0);
		uint64_t all = bench_load(b, w, bench.make[1], CONTEXTS);

		samples_add(&bench.took,
			all > one ? (all - one) / (CONTEXTS - 1) : 0);
	}
	(void)strcpy(bench.name, "make_context");
	inproc_ask(b, w, bench_print);
}

/* A group of isolates with so many contexts each, or so many groups. */
static void bench_memory(struct inproc *b, struct worker *w)
{
	for (unsigned n = 1; n <= CONTEXTS; n++) {
		struct function *fn = bench.with[n - 1];

		inproc_compile(b, w, fn);
		inproc_pause(w, 30 * CLOCK_MS);
		inproc_ask(b, w, bench_look);
		for (unsigned i = 0; i < GROUP; i++)
			(void)bench_load(b, w, fn, n);
		inproc_pause(w, 30 * CLOCK_MS);
		bench.n = n;
		(void)strcpy(bench.name, "kib_contexts");
		inproc_ask(b, w, bench_print_kib);
	}
	inproc_ask(b, w, bench_look);
	for (unsigned n = 1; n <= CONTEXTS; n++) {
		double before = bench.pss;

		inproc_compile(b, w, bench.without[n - 1]);
		for (unsigned i = 0; i < GROUP - 1; i++)
			(void)bench_load(b, w, bench.without[n - 1], 0);
		inproc_pause(w, 30 * CLOCK_MS);
		bench.n = n;
		(void)strcpy(bench.name, "kib_isolates");
		inproc_ask(b, w, bench_print_kib);
		/* All that there are. */
		bench.pss = before;
	}
	inproc_ask(b, w, bench_look);
	for (unsigned i = 0; i < GROUP; i++)
		(void)bench_load(b, w, bench.text, 0);
	inproc_pause(w, 30 * CLOCK_MS);
	bench.n = 1;
	(void)strcpy(bench.name, "kib_text");
	inproc_ask(b, w, bench_print_kib);
}

/* The first calls of an isolate that is, or is not, there. */
static void bench_calls(struct inproc *b, struct worker *w)
{
	for (unsigned how = 0; how < HOWS; how++)
		inproc_compile(b, w, bench.how[how]);
	for (unsigned round = 0; round < bench.times; round++)
		for (unsigned how = 0; how < HOWS; how++) {
			struct function *fn = bench.how[how];

			pool_purge(w, fn);
			inproc_pause(w, PACE);
			if (how == HOW_READY || how == HOW_MADE)
				(void)bench_load(b, w, fn, fn->opt.contexts);
			if (how == HOW_MADE) {
				inproc_busy(true);
				(void)inproc_call(b, w, fn, false);
			}
			inproc_busy(true);
			for (unsigned i = 0; i < CALLS; i++)
				samples_add(&bench.calls[how][i],
					inproc_call(b, w, fn, false));
			inproc_busy(false);
		}
	inproc_ask(b, w, bench_print_calls);
}

static void bench_work(struct inproc *b, struct worker *w)
{
	bench_cold(b, w);
	bench_make(b, w);
	bench_calls(b, w);
	bench_memory(b, w);
}

static void bench_print_native(struct inproc *b, struct worker *w)
{
	double pss = bench.pss, rss = bench.rss;

	bench_look(b, w);
	printf("native_isolates %lu\nnative_pss_kib %.2f\n"
	       "native_rss_kib %.2f\n",
		bench.native, (bench.pss - pss) / (double)bench.native,
		(bench.rss - rss) / (double)bench.native);
}

static void bench_native(struct inproc *b, struct worker *w)
{
	struct function *fn = bench.how[0];

	(void)inproc_call(b, w, fn, true);
	inproc_pause(w, 30 * CLOCK_MS);
	inproc_ask(b, w, bench_look);
	/* A call goes to the newest one. */
	for (unsigned i = 0; i < bench.native; i++) {
		(void)inproc_call(b, w, fn, true);
		(void)inproc_call(b, w, fn, false);
	}
	inproc_pause(w, 30 * CLOCK_MS);
	inproc_ask(b, w, bench_print_native);
}

int main(int argc, char **argv)
{
	static struct inproc b;
	int opt;

	bench.times = 200;
	while ((opt = getopt(argc, argv, "n:c:")) != -1) {
		if (opt == 'n')
			bench.times = (unsigned)strtoul(optarg, NULL, 10);
		else if (opt == 'c')
			inproc_native(optarg);
		else
			return 2;
	}
	if (optind < argc)
		bench.native = strtoul(argv[optind], NULL, 10);
	if (bench.times == 0 || bench.times > SAMPLES_MAX / CONTEXTS ||
		bench.native > NATIVE_MAX) {
		(void)fprintf(stderr, "usage: contexts [-n TIMES]\n"
				      "       contexts -c FILE.so ISOLATES\n");
		return 2;
	}
	inproc_init(
		&b, bench.native + (size_t)(2 * CONTEXTS + 2) * GROUP + 100);
	if (bench.native) {
		bench.how[0] =
			inproc_function("native", -1, ARENA_COMMON_BYTES);
		inproc_run(&b, bench_native, NULL);
		return 0;
	}
	bench_functions();
	inproc_run(&b, bench_work, NULL);
	return 0;
}
