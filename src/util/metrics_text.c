/*
 * Prometheus text format 0.0.4. Control thread. Times are written from whole
 * nanoseconds, so no floating point and no locale is involved.
 */
#include "util/metrics.h"

#include <dirent.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "util/clock.h"

void metrics_text_family(struct buf *out, const char *name, const char *help,
	enum metric_type type)
{
	static const char *const types[] = {"counter", "gauge", "histogram"};

	buf_add_lit(out, "# HELP ");
	buf_add_str(out, name);
	buf_add_char(out, ' ');
	buf_add_str(out, help);
	buf_add_lit(out, "\n# TYPE ");
	buf_add_str(out, name);
	buf_add_char(out, ' ');
	buf_add_str(out, types[type]);
	buf_add_char(out, '\n');
}

static void put_label_value(struct buf *out, const char *v)
{
	for (; *v; v++) {
		if (*v == '\n') {
			buf_add_lit(out, "\\n");
			continue;
		}
		if (*v == '"' || *v == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, *v);
	}
}

static void put_name(struct buf *out, const char *name, const char *suffix,
	const struct metrics_label *labels, size_t n)
{
	buf_add_str(out, name);
	buf_add_str(out, suffix);
	for (size_t i = 0; i < n; i++) {
		buf_add_char(out, i ? ',' : '{');
		buf_add_str(out, labels[i].name);
		buf_add_lit(out, "=\"");
		put_label_value(out, labels[i].value);
		buf_add_char(out, '"');
	}
	buf_add_str(out, n ? "} " : " ");
}

/* Seconds without trailing zeros. */
static void put_seconds(struct buf *out, uint64_t ns)
{
	uint64_t frac = ns % CLOCK_S;
	unsigned digits = 9;

	buf_add_u64(out, ns / CLOCK_S);
	if (frac == 0)
		return;
	for (; frac % 10 == 0; digits--)
		frac /= 10;
	buf_add_char(out, '.');
	buf_add_pad(out, frac, digits);
}

void metrics_text_u64(struct buf *out, const char *name,
	const struct metrics_label *labels, size_t n, uint64_t v)
{
	put_name(out, name, "", labels, n);
	/* A gauge whose blocks are read in the middle of a move between them
	 * may sum up to less than nothing. */
	buf_add_u64(out, v > INT64_MAX ? 0 : v);
	buf_add_char(out, '\n');
}

void metrics_text_ns(struct buf *out, const char *name,
	const struct metrics_label *labels, size_t n, uint64_t ns)
{
	put_name(out, name, "", labels, n);
	put_seconds(out, ns);
	buf_add_char(out, '\n');
}

void metrics_text_hist(struct buf *out, const char *name,
	const struct metrics_label *labels, size_t n,
	const uint64_t bounds[METRICS_BUCKETS],
	const uint64_t cells[METRICS_HIST_CELLS])
{
	struct metrics_label all[8];
	char le_text[32];
	uint64_t count = 0;

	CHECK(n < sizeof(all) / sizeof(all[0]));
	for (size_t i = 0; i < n; i++)
		all[i] = labels[i];
	all[n] = (struct metrics_label){"le", le_text};
	for (unsigned i = 0; i <= METRICS_BUCKETS; i++) {
		struct buf le;

		buf_init(&le, le_text, sizeof(le_text));
		if (i < METRICS_BUCKETS)
			put_seconds(&le, bounds[i]);
		else
			buf_add_lit(&le, "+Inf");
		CHECK(buf_cstr(&le));
		count += cells[i];
		put_name(out, name, "_bucket", all, n + 1);
		buf_add_u64(out, count);
		buf_add_char(out, '\n');
	}
	put_name(out, name, "_sum", labels, n);
	put_seconds(out, cells[METRICS_BUCKETS + 1]);
	buf_add_char(out, '\n');
	put_name(out, name, "_count", labels, n);
	buf_add_u64(out, count);
	buf_add_char(out, '\n');
}

/* The k-th number (from 0) after the last ')' of a /proc file; without one,
 * from its start. 0 if it can't be had. */
static uint64_t proc_number(const char *path, unsigned k)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[1024];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	char *p, *paren;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	paren = strrchr(text, ')');
	/* Behind the name stands the state, a letter. */
	p = paren && paren[1] == ' ' && paren[2] ? paren + 3 : text;
	for (; k > 0; k--) {
		p += strspn(p, " ");
		p += strcspn(p, " ");
	}
	return strtoull(p, NULL, 10);
}

static unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	if (!dir)
		return 0;
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n > 3 ? n - 3 : 0; /* ".", "..", its own */
}

static void put_gauge(
	struct buf *out, const char *name, const char *help, uint64_t v)
{
	metrics_text_family(out, name, help, METRIC_GAUGE);
	metrics_text_u64(out, name, NULL, 0, v);
}

/* ticks: since boot. */
static uint64_t real_of(uint64_t ticks, uint64_t tick)
{
	struct timespec boot;

	CHECK(clock_gettime(CLOCK_BOOTTIME, &boot) == 0);
	return clock_real() -
	       ((uint64_t)boot.tv_sec * CLOCK_S + (uint64_t)boot.tv_nsec) +
	       ticks * tick;
}

void metrics_text_process(struct buf *out)
{
	const struct metrics_label version = {"version", GV_VERSION};
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t tick = CLOCK_S / (uint64_t)sysconf(_SC_CLK_TCK);
	/* Numbers of /proc/self/stat from the one behind the state. */
	uint64_t cpu = proc_number("/proc/self/stat", 10) +
		       proc_number("/proc/self/stat", 11);

	metrics_text_family(out, "gvisord_build_info", "Version", METRIC_GAUGE);
	metrics_text_u64(out, "gvisord_build_info", &version, 1, 1);
	metrics_text_family(out, "process_cpu_seconds_total",
		"User and system time", METRIC_COUNTER);
	metrics_text_ns(out, "process_cpu_seconds_total", NULL, 0, cpu * tick);
	put_gauge(out, "process_resident_memory_bytes", "Resident memory",
		proc_number("/proc/self/statm", 1) * page);
	put_gauge(out, "process_virtual_memory_bytes", "Reserved addresses",
		proc_number("/proc/self/statm", 0) * page);
	put_gauge(out, "process_open_fds", "Open descriptors", count_fds());
	put_gauge(out, "process_max_fds", "Descriptors that may be open",
		(uint64_t)sysconf(_SC_OPEN_MAX));
	put_gauge(out, "process_start_time_seconds", "Start, seconds of Unix",
		real_of(proc_number("/proc/self/stat", 18), tick) / CLOCK_S);
	put_gauge(out, "process_threads", "Threads",
		proc_number("/proc/self/stat", 16));
}
