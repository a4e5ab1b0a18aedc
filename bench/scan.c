/*
 * bench/scan: how fast is code looked at, and how long does the admission of a
 * shared object take?
 *
 *     scan [-n TIMES] FILE.so
 *
 * Scans the file's code over and over from memory that no cache holds, then
 * admits the object again and again. Prints lines of "name value".
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "engine/admit.h"
#include "sample.h"
#include "sandbox/scan.h"

enum {
	AREA = 256 << 20,
	SCANS = 9
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint8_t *map_file(const char *path, size_t *ret_len)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	CHECK(fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0);
	*ret_len = (size_t)st.st_size;
	p = mmap(NULL, *ret_len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_POPULATE, fd, 0);
	CHECK(p != MAP_FAILED);
	return p;
}

/* All of the object's code, repeated until the area is full. */
static uint8_t *fill_area(const struct object *o)
{
	uint8_t *area = mmap(NULL, AREA, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t at = 0;

	CHECK(area != MAP_FAILED);
	while (at < AREA) {
		for (unsigned i = 0; i < o->n_segments; i++) {
			const struct object_segment *s = &o->segments[i];
			size_t n =
				s->filled < AREA - at ? s->filled : AREA - at;

			if (!(s->rights & OBJECT_X))
				continue;
			memcpy(area + at, o->bytes + s->offset, n);
			at += n;
		}
		CHECK(at > 0);
	}
	return area;
}

static double median(uint64_t *ns, size_t n)
{
	qsort(ns, n, sizeof(*ns), samples_compare);
	return (double)ns[n / 2];
}

static void bench_scan(const struct object *o)
{
	uint8_t *area = fill_area(o);
	uint64_t ns[SCANS];
	size_t hits = 0;

	for (int i = 0; i < SCANS; i++) {
		uint64_t begin = now_ns();

		hits = scan_bytes(
			area, AREA, SCAN_FORBIDDEN | SCAN_SYSCALL, NULL, NULL);
		ns[i] = now_ns() - begin;
	}
	printf("scan_gb_per_s %.3f\nscan_hits %zu\n", AREA / median(ns, SCANS),
		hits);
	(void)munmap(area, AREA);
}

static void bench_admit(
	const void *bytes, size_t len, const struct admit_wish *wish, int times)
{
	static struct samples samples;

	for (int i = 0; i < times; i++) {
		uint64_t begin = now_ns();
		struct admit *a;

		CHECK(admit_new(bytes, len, wish, &a) == 0);
		(void)admit_free(a);
		samples_add(&samples, now_ns() - begin);
	}
	samples_print(&samples, "admit");
}

int main(int argc, char **argv)
{
	const struct admit_wish wish = {.entry = "handler"};
	bool more = argc == 4 && strcmp(argv[1], "-n") == 0;
	int times = more ? atoi(argv[2]) : 200;
	struct admit *a;
	uint8_t *bytes;
	size_t len;

	if ((argc != 2 && !more) || times < 1 || times > SAMPLES_MAX) {
		(void)fprintf(stderr, "usage: scan [-n TIMES] FILE.so\n");
		return 2;
	}
	bytes = map_file(argv[argc - 1], &len);
	CHECK(admit_new(bytes, len, &wish, &a) == 0 && a->scanned);
	printf("file_bytes %zu\ncode_bytes %lu\nrefusals %lu\n", len, a->n_code,
		a->refusals.n_total);
	printf("symbols %u\nrelocations %zu\n", a->object.n_symbols,
		object_n_relocs(&a->object, 0) +
			object_n_relocs(&a->object, 1));
	bench_scan(&a->object);
	(void)admit_free(a);
	bench_admit(bytes, len, &wish, times);
	return 0;
}
