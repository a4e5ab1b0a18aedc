/*
 * What a user does with functions as such: deploy, describe, remove. Client
 * process.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/remote.h"
#include "core/arena.h"
#include "util/gbuf.h"
#include "util/strutil.h"

#define MEMORY_MB_MAX ((uint32_t)(ARENA_BIG_BYTES >> 20))
#define MS_MAX 86400000u
#define CALLS_MAX 1000000u
#define CONTEXTS_MAX 16u

/* Deploy ------------------------------------------------------------------- */

enum {
	DEPLOY_TENANT = 1,
	DEPLOY_ENTRY,
	DEPLOY_MEMORY_MB,
	DEPLOY_TIMEOUT_MS,
	DEPLOY_IDLE_TTL_MS,
	DEPLOY_LANGUAGE,
	DEPLOY_CPU_MS,
	DEPLOY_CONCURRENCY,
	DEPLOY_RATE,
	DEPLOY_CONTEXTS
};

/* 0 and NULL: left to the daemon. */
struct deploy {
	const char *tenant;
	const char *entry;
	const char *language;
	uint32_t memory_mb;
	uint32_t timeout_ms;
	/* Texts: 0 is a value of its own. */
	const char *idle_ttl_ms;
	const char *cpu_ms;
	const char *max_concurrency;
	const char *max_rate;
	const char *contexts;
};

static const struct {
	const char *extension;
	const char *language;
	const char *media_type;
} languages[] = {
	{".lua", "lua", "text/x-lua"},
	{".so", "native", "application/x-sharedlib"},
};

#define N_LANGUAGES (sizeof(languages) / sizeof(languages[0]))

/* A number that may be 0, kept as a text. */
static int number_or_0(struct cli *cli, const char *option, const char *text,
	uint32_t max, const char **ret_text)
{
	uint64_t v;

	*ret_text = text;
	if (str_parse_u64(slice_of(text), 0, max, &v))
		return 0;
	return cli_usage_error(cli,
		"%s wants a whole number from 0 to %u, not \"%s\"", option, max,
		text);
}

static int deploy_option(void *ctx, struct cli *cli, int id, const char *arg)
{
	struct deploy *d = ctx;

	switch (id) {
	case DEPLOY_TENANT:
		d->tenant = arg;
		return 0;
	case DEPLOY_ENTRY:
		d->entry = arg;
		return 0;
	case DEPLOY_LANGUAGE:
		d->language = arg;
		return 0;
	case DEPLOY_MEMORY_MB:
		return cli_number(
			cli, "--memory-mb", arg, MEMORY_MB_MAX, &d->memory_mb);
	case DEPLOY_IDLE_TTL_MS:
		d->idle_ttl_ms = arg;
		return strcmp(arg, "-1") == 0
			       ? 0
			       : number_or_0(cli, "--idle-ttl-ms", arg, MS_MAX,
					 &d->idle_ttl_ms);
	case DEPLOY_CPU_MS:
		return number_or_0(cli, "--cpu-ms", arg, MS_MAX, &d->cpu_ms);
	case DEPLOY_CONCURRENCY:
		return number_or_0(cli, "--max-concurrency", arg, CALLS_MAX,
			&d->max_concurrency);
	case DEPLOY_RATE:
		return number_or_0(
			cli, "--max-rate", arg, CALLS_MAX, &d->max_rate);
	case DEPLOY_CONTEXTS:
		return number_or_0(
			cli, "--contexts", arg, CONTEXTS_MAX, &d->contexts);
	default:
		return cli_number(
			cli, "--timeout-ms", arg, MS_MAX, &d->timeout_ms);
	}
}

static const char *extension_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(slash ? slash : path, '.');

	return dot ? dot : "";
}

const char *cli_language_of(const char *path)
{
	for (size_t i = 0; i < N_LANGUAGES; i++) {
		if (strcmp(extension_of(path), languages[i].extension) == 0)
			return languages[i].language;
	}
	return NULL;
}

static const char *media_type_of(const char *language)
{
	for (size_t i = 0; i < N_LANGUAGES; i++) {
		if (strcmp(language, languages[i].language) == 0)
			return languages[i].media_type;
	}
	return "application/octet-stream";
}

/* "dir/Hello.lua" -> "hello"; if that is no name, cli_name() will say so. */
static void name_of_file(const char *path, char ret_name[80])
{
	const char *slash = strrchr(path, '/');
	size_t len, i;

	path = slash ? slash + 1 : path;
	len = strlen(path) - strlen(extension_of(path));
	for (i = 0; i < len && i < 79; i++)
		ret_name[i] = str_lower(path[i]);
	ret_name[i] = '\0';
}

