/* Configuration: defaults, file, environment, flags, and what each refuses. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config.h"
#include "daemon/config_keys.h"
#include "util/log.h"

static struct config cfg;
static struct config_error err;
static char path[] = "/tmp/gv-config-XXXXXX";

static void setup(void)
{
	int fd = mkstemp(path);

	cr_assert(fd >= 0);
	(void)close(fd);
	(void)unsetenv("GVISORD_SOCKET");
	(void)unsetenv("GVISORD_CONFIG");
	config_init(&cfg);
}

static void teardown(void)
{
	(void)unlink(path);
}

TestSuite(config, .init = setup, .fini = teardown, .timeout = 30);

static int load_text(const char *text)
{
	FILE *f = fopen(path, "w");

	cr_assert(f);
	(void)fputs(text, f);
	(void)fclose(f);
	return config_file(&cfg, path, &err);
}

static void refused(const char *text, const char *message)
{
	cr_assert(load_text(text) == CONFIG_E_INVALID, "took: %s", text);
	cr_assert(strstr(err.text, message), "\"%s\" is not in \"%s\"", message,
		err.text);
	cr_assert(strstr(err.text, path), "no file name in %s", err.text);
}

Test(config, defaults)
{
	cr_assert(cfg.limits.request_bytes == 6 << 20);
	cr_assert(cfg.limits.code_bytes == 8 << 20);
	cr_assert(cfg.defaults.memory_mb == 64);
	cr_assert(cfg.defaults.timeout_ms == 30000);
	cr_assert(cfg.timeouts.idle_ms == 60000);
	cr_assert(cfg.drain.grace_ms == 30000);
	cr_assert(cfg.workers == 0);
	cr_assert(cfg.isolation.mode == CONFIG_ISOLATION_AUTO);
	cr_assert(!cfg.isolation.require_mpk);
	cr_assert(cfg.log.level == LOG_LEVEL_INFO);
	cr_assert(cfg.log.format == CONFIG_LOG_TEXT);
	cr_assert_str_empty(cfg.listen.tcp);
	cr_assert_neq(*cfg.listen.socket, '\0');
	cr_assert(config_check(&cfg, &err) == 0);
}

/* The names in the table are the order of util/log.h's enum. */
Test(config, log_levels_are_those_of_the_log)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};

	for (int i = 0; i < 4; i++) {
		enum log_level level;

		cr_assert(log_level_parse(names[i], &level));
		cr_assert(config_set(&cfg, "log.level", names[i], CONFIG_FLAG,
				  &err) == 0);
		cr_assert_eq(cfg.log.level, (int)level);
	}
}

Test(config, table_is_sound)
{
	for (size_t i = 0; i < config_n_keys; i++) {
		const struct config_key *k = &config_keys[i];
		struct config_error e;
		char text[16];

		cr_assert_eq(config_key_find(k->path), i, "twice: %s", k->path);
		cr_assert(k->help && *k->help);
		if (k->type != CONFIG_UINT)
			continue;
		(void)snprintf(text, sizeof(text), "%u", k->max);
		cr_assert(
			config_set(&cfg, k->path, text, CONFIG_FLAG, &e) == 0);
		cr_assert_str_eq(config_value(&cfg, i, text), text);
		(void)snprintf(text, sizeof(text), "%llu",
			(unsigned long long)k->max + 1);
		cr_assert(config_set(&cfg, k->path, text, CONFIG_FLAG, &e));
	}
}

Test(config, file_sets_every_type)
{
	cr_assert(load_text("{\"listen\":{\"tcp\":\"127.0.0.1:8080\"},"
			    "\"isolation\":{\"mode\":\"mpk\","
			    "\"require_mpk\":true},"
			    "\"workers\":3,\"limits\":{\"queue\":0},"
			    "\"log\":{\"format\":\"json\"}}") == 0);
	cr_assert_str_eq(cfg.listen.tcp, "127.0.0.1:8080");
	cr_assert(cfg.isolation.mode == CONFIG_ISOLATION_MPK);
	cr_assert(cfg.isolation.require_mpk);
	cr_assert(cfg.workers == 3);
	cr_assert(cfg.limits.queue == 0);
	cr_assert(cfg.log.format == CONFIG_LOG_JSON);
	cr_assert(cfg.source[config_key_find("workers")] == CONFIG_FILE);
	cr_assert(cfg.source[config_key_find("limits.functions")] ==
		  CONFIG_DEFAULT);
}

