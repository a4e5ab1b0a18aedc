/* warm: isolates made ready before the first call. Client process. */
#include "base/cleanup.h"
#include "cli/remote.h"

#define ISOLATES_MAX 1000000u

enum {
	WARM_TENANT = 1,
	WARM_ISOLATES
};

struct warm {
	const char *tenant;
	uint32_t isolates;
};

static int warm_option(void *ctx, struct cli *cli, int id, const char *arg)
{
	struct warm *w = ctx;

	if (id == WARM_ISOLATES)
		return cli_number(
			cli, "--isolates", arg, ISOLATES_MAX, &w->isolates);
	w->tenant = arg;
	return 0;
}

static int warm_show(
	struct cli *cli, const char *id, const struct client_response *res)
{
	CLEANUP(remote_jsonp) json_t *json = NULL;

	if (remote_object(cli, res, &json))
		return cli->exit_code;
	if (cli->output == CLI_JSON)
		remote_print_json(json, cli->out);
	else if (cli->output == CLI_NAME)
		(void)fprintf(cli->out, "%s\n", id);
	else
		(void)fprintf(cli->out, "%s: %lld isolates warm, %lld new\n",
			id, remote_number(json, "isolates"),
			remote_number(json, "made"));
	return CLI_OK;
}

static int run_warm(struct cli *cli)
{
	struct warm w = {.isolates = 1};
	char id[130], path[160], body[64];
	struct client_request req = {.method = "POST",
		.path = path,
		.content_type = "application/json",
		.body = body,
		.timeout_ms = REMOTE_WAIT_CONTROL_MS};
	struct client_response res;
	struct cli_name name;
	int r;

	if (cli_parse(cli, warm_option, &w) ||
		cli_name(cli, cli->argv[0], w.tenant, &name))
		return cli->exit_code;
	(void)snprintf(id, sizeof(id), "%s/%s", name.tenant, name.name);
	(void)snprintf(path, sizeof(path), "/v1/functions/%s/warm", id);
	req.body_len = (size_t)snprintf(
		body, sizeof(body), "{\"isolates\":%u}", w.isolates);
	if (remote_call(cli, id, &req, &res))
		return cli->exit_code;
	r = warm_show(cli, id, &res);
	client_response_fini(&res);
	return r;
}

const struct cli_command cmd_warm = {
	.name = "warm",
	.args = "NAME",
	.help = "Make isolates of a function ready before it is called",
	.more = "Makes as many as are lacking to N idle ones, on all workers. "
		"They go like any\nother when they were idle for the "
		"function's time.\n\n"
		"Example:\n  gvisord warm acme/resize -n 8\n",
	.flags = CLI_TAKES_OUTPUT | CLI_TAKES_TARGET,
	.min_args = 1,
	.max_args = 1,
	.options =
		(const struct cli_option[]){
			{"tenant", 't', "TENANT", "whose function (default)",
				WARM_TENANT},
			{"isolates", 'n', "N", "how many are to be warm (1)",
				WARM_ISOLATES},
			{0}},
	.run = run_warm,
};
