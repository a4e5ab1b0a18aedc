/*
 * bench/mux_retag: what does it cost to move a key? The daemon's own
 * domain_bind(), which takes a key from one domain and gives it to another, on
 * memory of which so many pages are resident.
 *
 *     mux_retag [TIMES]
 *
 * A machine without protection keys has no pkey_mprotect() that changes one.
 * What it does to the page tables is what mprotect() does that changes whether
 * pages are executable: bits of each entry in the range are changed, others
 * kept, and the processors' memory of it is dropped. So here that bit stands
 * for the key, on any machine.
 *
 *   alone   one thread
 *   beside  another one of the process runs meanwhile, on another processor,
 *           which has to be interrupted
 *   parts   as with a native function: code and constants in between, so that
 *           a range is tagged in five calls
 *
 * Trusted side; prints lines of "name value", nanoseconds, medians.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "pkey/mux.h"
#include "sample.h"
#include "util/clock.h"

enum {
	KEYS = 2,
	DOMAINS = 3, /* one more: each bind takes a key from another */
	BYTES = 64 << 20,
	GUARD = 64 << 10, /* below each: neighbours never are one mapping */
	CODE_AT = 4,
	CODE_PAGES = 16,
	CONST_AT = 24,
	CONST_PAGES = 4,
	HEAP_AT = 32,
	HITS = 1000, /* of one sample */
	RETAGS_MAX = SAMPLES_MAX,
};

static struct retag {
	struct keys keys;
	struct domain_mux mux;
	struct domain domain[DOMAINS];
	struct samples samples;
	size_t times;
	_Atomic bool over;
} t;

static const struct domain_part parts[] = {
	{.at = CODE_AT, .pages = CODE_PAGES, .code = true},
	{.at = CONST_AT, .pages = CONST_PAGES},
};

static int rights_key_alloc(bool open)
{
	static int taken;

	(void)open;
	if (taken < KEYS + 2)
		return ++taken;
	taken = 0;
	return -ENOSPC;
}

static int rights_tag(void *addr, size_t len, int prot, int key)
{
	if (key == t.keys.parked)
		prot ^= PROT_EXEC;
	return mprotect(addr, len, prot) == 0 ? 0 : -errno;
}

static const struct prim prim_rights = {
	"rights", true, rights_key_alloc, rights_tag};

static uint64_t median(void)
{
	struct samples *s = &t.samples;

	qsort(s->ns, s->n, sizeof(*s->ns), samples_compare);
	return s->ns[s->n / 2];
}

/* Memory. ------------------------------------------------------------------ */

static void touch(char *at, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		*(volatile char *)(at + i * DOMAIN_PAGE) = 1;
}

static void look(const char *at, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		(void)*(const volatile char *)(at + i * DOMAIN_PAGE);
}

/* A file's pages, as those of a native function's image are. */
static void map_file(char *at, size_t pages, int prot)
{
	int fd = memfd_create("part", MFD_CLOEXEC);
	size_t len = pages * DOMAIN_PAGE;

	CHECK(fd >= 0 && ftruncate(fd, (off_t)len) == 0);
	CHECK(mmap(at, len, prot, MAP_PRIVATE | MAP_FIXED, fd, 0) == at);
	(void)close(fd);
	look(at, pages);
}