Test(config, syntax_errors_have_line_and_column)
{
	char where[64];

	(void)snprintf(where, sizeof(where), "%s:2:", path);
	refused("{\n \"workers\": }", where);
	refused("{\"workers\":1,\"workers\":2}", "duplicate");
	refused("", ":1:");
	refused("{} x", "end of file");
	refused("[]", "one object");
	refused("{\"workers\":1,}", ":1:");
}

Test(config, unknown_keys_name_the_nearest)
{
	refused("{\"limits\":{\"queeu\":1}}", "\"limits.queeu\"");
	refused("{\"limits\":{\"queeu\":1}}", "\"limits.queue\"?");
	refused("{\"queue\":1}", "\"limits.queue\"?");
	refused("{\"worker\":1}", "\"workers\"?");
	refused("{\"zzzzzzzz\":1}", "unknown key \"zzzzzzzz\"");
	refused("{\"limits\":{\"queue\":{\"x\":1}}}", "limits.queue: must be");
	refused("{\"limits\":{\"a\":{\"b\":{\"c\":1}}}}", "\"limits.a\"");
	refused("{\"\":1}", "unknown key \"\"");
}

Test(config, wrong_types_and_ranges_are_named)
{
	refused("{\"limits\":7}", "limits: must be an object");
	refused("{\"workers\":\"2\"}", "workers: must be a whole number");
	refused("{\"workers\":1.5}", "workers: must be a whole number");
	refused("{\"workers\":null}", "(0 to 256)");
	refused("{\"workers\":257}", "257 is out of range (0 to 256)");
	refused("{\"workers\":-1}", "-1 is out of range");
	/* What the largest slot holds. */
	refused("{\"limits\":{\"memory_mb\":1025}}",
		"limits.memory_mb: 1025 is out of range (1 to 1024)");
	refused("{\"defaults\":{\"memory_mb\":1025}}", "(1 to 1024)");
	cr_assert_eq(load_text("{\"limits\":{\"memory_mb\":1024}}"), 0);
	refused("{\"listen\":{\"tcp\":1}}", "listen.tcp: must be a string");
	refused("{\"isolation\":{\"mode\":\"kvm\"}}", "auto, mpk, software");
	refused("{\"isolation\":{\"require_mpk\":1}}", "true or false");
	refused("{\"isolation\":{\"key_policy\":\"fifo\"}}",
		"lru, round-robin, random, interval");
}

Test(config, long_strings_are_refused_whole)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
		"{\"listen\":{\"socket\":\"/%0*d\"}}", CONFIG_SOCKET_SIZE - 1,
		0);
	refused(text, "listen.socket: longer than the 107");
	(void)snprintf(text, sizeof(text),
		"{\"listen\":{\"socket\":\"/%0*d\"}}", CONFIG_SOCKET_SIZE - 2,
		0);
	cr_assert(load_text(text) == 0);
	(void)snprintf(text, sizeof(text), "{\"%0300d\":1}", 0);
	refused(text, "unknown key");
}

static const struct config_tenant *tenant(const char *name)
{
	for (size_t i = 0; i < cfg.n_tenants; i++)
		if (strcmp(cfg.tenants[i].name, name) == 0)
			return &cfg.tenants[i];
	cr_assert_fail("no tenant %s", name);
	return NULL;
}

