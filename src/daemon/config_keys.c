/*
 * The table of configuration keys: the one place where a knob gets its name,
 * its range, its default and its sentence of help. Adding a knob is a field in
 * struct config and a line here. Data only; trusted side.
 */
#include "daemon/config_keys.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "core/arena.h"
#include "daemon/config.h"
#include "util/strutil.h"

#define MIB (1024u * 1024u)
/* A request or a reply stands in one buffer of 16 MiB. */
#define BODY_MAX (15 * MIB)
#define HOUR_MS 3600000u
/* No slot is larger. */
#define MEMORY_MB_MAX ((unsigned)(ARENA_BIG_BYTES >> 20))

#define AT(field) offsetof(struct config, field)
#define UINT(path, field, min, max, fallback, help)                            \
	{                                                                      \
		path, CONFIG_UINT, AT(field), min, max, fallback, NULL, NULL,  \
			help                                                   \
	}
#define CHOICE(path, field, list, fallback, help)                              \
	{                                                                      \
		path, CONFIG_CHOICE, AT(field), 0, 0, fallback, list, NULL,    \
			help                                                   \
	}

static const char *const isolations[] = {"auto", "mpk", "software", NULL};
/* In the order of enum mux_kind. */
static const char *const key_policies[] = {
	"lru", "round-robin", "random", "interval", NULL};
/* In the order of enum log_level. */
static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const formats[] = {"text", "json", NULL};