static void add_encoded(struct buf *to, const char *key, const char *value)
{
	buf_addf(to, "&%s=", key);
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			(c >= 'A' && c <= 'Z') || strchr("-._~", c))
			buf_add_char(to, (char)c);
		else
			buf_addf(to, "%%%02X", c);
	}
}

static void deploy_path(
	struct buf *to, const struct cli_name *name, const struct deploy *d)
{
	buf_addf(to, "/v1/functions/%s/%s?language=%s", name->tenant,
		name->name, d->language);
	if (d->entry)
		add_encoded(to, "entry", d->entry);
	if (d->memory_mb)
		buf_addf(to, "&memory_mb=%u", d->memory_mb);
	if (d->timeout_ms)
		buf_addf(to, "&timeout_ms=%u", d->timeout_ms);
	if (d->idle_ttl_ms)
		buf_addf(to, "&idle_ttl_ms=%.20s", d->idle_ttl_ms);
	if (d->cpu_ms)
		buf_addf(to, "&cpu_ms=%.20s", d->cpu_ms);
	if (d->max_concurrency)
		buf_addf(to, "&max_concurrency=%.20s", d->max_concurrency);
	if (d->max_rate)
		buf_addf(to, "&max_rate=%.20s", d->max_rate);
	if (d->contexts)
		buf_addf(to, "&contexts=%.20s", d->contexts);
	(void)buf_cstr(to);
}

static int deploy_show(struct cli *cli, const struct cli_name *name,
	const struct client_response *res)
{
	CLEANUP(remote_jsonp) json_t *json = NULL;
	int r = remote_object(cli, res, &json);

	if (r)
		return cli->exit_code;
	if (cli->output == CLI_JSON) {
		remote_print_json(json, cli->out);
		return CLI_OK;
	}
	if (cli->output == CLI_NAME) {
		(void)fprintf(cli->out, "%s/%s\n", name->tenant, name->name);
		return CLI_OK;
	}
	(void)fprintf(cli->out, "%s %s/%s\n",
		res->status == 201				  ? "deployed"
		: json_is_true(json_object_get(json, "replaced")) ? "replaced"
								  : "unchanged",
		name->tenant, name->name);
	remote_print_members(json, cli->out);
	return CLI_OK;
}

static int deploy_send(struct cli *cli, const struct cli_name *name,
	const char *path, const struct deploy *d)
{
	AUTO_FREE char *code = NULL;
	struct client_request req = {.method = "PUT",
		.path = path,
		.content_type = media_type_of(d->language),
		.timeout_ms = REMOTE_WAIT_CONTROL_MS};
	struct client_response res;
	char about[130];
	int r = cli_read_file(cli, cli->argv[0], &code, &req.body_len);

	if (r)
		return cli->exit_code;
	req.body = code;
	(void)snprintf(about, sizeof(about), "%s/%s", name->tenant, name->name);
	if (remote_call(cli, about, &req, &res))
		return cli->exit_code;
	r = deploy_show(cli, name, &res);
	client_response_fini(&res);
	return r;
}

static int deploy_language(struct cli *cli, struct deploy *d)
{
	if (!d->language)
		d->language = cli_language_of(cli->argv[0]);
	if (!d->language)
		return cli_usage_error(cli,
			"cannot tell the language of \"%s\": give --language, "
			"for example --language lua",
			cli->argv[0]);
	if (!str_is_name(slice_of(d->language)))
		return cli_usage_error(
			cli, "\"%s\" is no language", d->language);
	return 0;
}

static int run_deploy(struct cli *cli)
{
	struct deploy d = {0};
	struct cli_name name;
	char guessed[80], path[1024];
	struct buf to;

	if (cli_parse(cli, deploy_option, &d) || deploy_language(cli, &d))
		return cli->exit_code;
	name_of_file(cli->argv[0], guessed);
	if (cli_name(cli, cli->argc > 1 ? cli->argv[1] : guessed, d.tenant,
		    &name))
		return cli->exit_code;
	buf_init(&to, path, sizeof(path));
	deploy_path(&to, &name, &d);
	if (!buf_ok(&to)) {
		(void)cli_usage_error(cli, "--entry is too long");
		return cli->exit_code;
	}
	return deploy_send(cli, &name, path, &d);
}