Test(config, tenants)
{
	cr_assert_eq(cfg.n_tenants, 0u);
	cr_assert(load_text("{\"tenants\":{\"acme\":{\"concurrency\":64,"
			    "\"rate\":\"200/s\",\"memory_mb\":512,"
			    "\"cpu_percent\":25600},"
			    "\"a.b\":{\"rate\":\"1000000/h\"},\"c\":{}}}") == 0,
		"%s", err.text);
	cr_assert_eq(cfg.n_tenants, 3u);
	cr_assert_eq(tenant("acme")->concurrency, 64u);
	cr_assert_eq(tenant("acme")->memory_mb, 512u);
	cr_assert_eq(tenant("acme")->cpu_percent, 25600u);
	cr_assert_eq(tenant("c")->cpu_percent, 0u);
	cr_assert_eq(tenant("acme")->rate_calls, 200u);
	cr_assert_eq(tenant("acme")->rate_seconds, 1u);
	cr_assert_eq(tenant("a.b")->rate_calls, 1000000u);
	cr_assert_eq(tenant("a.b")->rate_seconds, 3600u);
	cr_assert_eq(tenant("c")->rate_calls, 0u);
	cr_assert(load_text("{\"tenants\":{\"d\":{\"rate\":\"6/m\"}}}") == 0);
	cr_assert_eq(cfg.n_tenants, 1u, "the last file's");
	cr_assert_eq(tenant("d")->rate_seconds, 60u);
}

Test(config, tenants_refused)
{
	static const char *const rates[] = {"\"\"", "\"/s\"", "\"5\"", "\"5/\"",
		"\"5/d\"", "\"5/ss\"", "\"0/s\"", "\"-1/s\"", "\" 5/s\"",
		"\"1000001/s\"", "5", "null", "\"99999999999999999999/s\""};
	char text[128];

	refused("{\"tenants\":[]}", "tenants: must be an object");
	refused("{\"tenants\":{\"a\":1}}", "tenants.a: must be an object");
	refused("{\"tenants\":{\"A\":{}}}", "tenants.A: a tenant's name");
	refused("{\"tenants\":{\"\":{}}}", "a tenant's name");
	refused("{\"tenants\":{\"a\":{\"concurency\":1}}}",
		"did you mean \"tenants.a.concurrency\"?");
	refused("{\"tenants\":{\"a\":{\"weight\":2}}}",
		"tenants.a.weight: tenants have no weights; "
		"\"tenants.a.cpu_percent\"");
	refused("{\"tenants\":{\"a\":{\"colour\":2}}}",
		"unknown key \"tenants.a.colour\"");
	refused("{\"tenants\":{\"a\":{\"cpu_percent\":25601}}}",
		"tenants.a.cpu_percent: 25601 is out of range (0 to 25600)");
	refused("{\"tenants\":{\"a\":{\"concurrency\":-1}}}",
		"tenants.a.concurrency: -1 is out of range (0 to 1000000)");
	refused("{\"tenants\":{\"a\":{\"concurrency\":\"1\"}}}",
		"tenants.a.concurrency: must be a whole number");
	refused("{\"tenants\":{\"a\":{\"memory_mb\":1048577}}}",
		"out of range");
	refused("{\"tenants\":{\"a\":{},\"a\":{}}}", "duplicate");
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		(void)snprintf(text, sizeof(text),
			"{\"tenants\":{\"a\":{\"rate\":%s}}}", rates[i]);
		refused(text, "tenants.a.rate: must be a rate such as");
	}
}

Test(config, so_many_tenants_and_no_more)
{
	static char text[CONFIG_TENANTS_MAX * 16];
	size_t at = 0;

	for (unsigned n = CONFIG_TENANTS_MAX; n <= CONFIG_TENANTS_MAX + 1;
		n++) {
		at = (size_t)sprintf(text, "{\"tenants\":{");
		for (unsigned i = 0; i < n; i++)
			at += (size_t)sprintf(
				text + at, "%s\"t%u\":{}", i ? "," : "", i);
		(void)strcpy(text + at, "}}");
		if (n == CONFIG_TENANTS_MAX)
			cr_assert(load_text(text) == 0, "%s", err.text);
		else
			refused(text, "more than the 256");
	}
}

