/* Log lines, escaping, the ring to the control thread. */
#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/escape.h"
#include "util/log.h"
#include "util/logring.h"

static char out[1 << 20];
static size_t out_len;
static size_t out_lines;

static void capture(void *arg, const char *line, size_t len)
{
	(void)arg;
	cr_assert_eq(line[len - 1], '\n');
	cr_assert_null(memchr(line, '\n', len - 1));
	cr_assert_leq(len, (size_t)LOG_LINE_MAX);
	if (out_len + len < sizeof(out)) {
		memcpy(out + out_len, line, len);
		out_len += len;
	}
	out[out_len] = '\0';
	out_lines++;
}

static void start(bool json, bool journal, enum log_level level)
{
	struct log_config cfg = {level, json, journal, 2};

	log_configure(&cfg);
	log_set_sink(capture, NULL);
	out_len = out_lines = 0;
}

/* What stands after the time stamp. */
static const char *rest(void)
{
	char *lvl = strstr(out, "lvl");

	cr_assert_not_null(lvl);
	return lvl;
}

Test(log, text)
{
	start(false, false, LOG_LEVEL_INFO);
	log_info("hello world", LOG_STR("fn", "t/f"), LOG_U64("us", 12),
		LOG_I64("i", -3), LOG_HEX("at", 0xabc), LOG_BOOL("ok", true),
		LOG_STR("empty", ""), LOG_STR("none", NULL), LOG_ERR(-ENOENT));
	cr_assert_str_eq(rest(),
		"lvl=info msg=\"hello world\" fn=t/f us=12 i=-3 at=0xabc "
		"ok=true empty=\"\" none=\"\" error=\"No such file or "
		"directory\"\n");
	/* ts=2026-11-21T11:22:33.123456Z */
	cr_assert_eq(rest() - out, 31);
	cr_assert(out[7] == '-' && out[13] == 'T' && out[22] == '.' &&
		  out[29] == 'Z');
}

Test(log, json_parses)
{
	json_t *root;

	start(true, false, LOG_LEVEL_DEBUG);
	log_debug("m", LOG_STRN("s", "a\"b\\c\n\x01\xff\xc3\xa9", 10),
		LOG_U64("n", 5), LOG_HEX("x", 16), LOG_BOOL("b", false));
	root = json_loads(out, 0, NULL);
	cr_assert_not_null(root, "%s", out);
	cr_assert_str_eq(
		json_string_value(json_object_get(root, "lvl")), "debug");
	cr_assert_str_eq(json_string_value(json_object_get(root, "s")),
		"a\"b\\c\n\x01\xef\xbf\xbd\xc3\xa9");
	cr_assert_eq(json_integer_value(json_object_get(root, "n")), 5);
	cr_assert_str_eq(json_string_value(json_object_get(root, "x")), "0x10");
	cr_assert(json_is_false(json_object_get(root, "b")));
	json_decref(root);
}

Test(log, values_cannot_forge_lines_or_fields)
{
	start(false, false, LOG_LEVEL_INFO);
	log_info("m", LOG_STR("a", "x y=\"1\"\nlvl=error\r\x1b[2J\x7f"),
		LOG_STR("b", "k=v"), LOG_STRN("c", "\xc2\x9b", 2));
	cr_assert_str_eq(rest(),
		"lvl=info msg=m a=\"x y=\\\"1\\\"\\nlvl=error\\r\\u001b[2J"
		"\\u007f\" b=\"k=v\" c=\"\\u009b\"\n");
}

Test(log, levels)
{
	enum log_level level;
	int evaluated = 0;

	start(false, false, LOG_LEVEL_WARN);
	log_info("no", LOG_I64("n", evaluated++));
	cr_assert_eq(out_lines, 0);
	cr_assert_eq(evaluated, 0);
	log_warn("yes");
	log_error("yes");
	cr_assert_eq(out_lines, 2);
	cr_assert(log_level_parse("error", &level) && level == LOG_LEVEL_ERROR);
	cr_assert_not(log_level_parse("ERROR", &level));
	cr_assert_not(log_level_parse("", &level));
}

