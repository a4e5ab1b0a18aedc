/*
 * The commands that run functions in this process or are about how that would
 * be done: serve, run, config. They make a checked configuration and hand it
 * to the daemon's code (daemon/serve.h).
 */
#include "daemon/serve.h"

#include <string.h>

#include "base/cleanup.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "daemon/config_keys.h"
#include "daemon/config_tenants.h"

/* Serve -------------------------------------------------------------------- */

enum {
	SERVE_PRINT = 1,
	SERVE_CHECK
};

struct serve {
	struct settings settings;
	bool print;
	bool check;
};

static int serve_option(void *ctx, struct cli *cli, int id, const char *arg)
{
	struct serve *s = ctx;

	if (id >= SETTINGS_CONFIG)
		return settings_option(&s->settings, cli, id, arg);
	if (id == SERVE_PRINT)
		s->print = true;
	else
		s->check = true;
	return 0;
}

static int run_serve(struct cli *cli)
{
	struct serve s = {0};
	struct config cfg;

	if (cli_parse(cli, serve_option, &s) ||
		settings_load(&s.settings, cli, &cfg))
		return cli->exit_code;
	if (s.print)
		config_print_json(&cfg, cli->out);
	if (s.check && !s.print)
		(void)fputs("configuration ok\n", cli->out);
	return s.print || s.check ? CLI_OK : serve_main(&cfg);
}

const struct cli_command cmd_serve = {
	.name = "serve",
	.args = "",
	.help = "Run the daemon in the foreground",
	.more = "SIGTERM, SIGINT or SIGHUP ends it: running calls may finish, "
		"at most\ndrain.grace_ms; a second signal ends it at once.\n\n"
		"Examples:\n"
		"  gvisord serve\n"
		"  gvisord serve --listen 127.0.0.1:8080 --require-mpk\n"
		"  gvisord serve --config gvisord.json --set limits.queue=64 "
		"--check-config\n",
	.options =
		(const struct cli_option[]){
			{"socket", 0, "PATH", "Unix socket; \"\" for none",
				SETTINGS_SOCKET},
			{"listen", 0, "ADDR:PORT",
				"TCP on a loopback address as well",
				SETTINGS_LISTEN},
			{"admin-token-file", 0, "FILE",
				"lets TCP clients deploy and remove",
				SETTINGS_TOKEN_FILE},
			{"isolation", 0, "auto|mpk|software",
				"how functions are kept apart",
				SETTINGS_ISOLATION},
			{"require-mpk", 0, NULL, "no MPK, no start",
				SETTINGS_REQUIRE_MPK},
			{"unsafe-native", 0, NULL,
				"native code even without MPK: no isolation!",
				SETTINGS_UNSAFE_NATIVE},
			{"workers", 'w', "N", "threads that run functions",
				SETTINGS_WORKERS},
			SETTINGS_OPTIONS,
			{"print-config", 0, NULL,
				"show the effective configuration and exit",
				SERVE_PRINT},
			{"check-config", 0, NULL,
				"check the configuration and exit",
				SERVE_CHECK},
			{0}},
	.run = run_serve,
};

/* Run ---------------------------------------------------------------------- */

enum {
	RUN_ENTRY = 1,
	RUN_LANGUAGE,
	RUN_DATA
};

struct run {
	struct settings settings;
	const char *entry;
	const char *language;
	const char *data;
};

static int run_option(void *ctx, struct cli *cli, int id, const char *arg)
{
	struct run *r = ctx;

	if (id >= SETTINGS_CONFIG)
		return settings_option(&r->settings, cli, id, arg);
	if (id == RUN_ENTRY)
		r->entry = arg;
	else if (id == RUN_LANGUAGE)
		r->language = arg;
	else
		r->data = arg;
	return 0;
}

static int run_file(
	struct cli *cli, const struct run *r, const struct config *cfg)
{
	AUTO_FREE char *code = NULL;
	AUTO_FREE char *request = NULL;
	struct run_once_args args = {.path = cli->argv[0],
		.language = r->language,
		.entry = r->entry};

	if (cli_read_file(cli, cli->argv[0], &code, &args.code_len) ||
		cli_read_request(cli, cli->argc > 1 ? cli->argv[1] : NULL,
			r->data, &request, &args.request_len))
		return cli->exit_code;
	args.code = code;
	args.request = request;
	return run_once(cfg, &args);
}

static int run_run(struct cli *cli)
{
	struct run r = {.entry = "handler"};
	struct config cfg;

	if (cli_parse(cli, run_option, &r) ||
		settings_load(&r.settings, cli, &cfg))
		return cli->exit_code;
	if (!r.language)
		r.language = cli_language_of(cli->argv[0]);
	if (!r.language) {
		(void)cli_usage_error(cli,
			"cannot tell the language of \"%s\": give --language, "
			"for example --language lua",
			cli->argv[0]);
		return cli->exit_code;
	}
	return run_file(cli, &r, &cfg);
}

