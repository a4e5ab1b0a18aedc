#pragma once
/*
 * Log lines, logfmt text or JSON, one record per line:
 *
 *   log_info("invoke", LOG_STR("fn", id), LOG_U64("us", us));
 *
 * Trusted threads only; libraries below the program (pkey, sandbox) and what
 * runs inside isolates never log. Values may be hostile bytes: they are
 * escaped, and cut at LOG_VALUE_MAX. The line is made in a fixed buffer on the
 * caller's stack without malloc and handed to the calling thread's sink; the
 * default sink writes to the configured descriptor, workers set one that makes
 * no system call (logring.h). Keys and messages are the program's own literals.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR,
};

enum {
	LOG_LINE_MAX = 4096,  /* with the newline; fields past it are left out
			       * and the line says cut=true */
	LOG_VALUE_MAX = 1024, /* bytes of one value before escaping */
};

struct log_config {
	enum log_level level; /* the lowest one that is written */
	bool json;
	bool journal; /* "<n>" in front: stderr is a journal */
	int fd;	      /* of the default sink */
};

/* Any time; other threads follow soon. Before it: info, text, stderr. */
void log_configure(const struct log_config *cfg);
/* False: no such level. */
bool log_level_parse(const char *name, enum log_level *ret_level);
/* Does JOURNAL_STREAM say that fd leads to the journal? */
bool log_is_journal(int fd);

typedef void log_sink_fn(void *arg, const char *line, size_t len);
/* For the calling thread. fn NULL: the default again. */
void log_set_sink(log_sink_fn *fn, void *arg);
/* Hands a finished line, newline and all, to the calling thread's sink. */
void log_emit(const char *line, size_t len);

enum log_kind {
	LOG_KIND_STR,
	LOG_KIND_U64,
	LOG_KIND_I64,
	LOG_KIND_HEX,
	LOG_KIND_BOOL,
	LOG_KIND_ERR,
};

struct log_field {
	const char *key;
	enum log_kind kind;
	size_t len;
	union {
		const char *s;
		uint64_t u;
		int64_t i;
	};
};

#define LOG_STRN(k, p, n)                                                      \
	((struct log_field){                                                   \
		.key = (k), .kind = LOG_KIND_STR, .len = (n), .s = (p)})
#define LOG_STR(k, str) log_field_str(k, str)
#define LOG_U64(k, v)                                                          \
	((struct log_field){.key = (k), .kind = LOG_KIND_U64, .u = (v)})
#define LOG_I64(k, v)                                                          \
	((struct log_field){.key = (k), .kind = LOG_KIND_I64, .i = (v)})
/* Addresses: 0x... */
#define LOG_HEX(k, v)                                                          \
	((struct log_field){.key = (k), .kind = LOG_KIND_HEX, .u = (v)})
#define LOG_BOOL(k, v)                                                         \
	((struct log_field){.key = (k), .kind = LOG_KIND_BOOL, .u = (v)})
/* key "error"; r is -errno. */
#define LOG_ERR(r)                                                             \
	((struct log_field){.key = "error", .kind = LOG_KIND_ERR, .i = (r)})

static inline struct log_field log_field_str(const char *key, const char *s)
{
	return LOG_STRN(key, s, s ? strlen(s) : 0);
}

bool log_wants(enum log_level level);

/* fields[0] is the message. Use the macros below. */
void log_write(enum log_level level, const struct log_field *fields, size_t n);

#define log_at(level, text, ...)                                               \
	do {                                                                   \
		if (log_wants(level)) {                                        \
			const struct log_field log_f_[] = {                    \
				LOG_STR("msg", text), ##__VA_ARGS__};          \
                                                                               \
			log_write(level, log_f_,                               \
				sizeof(log_f_) / sizeof(log_f_[0]));           \
		}                                                              \
	} while (0)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