/* clang-format off */
const struct config_key config_keys[] = {
	{"listen.socket", CONFIG_STRING, AT(listen.socket), 0,
	 CONFIG_SOCKET_SIZE - 1, NULL, NULL, "GVISORD_SOCKET",
	 "path of the Unix socket (mode 0660); \"\" for none"},
	{"listen.tcp", CONFIG_STRING, AT(listen.tcp), 0,
	 CONFIG_TCP_SIZE - 1, "", NULL, NULL,
	 "loopback ADDR:PORT to listen on as well; \"\" for none"},
	{"listen.admin_token_file", CONFIG_STRING, AT(listen.admin_token_file),
	 0, CONFIG_PATH_SIZE - 1, "", NULL, NULL,
	 "file whose first line lets TCP clients register and remove "
	 "functions; \"\": only the Unix socket may"},
	CHOICE("isolation.mode", isolation.mode, isolations, "auto",
	 "auto: hardware keys if the self-test passes, else software"),
	{"isolation.require_mpk", CONFIG_BOOL, AT(isolation.require_mpk), 0, 0,
	 "false", NULL, NULL,
	 "refuse to start rather than fall back to software isolation"},
	{"isolation.unsafe_native", CONFIG_BOOL, AT(isolation.unsafe_native), 0,
	 0, "false", NULL, NULL,
	 "run native functions even where there are no hardware keys: nothing "
	 "then keeps them from reading and changing everything"},
	{"isolation.admit_system_calls", CONFIG_BOOL,
	 AT(isolation.admit_system_calls), 0, 0, "false", NULL, NULL,
	 "admit native code that holds the bytes of a system call, which large "
	 "objects do by chance; the calls are refused all the same"},
	CHOICE("isolation.key_policy", isolation.key_policy, key_policies,
	 "lru", "which idle isolate gives its key to one that has none: the "
	 "least recently used, each in turn, any, or the one whose calls are "
	 "furthest apart"),
	UINT("workers", workers, 0, 256, "0",
	 "threads that run functions; 0: one per online CPU, at most one per "
	 "isolate key"),
	UINT("limits.isolates", limits.isolates, 1, 1000000, "20000",
	 "isolates alive at once, idle ones included; divided evenly among the "
	 "workers, rounded down, but each has one at least"),
	UINT("limits.functions", limits.functions, 1, 1000000, "10000",
	 "registered functions"),
	UINT("limits.connections", limits.connections, 1, 1000000, "10000",
	 "client connections open at once"),
	UINT("limits.queue", limits.queue, 0, 1000000, "1024",
	 "invocations waiting on one worker for an isolate, or of all for one "
	 "limit; one more is refused with 429"),
	UINT("limits.queue_wait_ms", limits.queue_wait_ms, 0, HOUR_MS, "10000",
	 "longest wait for an isolate or a limit before 429"),
	UINT("limits.request_bytes", limits.request_bytes, 1024, BODY_MAX,
	 "6291456", "body of one invocation"),
	UINT("limits.response_bytes", limits.response_bytes, 1024, BODY_MAX,
	 "6291456", "reply of one invocation"),
	UINT("limits.log_bytes", limits.log_bytes, 0, 64 * MIB, "262144",
	 "log lines of one invocation; what is over is dropped and counted"),
	UINT("limits.code_bytes", limits.code_bytes, 1, BODY_MAX, "8388608",
	 "code of one function"),
	UINT("limits.memory_mb", limits.memory_mb, 1, MEMORY_MB_MAX, "1024",
	 "largest memory budget a function may ask for"),
	UINT("limits.timeout_ms", limits.timeout_ms, 1, 24 * HOUR_MS, "900000",
	 "longest timeout a function may ask for"),
	UINT("limits.idle_ttl_ms", limits.idle_ttl_ms, 0, 24 * HOUR_MS,
	 "3600000", "longest time to live of idle isolates a function may ask "
	 "for"),
	UINT("limits.total_memory_mb", limits.total_memory_mb, 0, 16 * MIB, "0",
	 "memory budgets of all live isolates; idle ones end first, then calls "
	 "wait, then 429; 0: no limit"),
	UINT("limits.resident_mb", limits.resident_mb, 0, 16 * MIB, "0",
	 "memory that the daemon may have resident; above it idle isolates end, "
	 "the coldest first; 0: nine tenths of the machine's or the cgroup's "
	 "(memory.max of cgroup v2)"),
	UINT("defaults.memory_mb", defaults.memory_mb, 1, MEMORY_MB_MAX, "64",
	 "memory budget of a function that asks for none"),
	UINT("defaults.timeout_ms", defaults.timeout_ms, 1, 24 * HOUR_MS,
	 "30000", "timeout of a function that asks for none"),
	UINT("defaults.idle_ttl_ms", defaults.idle_ttl_ms, 0, 24 * HOUR_MS,
	 "10000", "how long an idle isolate is kept warm"),
	UINT("defaults.cpu_ms", defaults.cpu_ms, 0, 24 * HOUR_MS, "0",
	 "CPU time of one invocation of a function that asks for none; 0: no "
	 "limit"),
	UINT("defaults.max_concurrency", defaults.max_concurrency, 0, 1000000,
	 "0", "invocations at once of a function that asks for none; 0: no "
	 "limit"),
	UINT("defaults.max_rate", defaults.max_rate, 0, 1000000, "0",
	 "invocations per second of a function that asks for none; 0: no "
	 "limit"),
	UINT("defaults.contexts", defaults.contexts, 0, 16, "0",
	 "contexts kept ready in an isolate of a function that asks for none "
	 "and can have them; 0: calls share one"),
	UINT("timeouts.header_ms", timeouts.header_ms, 1, HOUR_MS, "10000",
	 "from the first byte of a request to the end of its headers"),
	UINT("timeouts.body_ms", timeouts.body_ms, 1, HOUR_MS, "30000",
	 "from the end of the headers to the end of the body"),
	UINT("timeouts.idle_ms", timeouts.idle_ms, 1, 24 * HOUR_MS, "60000",
	 "kept-alive connection without a request"),
	UINT("timeouts.send_ms", timeouts.send_ms, 1, HOUR_MS, "30000",
	 "client that does not take its reply"),
	UINT("drain.grace_ms", drain.grace_ms, 0, HOUR_MS, "30000",
	 "after SIGTERM, time for running invocations to end"),
	CHOICE("log.level", log.level, levels, "info",
	 "least important level that is written"),
	CHOICE("log.format", log.format, formats, "text",
	 "one line per event, for people or for machines"),
};
/* clang-format on */

const size_t config_n_keys = sizeof(config_keys) / sizeof(config_keys[0]);

_Static_assert(sizeof(config_keys) / sizeof(config_keys[0]) <= CONFIG_KEYS_MAX,
	"struct config keeps one source per key");

void config_env_name(const struct config_key *key, char *ret_name, size_t size)
{
	if (key->env) {
		(void)snprintf(ret_name, size, "%s", key->env);
		return;
	}
	int n = snprintf(ret_name, size, "GVISORD_%s", key->path);

	CHECK(n > 0 && (size_t)n < size);
	for (char *c = ret_name; *c; c++)
		*c = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
}

size_t config_key_find(const char *path)
{
	for (size_t i = 0; i < config_n_keys; i++) {
		if (strcmp(config_keys[i].path, path) == 0)
			return i;
	}
	return CONFIG_KEYS_MAX;
}

static const char *last_part(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

/* Near as a whole, or right but in another section. */
const char *config_key_nearest(const char *path)
{
	const char *names[CONFIG_KEYS_MAX];
	const char *near;

	for (size_t i = 0; i < config_n_keys; i++)
		names[i] = config_keys[i].path;
	near = str_nearest(slice_of(path), names, config_n_keys);
	for (size_t i = 0; !near && i < config_n_keys; i++) {
		if (strcmp(last_part(names[i]), last_part(path)) == 0)
			near = names[i];
	}
	return near;
}
