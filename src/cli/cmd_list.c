/*
 * Lists: the functions of a daemon, its isolates, and the version. Client
 * process.
 */
#include <string.h>

#include "base/cleanup.h"
#include "cli/pages.h"
#include "cli/table.h"
#include "util/strutil.h"

/* Functions ---------------------------------------------------------------- */

enum {
	LIST_TENANT = 1
};

static int list_option(void *ctx, struct cli *cli, int id, const char *arg)
{
	const char **tenant = ctx;

	(void)id;
	if (!str_is_name(slice_of(arg)))
		return cli_usage_error(cli, "\"%s\" is no tenant name", arg);
	*tenant = arg;
	return 0;
}

static void list_row(struct table *t, const json_t *f)
{
	const json_t *isolates = json_object_get(f, "isolates");
	const json_t *stats = json_object_get(f, "stats");

	table_cell(
		t, "%s/%s", remote_text(f, "tenant"), remote_text(f, "name"));
	table_cell(t, "%s", remote_text(f, "language"));
	table_cell(t, "%lld", remote_number(f, "version"));
	table_cell(t, "%lld MiB", remote_number(f, "memory_mb"));
	table_cell(t, "%lld ms", remote_number(f, "timeout_ms"));
	table_cell(t, "%lld", remote_number(isolates, "idle"));
	table_cell(t, "%lld", remote_number(isolates, "busy"));
	table_cell(t, "%lld", remote_number(stats, "calls"));
	table_cell(t, "%lld", remote_number(stats, "errors"));
}

static void list_show(struct cli *cli, const json_t *all)
{
	static const char *const heads[] = {"NAME", "LANGUAGE", ">VERSION",
		">MEMORY", ">TIMEOUT", ">IDLE", ">BUSY", ">CALLS", ">ERRORS"};
	struct table t;
	size_t i;
	json_t *f;

	table_init(&t, cli->output == CLI_NAME ? NULL : heads,
		cli->output == CLI_NAME ? 1 : 9);
	json_array_foreach(all, i, f)
	{
		if (cli->output == CLI_NAME)
			table_cell(&t, "%s/%s", remote_text(f, "tenant"),
				remote_text(f, "name"));
		else
			list_row(&t, f);
	}
	(void)table_print(&t, cli->out);
	table_fini(&t);
}

static int run_list(struct cli *cli)
{
	CLEANUP(remote_jsonp) json_t *all = NULL;
	const char *tenant = "";
	char path[128];

	if (cli_parse(cli, list_option, &tenant))
		return cli->exit_code;
	(void)snprintf(path, sizeof(path), "/v1/functions%s%s",
		*tenant ? "/" : "", tenant);
	if (pages_get(cli, path, "functions", &all, NULL))
		return cli->exit_code;
	if (cli->output == CLI_JSON)
		remote_print_json(all, cli->out);
	else
		list_show(cli, all);
	return CLI_OK;
}

const struct cli_command cmd_list = {
	.name = "list",
	.args = "",
	.help = "List the functions",
	.more = "With -o json the answer is one array, whatever the number.\n\n"
		"Examples:\n"
		"  gvisord list\n"
		"  gvisord list --tenant acme -o name\n",
	.flags = CLI_TAKES_OUTPUT | CLI_TAKES_TARGET,
	.options = (const struct cli_option[]){{"tenant", 't', "TENANT",
						       "only these functions",
						       LIST_TENANT},
		{0}},
	.run = run_list,
};

/* Isolates ----------------------------------------------------------------- */