Test(config, odd_files)
{
	cr_assert(
		config_file(&cfg, "/nonexistent/x", &err) == CONFIG_E_INVALID);
	cr_assert(strstr(err.text, "No such file"));
	cr_assert(config_file(&cfg, "/tmp", &err) == CONFIG_E_INVALID);
	cr_assert(strstr(err.text, "not a regular file"));
	(void)unlink(path);
	cr_assert(mkfifo(path, 0600) == 0);
	cr_assert(config_file(&cfg, path, &err) == CONFIG_E_INVALID);
	(void)unlink(path);
	cr_assert(load_text("{}") == 0);
	cr_assert(truncate(path, CONFIG_FILE_BYTES_MAX + 1) == 0);
	cr_assert(config_file(&cfg, path, &err) == CONFIG_E_INVALID);
	cr_assert(strstr(err.text, "larger than"));
}

Test(config, text_values)
{
	static const char *const bad[][2] = {{"workers", ""}, {"workers", "-1"},
		{"workers", "1 "}, {"workers", "0x1"}, {"workers", "257"},
		{"workers", "99999999999999999999999"},
		{"isolation.require_mpk", "yes"}, {"isolation.mode", ""},
		{"log.level", "INFO"}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert(config_set(&cfg, bad[i][0], bad[i][1], CONFIG_FLAG,
				  &err) == CONFIG_E_INVALID,
			"%s took \"%s\"", bad[i][0], bad[i][1]);
		cr_assert(strstr(err.text, bad[i][0]));
	}
	cr_assert(config_set(&cfg, "isolation.require_mpk", "1", CONFIG_FLAG,
			  &err) == 0);
	cr_assert(cfg.isolation.require_mpk);
	cr_assert(config_set(&cfg, "limits.cod_bytes", "1", CONFIG_FLAG,
			  &err) == CONFIG_E_INVALID);
	cr_assert(strstr(err.text, "limits.code_bytes"));
}

Test(config, flag_over_environment_over_file)
{
	FILE *f = fopen(path, "w");

	(void)fputs(
		"{\"workers\":2,\"limits\":{\"queue\":5,\"functions\":9}}", f);
	(void)fclose(f);
	(void)setenv("GVISORD_WORKERS", "3", 1);
	(void)setenv("GVISORD_LIMITS_QUEUE", "6", 1);
	(void)setenv("GVISORD_CONFIG", path, 1);
	cr_assert(config_load(&cfg, NULL, &err) == 0);
	cr_assert(config_set(&cfg, "workers", "4", CONFIG_FLAG, &err) == 0);
	cr_assert(cfg.workers == 4);
	cr_assert(cfg.limits.queue == 6);
	cr_assert(cfg.limits.functions == 9);
	cr_assert(cfg.source[config_key_find("workers")] == CONFIG_FLAG);
	cr_assert(cfg.source[config_key_find("limits.queue")] == CONFIG_ENV);
	cr_assert(
		cfg.source[config_key_find("limits.functions")] == CONFIG_FILE);
}

Test(config, environment_errors_name_the_variable)
{
	(void)setenv("GVISORD_LIMITS_REQUEST_BYTES", "12", 1);
	cr_assert(config_load(&cfg, NULL, &err) == CONFIG_E_INVALID);
	cr_assert(strstr(err.text, "GVISORD_LIMITS_REQUEST_BYTES"));
	cr_assert(strstr(err.text, "(1024 to 15728640)"));
}

Test(config, socket_has_the_clients_variable)
{
	(void)setenv("GVISORD_SOCKET", "/tmp/x.sock", 1);
	cr_assert(config_load(&cfg, NULL, &err) == 0);
	cr_assert_str_eq(cfg.listen.socket, "/tmp/x.sock");
}

static void contradicts(const char *key, const char *value, const char *message)
{
	cr_assert(config_set(&cfg, key, value, CONFIG_FLAG, &err) == 0);
	cr_assert(config_check(&cfg, &err) == CONFIG_E_INVALID);
	cr_assert(strstr(err.text, message), "%s", err.text);
	config_init(&cfg);
}