const struct cli_command cmd_run = {
	.name = "run",
	.args = "FILE [JSON]",
	.help = "Call a function once, without a daemon",
	.more = "The reply goes to stdout; a function's error goes to stderr "
		"and the exit code is\n1. FILE - is standard input.\n\n"
		"Examples:\n"
		"  gvisord run hello.lua '{\"name\":\"Ada\"}'\n"
		"  gvisord run hello.lua -d @request.json --timeout-ms 500\n",
	.min_args = 1,
	.max_args = 2,
	.options =
		(const struct cli_option[]){
			{"data", 'd', "@FILE|-|JSON",
				"the request: a file, stdin, or itself",
				RUN_DATA},
			{"entry", 'e', "NAME", "function to call (handler)",
				RUN_ENTRY},
			{"language", 'l', "LANG", "by FILE's extension",
				RUN_LANGUAGE},
			{"memory-mb", 'm', "N", "memory budget in MiB (64)",
				SETTINGS_MEMORY_MB},
			{"timeout-ms", 0, "N", "longest run in ms (30000)",
				SETTINGS_TIMEOUT_MS},
			{"isolation", 0, "auto|mpk|software",
				"how the function is walled in",
				SETTINGS_ISOLATION},
			{"require-mpk", 0, NULL, "no MPK, no run",
				SETTINGS_REQUIRE_MPK},
			{"unsafe-native", 0, NULL,
				"native code even without MPK: no isolation!",
				SETTINGS_UNSAFE_NATIVE},
			SETTINGS_OPTIONS, {0}},
	.run = run_run,
};

/* Config ------------------------------------------------------------------- */

enum {
	CONFIG_MARKDOWN = 1
};

struct show {
	struct settings settings;
	bool markdown;
};

static int config_option(void *ctx, struct cli *cli, int id, const char *arg)
{
	struct show *s = ctx;

	if (id >= SETTINGS_CONFIG)
		return settings_option(&s->settings, cli, id, arg);
	s->markdown = true;
	return 0;
}

static void config_tenant_rows(
	struct cli *cli, struct table *t, const struct config_tenant *tenant)
{
	const char *name, *value;
	char buf[32];

	for (size_t i = 0; (value = config_tenant_value(tenant, i, &name, buf));
		i++) {
		if (!*value)
			continue;
		table_cell(t, "tenants.%s.%s", tenant->name, name);
		if (cli->output == CLI_NAME)
			continue;
		table_cell(t, "%s", value);
		table_cell(t, "%s", config_source_name(CONFIG_FILE));
	}
}

static void config_table(struct cli *cli, const struct config *cfg)
{
	static const char *const heads[] = {"KEY", "VALUE", "SOURCE"};
	struct table t;

	table_init(&t, cli->output == CLI_NAME ? NULL : heads,
		cli->output == CLI_NAME ? 1 : 3);
	for (size_t i = 0; i < config_n_keys; i++) {
		const char *value;
		char buf[16];

		table_cell(&t, "%s", config_keys[i].path);
		if (cli->output == CLI_NAME)
			continue;
		value = config_value(cfg, i, buf);
		table_cell(&t, "%s", *value ? value : "\"\"");
		table_cell(&t, "%s",
			config_source_name((enum config_source)cfg->source[i]));
	}
	for (size_t i = 0; i < cfg->n_tenants; i++)
		config_tenant_rows(cli, &t, &cfg->tenants[i]);
	(void)table_print(&t, cli->out);
	table_fini(&t);
}

static int run_config(struct cli *cli)
{
	struct show s = {0};
	struct config cfg;

	if (cli_parse(cli, config_option, &s))
		return cli->exit_code;
	if (s.markdown) {
		config_print_markdown(cli->out);
		return CLI_OK;
	}
	if (settings_load(&s.settings, cli, &cfg))
		return cli->exit_code;
	if (cli->output == CLI_JSON)
		config_print_json(&cfg, cli->out);
	else
		config_table(cli, &cfg);
	return CLI_OK;
}

const struct cli_command cmd_config = {
	.name = "config",
	.args = "",
	.help = "Show the configuration and where each value comes from",
	.more = "Examples:\n"
		"  gvisord config --config gvisord.json\n"
		"  gvisord config --markdown > docs/config.md\n",
	.flags = CLI_TAKES_OUTPUT,
	.options = (const struct cli_option[]){SETTINGS_OPTIONS,
		{"markdown", 0, NULL, "print the reference of all keys",
			CONFIG_MARKDOWN},
		{0}},
	.run = run_config,
};