static void ps_row(struct table *t, const json_t *iso)
{
	const json_t *key = json_object_get(iso, "key");
	const json_t *age = json_object_get(iso, "age_s");

	table_cell(t, "%lld", remote_number(iso, "id"));
	table_cell(t, "%s", remote_text(iso, "function"));
	table_cell(t, "%s", remote_text(iso, "state"));
	if (json_is_integer(key))
		table_cell(t, "%lld", json_integer_value(key));
	else
		table_cell(t, "-");
	table_cell(t, "%lld KiB", remote_number(iso, "heap_used") / 1024);
	table_cell(t, "%lld KiB", remote_number(iso, "heap_peak") / 1024);
	table_cell(t, "%.1f s", json_number_value(age));
	table_cell(t, "%lld", remote_number(iso, "calls"));
	table_cell(t, "%lld", remote_number(iso, "worker"));
}

static void ps_show(struct cli *cli, const json_t *list)
{
	static const char *const heads[] = {">ID", "FUNCTION", "STATE", ">KEY",
		">HEAP", ">PEAK", ">AGE", ">CALLS", ">WORKER"};
	struct table t;
	size_t i;
	json_t *iso;

	table_init(&t, cli->output == CLI_NAME ? NULL : heads,
		cli->output == CLI_NAME ? 1 : 9);
	json_array_foreach(list, i, iso)
	{
		if (cli->output == CLI_NAME)
			table_cell(&t, "%lld", remote_number(iso, "id"));
		else
			ps_row(&t, iso);
	}
	(void)table_print(&t, cli->out);
	table_fini(&t);
}

static int run_ps(struct cli *cli)
{
	CLEANUP(remote_jsonp) json_t *all = NULL;
	CLEANUP(remote_jsonp) json_t *json = NULL;
	json_int_t total;

	if (cli_parse(cli, NULL, NULL) ||
		pages_get(cli, "/v1/isolates", "isolates", &all, &total))
		return cli->exit_code;
	json = json_pack("{s:I, s:O}", "total", total, "isolates", all);
	if (cli->output == CLI_JSON)
		remote_print_json(json, cli->out);
	else
		ps_show(cli, all);
	return CLI_OK;
}

const struct cli_command cmd_ps = {
	.name = "ps",
	.args = "",
	.help = "List the isolates that are alive",
	.more = "KEY is the hardware protection key an isolate holds; \"-\": "
		"none at the moment.\n\n"
		"Example:\n  gvisord ps\n",
	.flags = CLI_TAKES_OUTPUT | CLI_TAKES_TARGET,
	.run = run_ps,
};

/* Version ------------------------------------------------------------------ */

enum {
	VERSION_DAEMON = 1
};

static int version_option(void *ctx, struct cli *cli, int id, const char *arg)
{
	bool *daemon = ctx;

	(void)cli;
	(void)id;
	(void)arg;
	*daemon = true;
	return 0;
}

static void version_print(struct cli *cli, const json_t *info)
{
	CLEANUP(remote_jsonp)
	json_t *all =
		json_pack("{s:s, s:O?}", "version", GV_VERSION, "daemon", info);

	if (cli->output == CLI_JSON) {
		remote_print_json(all, cli->out);
		return;
	}
	(void)fputs("gvisord " GV_VERSION "\n", cli->out);
	if (info && cli->output == CLI_TABLE) {
		(void)fputs("\ndaemon:\n", cli->out);
		remote_print_members(info, cli->out);
	}
}

static int run_version(struct cli *cli)
{
	CLEANUP(remote_jsonp) json_t *info = NULL;
	bool daemon = false;

	if (cli_parse(cli, version_option, &daemon))
		return cli->exit_code;
	if (daemon && remote_get(cli, "", "/v1/info", &info))
		return cli->exit_code;
	version_print(cli, info);
	return CLI_OK;
}

const struct cli_command cmd_version = {
	.name = "version",
	.args = "",
	.help = "Show the version, with --daemon the running daemon's too",
	.more = "Example:\n  gvisord version --daemon\n",
	.flags = CLI_TAKES_OUTPUT | CLI_TAKES_TARGET,
	.options = (const struct cli_option[]){{"daemon", 'd', NULL,
						       "ask the daemon as well",
						       VERSION_DAEMON},
		{0}},
	.run = run_version,
};