Test(log, journal_priority)
{
	start(false, true, LOG_LEVEL_INFO);
	log_error("x");
	cr_assert(strncmp(out, "<3>ts=", 6) == 0, "%s", out);
	setenv("JOURNAL_STREAM", "1:2", 1);
	cr_assert_not(log_is_journal(2));
	setenv("JOURNAL_STREAM", "nonsense", 1);
	cr_assert_not(log_is_journal(2));
	unsetenv("JOURNAL_STREAM");
	cr_assert_not(log_is_journal(2));
}

Test(log, long_values_are_cut)
{
	static char big[3000];
	json_t *root;

	for (int json = 0; json < 2; json++) {
		memset(big, 'a', sizeof(big));
		start(json, false, LOG_LEVEL_INFO);
		log_info("m", LOG_STRN("v", big, LOG_VALUE_MAX));
		cr_assert_null(strstr(out, "..."));
		start(json, false, LOG_LEVEL_INFO);
		log_info("m", LOG_STRN("v", big, LOG_VALUE_MAX + 1),
			LOG_U64("after", 1));
		cr_assert_not_null(strstr(out, "a...\""));
		cr_assert_not_null(strstr(out, "after"));
		/* Worst case: every byte becomes six. */
		memset(big, 1, sizeof(big));
		start(json, false, LOG_LEVEL_INFO);
		log_info("m", LOG_STRN("v", big, sizeof(big)),
			LOG_U64("after", 1));
		cr_assert_not_null(strstr(out, "after"));
		cr_assert_not_null(strstr(out, "cut"));
	}
	root = json_loads(out, 0, NULL);
	cr_assert_not_null(root, "%s", out);
	cr_assert(json_is_true(json_object_get(root, "cut")));
	json_decref(root);
}

static void escaped(const char *in, size_t n, const char *want)
{
	char mem[256];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	escape_json(&b, in, n);
	cr_assert_str_eq(buf_cstr(&b), want);
}

Test(escape, utf8)
{
	escaped("\xe2\x82\xac\xf0\x9f\x98\x80", 7,
		"\xe2\x82\xac\xf0\x9f\x98\x80");
	escaped("\xc0\x80", 2, "\\ufffd\\ufffd");	     /* overlong */
	escaped("\xed\xa0\x80", 3, "\\ufffd\\ufffd\\ufffd"); /* surrogate */
	escaped("\xf4\x90\x80\x80", 4, "\\ufffd\\ufffd\\ufffd\\ufffd");
	escaped("\xe2\x82", 2, "\\ufffd\\ufffd"); /* cut short */
	escaped("\xe0\x9f\xbf", 3, "\\ufffd\\ufffd\\ufffd");
	escaped("a\0b", 3, "a\\u0000b");
	escaped("\x80", 1, "\\ufffd");
}

Test(escape, prefix_splits_no_character)
{
	cr_assert_eq(escape_prefix("abc", 3, 3), 3);
	cr_assert_eq(escape_prefix("abcd", 4, 3), 3);
	cr_assert_eq(escape_prefix("ab\xc3\xa9", 4, 3), 2);
	cr_assert_eq(escape_prefix("\xf0\x9f\x98\x80x", 5, 4), 4);
	cr_assert_eq(escape_prefix("a\xf0\x9f\x98\x80", 5, 4), 1);
	/* Not UTF-8 anyway: cut where told. */
	cr_assert_eq(escape_prefix("\x80\x80\x80\x80\x80\x80", 6, 5), 5);
}

static struct logring ring;
static char ring_mem[16384];
static unsigned wakes;

static void count_wake(void *arg)
{
	(void)arg;
	wakes++;
}

