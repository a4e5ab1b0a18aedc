/*
 * Log lines. A field is written whole or, if the line's end is near, taken back
 * whole, so that what is cut is still one valid line.
 *
 * A line that its reader does not take is lost, and counted.
 *
 * The configuration is a handful of atomics, each complete in itself: a thread
 * that logs while it changes writes one line of the old or of the new kind.
 */
#include "util/log.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/clock.h"
#include "util/escape.h"

/* What a cut line needs for its end: `,"cut":true}` and the newline. */
enum {
	LOG_TAIL = 16,
	LOG_PATIENCE_MS = 200
};

static _Atomic int log_lowest = LOG_LEVEL_INFO;
static _Atomic bool log_json;
static _Atomic bool log_journal;
static _Atomic int log_fd = STDERR_FILENO;

static _Atomic bool log_stuck;
static _Atomic uint64_t log_lost;

static __thread log_sink_fn *log_sink;
static __thread void *log_sink_arg;

static const struct {
	const char *name;
	const char *priority;
} log_levels[] = {
	[LOG_LEVEL_DEBUG] = {"debug", "<7>"},
	[LOG_LEVEL_INFO] = {"info", "<6>"},
	[LOG_LEVEL_WARN] = {"warn", "<4>"},
	[LOG_LEVEL_ERROR] = {"error", "<3>"},
};

void log_configure(const struct log_config *cfg)
{
	atomic_store(&log_lowest, (int)cfg->level);
	atomic_store(&log_json, cfg->json);
	atomic_store(&log_journal, cfg->journal);
	atomic_store(&log_fd, cfg->fd);
}

