/*
 * invoke: one call of a function of the daemon. The reply goes to stdout,
 * errors to stderr. Client process.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/remote.h"

enum {
	INVOKE_TENANT = 1,
	INVOKE_DATA,
	INVOKE_VERBOSE
};

struct invoke {
	const char *tenant;
	const char *data;
	bool verbose;
};

static int invoke_option(void *ctx, struct cli *cli, int id, const char *arg)
{
	struct invoke *v = ctx;

	(void)cli;
	if (id == INVOKE_TENANT)
		v->tenant = arg;
	else if (id == INVOKE_DATA)
		v->data = arg;
	else
		v->verbose = true;
	return 0;
}

static const struct {
	const char *header;
	const char *key;
} facts[] = {
	{"Gvisor-Invocation-Id", "invocation"},
	{"Gvisor-Start", "start"},
	{"Gvisor-Version", "version"},
	{"Server-Timing", "timing"},
};

#define N_FACTS (sizeof(facts) / sizeof(facts[0]))

static void print_facts(struct cli *cli, const struct client_response *res)
{
	for (size_t i = 0; i < N_FACTS; i++) {
		char value[256];

		if (!client_header(res, facts[i].header, value, sizeof(value)))
			continue;
		(void)fprintf(cli->err, "%s: ", facts[i].key);
		cli_print_safe(cli->err, value);
		(void)fputc('\n', cli->err);
	}
}

/* The reply and what is known about the call, as one object. */
static void print_envelope(struct cli *cli, const struct client_response *res)
{
	CLEANUP(remote_jsonp) json_t *all = json_object();
	json_t *reply = json_loadb(res->body, res->body_len,
		JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	for (size_t i = 0; i < N_FACTS; i++) {
		char value[256];

		if (client_header(res, facts[i].header, value, sizeof(value)))
			(void)json_object_set_new(
				all, facts[i].key, json_string(value));
	}
	if (!reply)
		reply = json_stringn(res->body, res->body_len);
	(void)json_object_set_new(all, "reply", reply ? reply : json_null());
	remote_print_json(all, cli->out);
}

static void print_reply(struct cli *cli, const struct client_response *res)
{
	char id[256];

	if (cli->output == CLI_JSON) {
		print_envelope(cli, res);
		return;
	}
	if (cli->output == CLI_NAME) {
		(void)client_header(res, facts[0].header, id, sizeof(id));
		cli_print_safe(cli->out, id);
		(void)fputc('\n', cli->out);
		return;
	}
	cli_print_reply(cli->out, res->body, res->body_len);
}

static int invoke_call(
	struct cli *cli, const struct cli_name *name, const struct invoke *v)
{
	AUTO_FREE char *body = NULL;
	char id[130], path[160];
	struct client_request req = {.method = "POST",
		.path = path,
		.content_type = "application/json",
		.timeout_ms = REMOTE_WAIT_INVOKE_MS};
	struct client_response res;

	if (cli_read_request(cli, cli->argc > 1 ? cli->argv[1] : NULL, v->data,
		    &body, &req.body_len))
		return cli->exit_code;
	req.body = body;
	(void)snprintf(id, sizeof(id), "%s/%s", name->tenant, name->name);
	(void)snprintf(path, sizeof(path), "/v1/functions/%s/invoke", id);
	if (remote_call(cli, id, &req, &res))
		return cli->exit_code;
	print_reply(cli, &res);
	if (v->verbose)
		print_facts(cli, &res);
	client_response_fini(&res);
	return CLI_OK;
}

static int run_invoke(struct cli *cli)
{
	struct invoke v = {0};
	struct cli_name name;

	if (cli_parse(cli, invoke_option, &v) ||
		cli_name(cli, cli->argv[0], v.tenant, &name))
		return cli->exit_code;
	return invoke_call(cli, &name, &v);
}

const struct cli_command cmd_invoke = {
	.name = "invoke",
	.args = "NAME [JSON]",
	.help = "Call a function and print its reply",
	.more = "Without a request the function gets {}. A function's error "
		"goes to stderr and\nthe exit code is 1. With -o json the "
		"reply comes in an object with the facts of\nthe call, with "
		"-o name only the invocation's id is printed.\n\n"
		"Examples:\n"
		"  gvisord invoke hello '{\"name\":\"Ada\"}'\n"
		"  gvisord invoke acme/resize -d @request.json -v\n"
		"  echo 42 | gvisord invoke square -d -\n",
	.flags = CLI_TAKES_OUTPUT | CLI_TAKES_TARGET,
	.min_args = 1,
	.max_args = 2,
	.options =
		(const struct cli_option[]){
			{"data", 'd', "@FILE|-|JSON",
				"the request: a file, stdin, or itself",
				INVOKE_DATA},
			{"tenant", 't', "TENANT", "whose function (default)",
				INVOKE_TENANT},
			{"verbose", 'v', NULL,
				"id, kind of start and times to stderr",
				INVOKE_VERBOSE},
			{0}},
	.run = run_invoke,
};
