/* domains: the hardware keys and who has them. Client process. */
#include "base/cleanup.h"
#include "cli/remote.h"
#include "cli/table.h"

static void number_cell(struct table *t, const json_t *object, const char *key)
{
	if (object)
		table_cell(t, "%lld", remote_number(object, key));
	else
		table_cell(t, "-");
}

static void domain_row(struct table *t, const json_t *d)
{
	const json_t *owner = json_object_get(d, "owner");

	if (!json_is_object(owner))
		owner = NULL;
	number_cell(t, d, "key");
	table_cell(t, "%s", owner ? remote_text(owner, "function") : "-");
	number_cell(t, owner, "isolate");
	table_cell(t, "%s", owner ? remote_text(owner, "state") : "-");
	number_cell(t, d, "pins");
	number_cell(t, d, "hits");
	number_cell(t, d, "binds");
	number_cell(t, d, "steals");
	table_cell(t, "%lld KiB", remote_number(d, "resident_bytes") / 1024);
}

static void domains_table(struct cli *cli, const json_t *list)
{
	static const char *const heads[] = {">KEY", "OWNER", ">ISOLATE",
		"STATE", ">PINS", ">HITS", ">LENT", ">STOLEN", ">RESIDENT"};
	bool names = cli->output == CLI_NAME;
	struct table t;
	size_t i;
	json_t *d;

	table_init(&t, names ? NULL : heads, names ? 1 : 9);
	json_array_foreach(list, i, d)
	{
		if (names)
			number_cell(&t, d, "key");
		else
			domain_row(&t, d);
	}
	(void)table_print(&t, cli->out);
	table_fini(&t);
}

static void totals_show(const json_t *totals, FILE *to)
{
	double hits = (double)remote_number(totals, "hits");
	double all = hits + (double)remote_number(totals, "misses");

	(void)fprintf(to,
		"\nhits %lld (%.2f %%), misses %lld: free %lld, evict %lld\n"
		"waits %lld, %.3f s in all; pages retagged %lld\n",
		remote_number(totals, "hits"), all > 0 ? 100 * hits / all : 0.0,
		remote_number(totals, "misses"), remote_number(totals, "free"),
		remote_number(totals, "evict"), remote_number(totals, "waits"),
		json_number_value(json_object_get(totals, "wait_s")),
		remote_number(totals, "retagged_pages"));
}

static void domains_show(struct cli *cli, const json_t *json)
{
	const json_t *list = json_object_get(json, "domains");

	if (json_array_size(list) > 0) {
		domains_table(cli, list);
		if (cli->output == CLI_TABLE)
			totals_show(json_object_get(json, "totals"), cli->out);
	} else if (cli->output == CLI_TABLE) {
		(void)fputs("No hardware keys: ", cli->out);
		cli_print_safe(cli->out, remote_text(json, "isolation_reason"));
		(void)fputc('\n', cli->out);
	}
}

static int run_domains(struct cli *cli)
{
	CLEANUP(remote_jsonp) json_t *json = NULL;

	if (cli_parse(cli, NULL, NULL) ||
		remote_get(cli, "", "/v1/domains", &json))
		return cli->exit_code;
	if (cli->output == CLI_JSON)
		remote_print_json(json, cli->out);
	else
		domains_show(cli, json);
	return CLI_OK;
}

const struct cli_command cmd_domains = {
	.name = "domains",
	.args = "",
	.help = "List the hardware keys and the isolates that hold them",
	.more = "HITS counts the calls whose isolate held the key already, "
		"LENT the isolates\nit was given to, STOLEN how often it was "
		"an idle one's; an isolate with PINS\nis running.\n\n"
		"Example:\n  gvisord domains\n",
	.flags = CLI_TAKES_OUTPUT | CLI_TAKES_TARGET,
	.run = run_domains,
};