bool log_level_parse(const char *name, enum log_level *ret_level)
{
	for (int i = LOG_LEVEL_DEBUG; i <= LOG_LEVEL_ERROR; i++) {
		if (strcmp(name, log_levels[i].name) == 0) {
			*ret_level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

bool log_is_journal(int fd)
{
	const char *s = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;
	char *end;

	if (!s || fstat(fd, &st) != 0)
		return false;
	dev = strtoull(s, &end, 10);
	if (end == s || *end != ':')
		return false;
	s = end + 1;
	ino = strtoull(s, &end, 10);
	return end != s && *end == '\0' && dev == st.st_dev && ino == st.st_ino;
}

void log_set_sink(log_sink_fn *fn, void *arg)
{
	log_sink = fn;
	log_sink_arg = arg;
}

/*
 * Can a line be written without waiting for long? Who logs must go on where the
 * reader of a pipe has stopped: the first line waits a little, those behind it
 * not at all, until there is room again. No line is larger than PIPE_BUF, so
 * what is writable takes it whole.
 */
static bool log_writable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int n;

	do
		n = poll(&p, 1, atomic_load(&log_stuck) ? 0 : LOG_PATIENCE_MS);
	while (n < 0 && errno == EINTR);
	atomic_store(&log_stuck, n == 0);
	return n != 0;
}

static void log_write_fd(int fd, const char *line, size_t len)
{
	uint64_t lost;

	if (!log_writable(fd)) {
		atomic_fetch_add(&log_lost, 1);
		return;
	}
	lost = atomic_exchange(&log_lost, 0);
	if (lost)
		log_warn("log lines lost: nobody read them",
			LOG_U64("lost", lost));
	while (len > 0) {
		ssize_t n = write(fd, line, len);

		if (n < 0 && errno == EINTR)
			continue;
		/* Nobody is left to be told that the log can't be written. */
		if (n <= 0)
			return;
		line += n;
		len -= (size_t)n;
	}
}

void log_emit(const char *line, size_t len)
{
	if (log_sink)
		log_sink(log_sink_arg, line, len);
	else
		log_write_fd(atomic_load(&log_fd), line, len);
}

bool log_wants(enum log_level level)
{
	return (int)level >=
	       atomic_load_explicit(&log_lowest, memory_order_relaxed);
}

static void put_time(struct buf *b)
{
	uint64_t now = clock_real();
	struct clock_civil c = clock_civil(now / CLOCK_S);

	buf_add_pad(b, c.year, 4);
	buf_add_char(b, '-');
	buf_add_pad(b, c.month, 2);
	buf_add_char(b, '-');
	buf_add_pad(b, c.day, 2);
	buf_add_char(b, 'T');
	buf_add_pad(b, c.hour, 2);
	buf_add_char(b, ':');
	buf_add_pad(b, c.minute, 2);
	buf_add_char(b, ':');
	buf_add_pad(b, c.second, 2);
	buf_add_char(b, '.');
	buf_add_pad(b, now % CLOCK_S / 1000, 6);
	buf_add_char(b, 'Z');
}

static bool is_bare(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
			return false;
	}
	return n > 0;
}

static void put_str(struct buf *b, bool json, const char *p, size_t n)
{
	size_t shown;

	if (!p) {
		p = "";
		n = 0;
	}
	if (!json && n <= LOG_VALUE_MAX && is_bare(p, n)) {
		buf_add(b, p, n);
		return;
	}
	shown = escape_prefix(p, n, LOG_VALUE_MAX);
	buf_add_char(b, '"');
	escape_json(b, p, shown);
	if (shown < n)
		buf_add_lit(b, "...");
	buf_add_char(b, '"');
}

static void put_value(struct buf *b, bool json, const struct log_field *f)
{
	const char *s;

	switch (f->kind) {
	case LOG_KIND_STR:
		put_str(b, json, f->s, f->len);
		break;
	case LOG_KIND_U64:
		buf_add_u64(b, f->u);
		break;
	case LOG_KIND_I64:
		buf_add_i64(b, f->i);
		break;
	case LOG_KIND_HEX:
		/* JSON has no hexadecimal numbers. */
		buf_add_str(b, json ? "\"0x" : "0x");
		buf_add_hex(b, f->u);
		buf_add_str(b, json ? "\"" : "");
		break;
	case LOG_KIND_BOOL:
		buf_add_str(b, f->u ? "true" : "false");
		break;
	case LOG_KIND_ERR:
		s = strerrordesc_np((int)-f->i);
		s = s ? s : "unknown error";
		put_str(b, json, s, strlen(s));
		break;
	}
}

static void put_key(struct buf *b, bool json, const char *key)
{
	if (json) {
		buf_add_lit(b, ",\"");
		buf_add_str(b, key);
		buf_add_lit(b, "\":");
	} else {
		buf_add_char(b, ' ');
		buf_add_str(b, key);
		buf_add_char(b, '=');
	}
}

/* The parts every line has. */
static void put_head(struct buf *b, bool json, enum log_level level)
{
	if (atomic_load_explicit(&log_journal, memory_order_relaxed))
		buf_add_str(b, log_levels[level].priority);
	buf_add_str(b, json ? "{\"ts\":\"" : "ts=");
	put_time(b);
	buf_add_str(b, json ? "\",\"lvl\":\"" : " lvl=");
	buf_add_str(b, log_levels[level].name);
	buf_add_str(b, json ? "\"" : "");
}

void log_write(enum log_level level, const struct log_field *fields, size_t n)
{
	bool json = atomic_load_explicit(&log_json, memory_order_relaxed);
	char line[LOG_LINE_MAX];
	bool cut = false;
	struct buf b;

	buf_init(&b, line, sizeof(line) - LOG_TAIL);
	put_head(&b, json, level);
	for (size_t i = 0; i < n; i++) {
		size_t len = b.len;

		put_key(&b, json, fields[i].key);
		put_value(&b, json, &fields[i]);
		if (!buf_ok(&b)) {
			b.len = len;
			b.over = false;
			cut = true;
		}
	}
	b.cap = sizeof(line);
	if (cut)
		buf_add_str(&b, json ? ",\"cut\":true" : " cut=true");
	buf_add_str(&b, json ? "}\n" : "\n");
	log_emit(line, b.len);
}