const struct cli_command cmd_deploy = {
	.name = "deploy",
	.args = "FILE [NAME]",
	.help = "Register a function, or replace it",
	.more = "FILE - is standard input. Without NAME the function is called "
		"like the file.\nThe daemon loads the code before it answers; "
		"if that fails, what was\nregistered before stays.\n\n"
		"Examples:\n"
		"  gvisord deploy hello.lua\n"
		"  gvisord deploy main.lua acme/resize --memory-mb 128 "
		"--timeout-ms 5000\n",
	.flags = CLI_TAKES_OUTPUT | CLI_TAKES_TARGET,
	.min_args = 1,
	.max_args = 2,
	.options =
		(const struct cli_option[]){
			{"tenant", 't', "TENANT", "whose function (default)",
				DEPLOY_TENANT},
			{"entry", 'e', "NAME", "function to call (handler)",
				DEPLOY_ENTRY},
			{"memory-mb", 'm', "N", "memory budget in MiB (64)",
				DEPLOY_MEMORY_MB},
			{"timeout-ms", 0, "N", "longest run in ms (30000)",
				DEPLOY_TIMEOUT_MS},
			{"idle-ttl-ms", 0, "N",
				"idle time allowed (10000; -1: no limit)",
				DEPLOY_IDLE_TTL_MS},
			{"cpu-ms", 0, "N", "most CPU time of a call (0: any)",
				DEPLOY_CPU_MS},
			{"max-concurrency", 0, "N",
				"calls at once (0: any number)",
				DEPLOY_CONCURRENCY},
			{"max-rate", 0, "N", "calls per second (0: any)",
				DEPLOY_RATE},
			{"contexts", 0, "N",
				"a context for each call, so many ready (0: "
				"no)",
				DEPLOY_CONTEXTS},
			{"language", 'l', "LANG", "by FILE's extension",
				DEPLOY_LANGUAGE},
			{0}},
	.run = run_deploy,
};

/* Describe, remove --------------------------------------------------------- */

enum {
	ONE_TENANT = 1
};

static int tenant_option(void *ctx, struct cli *cli, int id, const char *arg)
{
	const char **tenant = ctx;

	(void)cli;
	(void)id;
	*tenant = arg;
	return 0;
}

static const struct cli_option tenant_options[] = {
	{"tenant", 't', "TENANT", "whose function (default)", ONE_TENANT}, {0}};

/* The one NAME of the command line as "t/f" and as a path. */
static int one_name(struct cli *cli, char ret_id[130], char ret_path[160])
{
	const char *tenant = NULL;
	struct cli_name name;

	if (cli_parse(cli, tenant_option, &tenant) ||
		cli_name(cli, cli->argv[0], tenant, &name))
		return CLI_E_STOP;
	(void)snprintf(ret_id, 130, "%s/%s", name.tenant, name.name);
	(void)snprintf(ret_path, 160, "/v1/functions/%s", ret_id);
	return 0;
}

static int run_describe(struct cli *cli)
{
	CLEANUP(remote_jsonp) json_t *json = NULL;
	char id[130], path[160];

	if (one_name(cli, id, path) || remote_get(cli, id, path, &json))
		return cli->exit_code;
	if (cli->output == CLI_JSON)
		remote_print_json(json, cli->out);
	else if (cli->output == CLI_NAME)
		(void)fprintf(cli->out, "%s\n", id);
	else
		remote_print_members(json, cli->out);
	return CLI_OK;
}

const struct cli_command cmd_describe = {
	.name = "describe",
	.args = "NAME",
	.help = "Show one function: limits, version, isolates, calls",
	.more = "Example:\n  gvisord describe acme/resize -o json\n",
	.flags = CLI_TAKES_OUTPUT | CLI_TAKES_TARGET,
	.min_args = 1,
	.max_args = 1,
	.options = tenant_options,
	.run = run_describe,
};

static void removed_show(struct cli *cli, const char *id, bool draining)
{
	const char *state = draining ? "draining" : "removed";

	if (cli->output == CLI_JSON)
		(void)fprintf(cli->out,
			"{\"function\": \"%s\", \"state\": \"%s\"}\n", id,
			state);
	else if (cli->output == CLI_NAME)
		(void)fprintf(cli->out, "%s\n", id);
	else
		(void)fprintf(cli->out, "%s %s\n", state, id);
}

static int run_remove(struct cli *cli)
{
	struct client_request req = {
		.method = "DELETE", .timeout_ms = REMOTE_WAIT_CONTROL_MS};
	struct client_response res;
	char id[130], path[160];

	if (one_name(cli, id, path))
		return cli->exit_code;
	req.path = path;
	if (remote_call(cli, id, &req, &res))
		return cli->exit_code;
	removed_show(cli, id, res.status == 202);
	client_response_fini(&res);
	return CLI_OK;
}

const struct cli_command cmd_remove = {
	.name = "remove",
	.args = "NAME",
	.help = "Remove a function; running calls end in peace",
	.more = "Example:\n  gvisord remove acme/resize\n",
	.flags = CLI_TAKES_OUTPUT | CLI_TAKES_TARGET,
	.min_args = 1,
	.max_args = 1,
	.options = tenant_options,
	.run = run_remove,
};