Test(logring, order_wrap_and_drop)
{
	char line[1000];
	size_t sent = 0, before;

	logring_init(&ring, ring_mem, sizeof(ring_mem));
	ring.wake = count_wake;
	start(false, false, LOG_LEVEL_INFO);
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	cr_assert(logring_empty(&ring));
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 5; i++, sent++)
			logring_sink(&ring, line, sizeof(line));
		cr_assert_eq(logring_drain(&ring), 5);
	}
	cr_assert_eq(out_lines, sent);
	cr_assert_eq(wakes, 20);
	cr_assert_eq(out_len, sent * sizeof(line));
	for (int i = 0; i < 20; i++)
		logring_sink(&ring, line, sizeof(line));
	cr_assert_eq(ring.dropped_lines, 4);
	cr_assert_eq(ring.dropped_bytes, 4 * sizeof(line));
	before = out_lines;
	cr_assert_eq(logring_drain(&ring), 16);
	cr_assert_eq(out_lines, before + 17);
	cr_assert_not_null(
		strstr(out, "msg=\"log lines dropped\" dropped=4\n"));
	cr_assert_eq(logring_drain(&ring), 0);
	cr_assert_eq(out_lines, before + 17);
	logring_sink(&ring, out, LOG_LINE_MAX + 1);
	cr_assert_eq(ring.dropped_lines, 5);
}

enum {
	LINES = 100000
};

static void *ring_producer(void *arg)
{
	log_set_sink(logring_sink, arg);
	for (uint64_t i = 0; i < LINES; i++)
		log_info("x", LOG_U64("i", i));
	return NULL;
}

static uint64_t got_lines, said_dropped;
static int64_t last_number = -1;

static void check_line(void *arg, const char *line, size_t len)
{
	char text[LOG_LINE_MAX + 1];
	char *p;

	(void)arg;
	memcpy(text, line, len);
	text[len] = '\0';
	if ((p = strstr(text, " dropped=")) != NULL) {
		said_dropped += strtoull(p + 9, NULL, 10);
		return;
	}
	p = strstr(text, " i=");
	cr_assert_not_null(p, "%s", text);
	cr_assert_gt(strtoll(p + 3, NULL, 10), last_number);
	last_number = strtoll(p + 3, NULL, 10);
	got_lines++;
}

Test(logring, threads_account_for_every_line, .timeout = 60)
{
	pthread_t t;

	start(false, false, LOG_LEVEL_INFO);
	logring_init(&ring, ring_mem, sizeof(ring_mem));
	log_set_sink(check_line, NULL);
	cr_assert_eq(pthread_create(&t, NULL, ring_producer, &ring), 0);
	while (got_lines + atomic_load(&ring.dropped_lines) < LINES)
		(void)logring_drain(&ring);
	pthread_join(t, NULL);
	(void)logring_drain(&ring);
	cr_assert_eq(got_lines + said_dropped, LINES);
}

static void shown(const char *text, size_t len, const char *want)
{
	char *got = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&got, &size);

	escape_terminal(to, text, len);
	(void)fclose(to);
	cr_expect_str_eq(got, want);
	free(got);
}

#define SHOWN(text, want) shown(text, sizeof(text) - 1, want)

Test(escape, nothing_steers_a_terminal)
{
	SHOWN("", "");
	SHOWN("two\nlines\tand \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
		"two\nlines\tand \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	SHOWN("\x1b[31m\r\b\x7f\0z", "\\x1b[31m\\x0d\\x08\\x7f\\x00z");
	/* C1 as UTF-8, and alone: 8-bit terminals take that too. */
	SHOWN("\xc2\x9b"
	      "2J\x9b"
	      "2J",
		"\\xc2\\x9b2J\\x9b2J");
	SHOWN("\xe2\x80\xae"
	      "a\xe2\x81\xa6"
	      "b\xe2\x80\x8f",
		"\\xe2\\x80\\xaea\\xe2\\x81\\xa6b\\xe2\\x80\\x8f");
	SHOWN("\xe2\x80", "\\xe2\\x80");
	SHOWN("\xc0\x80\xed\xa0\x80", "\\xc0\\x80\\xed\\xa0\\x80");
}