Test(config, contradictions)
{
	contradicts("listen.socket", "", "nowhere to listen");
	contradicts("listen.tcp", "0.0.0.0:8080", "not a loopback");
	contradicts("listen.tcp", "[::]:8080", "not a loopback");
	contradicts("listen.tcp", "10.0.0.1:80", "not a loopback");
	contradicts("listen.tcp", "8080", "ADDR:PORT");
	contradicts("listen.tcp", "example.org:80", "ADDR:PORT");
	contradicts("limits.memory_mb", "63", "defaults.memory_mb 64 is above");
	contradicts("limits.timeout_ms", "29999", "defaults.timeout_ms 30000");
	contradicts("limits.total_memory_mb", "63",
		"limits.total_memory_mb 63 is below defaults.memory_mb 64");
	cfg.isolation.mode = CONFIG_ISOLATION_SOFTWARE;
	contradicts("isolation.require_mpk", "true", "contradicts");
}

Test(config, addresses)
{
	static const char *const good[] = {
		"127.0.0.1:1", "127.9.9.9:65535", "[::1]:8080", "localhost:0"};
	static const char *const bad[] = {"", ":", ":80", "127.0.0.1", "[::1]",
		"[::1:80", "::1:80", "[]:80", "127.0.0.1:65536", "127.0.0.1:-1",
		"127.0.0.1: 80", "127.1:80", "[127.0.0.1]:80", "[", "]:1",
		"[:1"};
	struct sockaddr_storage addr;
	socklen_t len;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		cr_assert(
			config_addr_parse(good[i], &addr, &len), "%s", good[i]);
		cr_assert(config_addr_loopback(&addr), "%s", good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert(
			!config_addr_parse(bad[i], &addr, &len), "%s", bad[i]);
	cr_assert(config_addr_parse("128.0.0.1:1", &addr, &len));
	cr_assert(!config_addr_loopback(&addr));
	cr_assert(config_addr_parse("[fe80::1]:1", &addr, &len));
	cr_assert(!config_addr_loopback(&addr));
}

Test(config, default_socket)
{
	char p[CONFIG_SOCKET_SIZE], dir[200];

	(void)setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
	config_socket_default(p);
	if (geteuid() == 0) {
		cr_assert_str_eq(p, "/run/gvisord/gvisord.sock");
		cr_assert(setresuid(1000, 1000, 1000) == 0);
		config_socket_default(p);
	}
	cr_assert_str_eq(p, "/run/user/7/gvisord.sock");
	memset(dir, 'd', sizeof(dir) - 1);
	dir[0] = '/';
	dir[sizeof(dir) - 1] = '\0';
	(void)setenv("XDG_RUNTIME_DIR", dir, 1);
	config_socket_default(p);
	cr_assert_eq(strncmp(p, "/tmp/gvisord-", 13), 0, "%s", p);
}

Test(config, print_shows_values_and_sources)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	json_t *root, *queue;

	cr_assert(
		config_set(&cfg, "limits.queue", "7", CONFIG_FLAG, &err) == 0);
	config_print_json(&cfg, f);
	(void)fclose(f);
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	cr_assert(root, "%s", text);
	queue = json_object_get(json_object_get(root, "limits"), "queue");
	cr_assert(json_integer_value(json_object_get(queue, "value")) == 7);
	cr_assert_str_eq(
		json_string_value(json_object_get(queue, "source")), "flag");
	cr_assert(json_is_object(json_object_get(root, "workers")));
	json_decref(root);
	free(text);
}

Test(config, markdown_names_every_key)
{
	char *text = NULL, name[64];
	size_t len;
	FILE *f = open_memstream(&text, &len);

	config_print_markdown(f);
	(void)fclose(f);
	for (size_t i = 0; i < config_n_keys; i++) {
		cr_assert(strstr(text, config_keys[i].path));
		config_env_name(&config_keys[i], name, sizeof(name));
		cr_assert(strstr(text, name), "%s", name);
	}
	free(text);
}