static void domain_make(struct domain *d, size_t pages, bool parted)
{
	char *at = mmap(NULL, GUARD + BYTES, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(at != MAP_FAILED);
	at += GUARD;
	CHECK(mprotect(at, BYTES, PROT_READ | PROT_WRITE) == 0);
	/* Isolates are filled page by page. */
	(void)madvise(at, BYTES, MADV_NOHUGEPAGE);
	touch(at + (size_t)HEAP_AT * DOMAIN_PAGE, pages);
	if (parted) {
		map_file(at + (size_t)CODE_AT * DOMAIN_PAGE, CODE_PAGES,
			PROT_READ | PROT_EXEC);
		map_file(at + (size_t)CONST_AT * DOMAIN_PAGE, CONST_PAGES,
			PROT_READ);
	}
	*d = (struct domain){0};
	CHECK(domain_init(d, &t.keys, at, BYTES) == 0);
	domain_set_parts(d, parts, parted ? 2 : 0);
	CHECK(domain_park(&t.mux, d) == 0);
}

/* Measuring. --------------------------------------------------------------- */

static void measure(const char *name, size_t pages, bool parted)
{
	domain_mux_init(&t.mux, &t.keys);
	for (unsigned i = 0; i < DOMAINS; i++)
		domain_make(&t.domain[i], pages, parted);
	t.samples.n = 0;
	for (size_t n = 0; n < t.times; n++) {
		struct domain *d = &t.domain[n % DOMAINS];
		uint64_t begin = clock_now();

		CHECK(domain_bind(&t.mux, d) == 0);
		if (n >= DOMAINS)
			samples_add(&t.samples, clock_now() - begin);
		/* The isolate uses it: entries are back, as they would be. */
		touch((char *)d->base + (size_t)HEAP_AT * DOMAIN_PAGE, pages);
		(void)domain_unpin(&t.mux, d, clock_now());
	}
	for (unsigned i = 0; i < DOMAINS; i++)
		(void)munmap((char *)t.domain[i].base - GUARD, GUARD + BYTES);
	printf("%s%s/%zu %lu\n", name, parted ? "-parts" : "", pages,
		(unsigned long)median());
}

static void measure_all(const char *name)
{
	static const size_t pages[] = {1, 4, 16, 64, 256, 1024, 4096};

	for (int parted = 0; parted < 2; parted++)
		for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++)
			measure(name, pages[i], parted);
}

static void measure_hits(void)
{
	struct domain *d = &t.domain[0];

	domain_mux_init(&t.mux, &t.keys);
	domain_make(d, 1, false);
	CHECK(domain_bind(&t.mux, d) == 0);
	t.samples.n = 0;
	for (size_t n = 0; n < t.times; n++) {
		uint64_t begin = clock_now();

		for (unsigned i = 0; i < HITS; i++) {
			CHECK(domain_pin(d) >= 0);
			(void)domain_unpin(&t.mux, d, n);
		}
		samples_add(&t.samples, clock_now() - begin);
	}
	printf("hit %.1f\n", (double)median() / HITS);
}

/* The nth one that there is. */
static bool on_cpu(unsigned n)
{
	cpu_set_t all, one;

	CHECK(sched_getaffinity(0, sizeof(all), &all) == 0);
	CPU_ZERO(&one);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && n-- == 0)
			CPU_SET(cpu, &one);
	return CPU_COUNT(&one) == 1 &&
	       sched_setaffinity(0, sizeof(one), &one) == 0;
}

static void *run_beside(void *arg)
{
	CHECK(on_cpu(1));
	atomic_store((_Atomic bool *)arg, true);
	while (!atomic_load_explicit(&t.over, memory_order_relaxed))
		__builtin_ia32_pause();
	return NULL;
}

int main(int argc, char **argv)
{
	_Atomic bool running = false;
	pthread_t thread;

	t.times = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	if (t.times < 10 || t.times > RETAGS_MAX) {
		(void)fprintf(stderr, "usage: mux_retag [TIMES]\n");
		return 2;
	}
	clock_init();
	CHECK(keys_init(&t.keys, &prim_rights) == 0);
	measure_hits();
	measure_all("alone");
	CHECK(sysconf(_SC_NPROCESSORS_ONLN) > 1);
	CHECK(pthread_create(&thread, NULL, run_beside, &running) == 0);
	while (!atomic_load(&running))
		(void)sched_yield();
	CHECK(on_cpu(0));
	measure_all("beside");
	atomic_store(&t.over, true);
	(void)pthread_join(thread, NULL);
	return 0;
}
