/*
 * policy: the system call policies as the daemon loads them, read from the
 * same tables. Client process; nothing is installed.
 */
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "cli/remote.h"
#include "cli/table.h"
#include "sandbox/policy.h"
#include "util/strutil.h"

#define TEXT_SIZE 96

/* All conditions of a row: "arg0 == cookie and arg1 == 1"; "-": always. */
static void conds_text(const struct policy_row *row, char *text, size_t size)
{
	char one[TEXT_SIZE];

	(void)snprintf(text, size, "%s", row->n_conds ? "" : "-");
	for (unsigned i = 0; i < row->n_conds; i++) {
		size_t len = strlen(text);

		(void)snprintf(text + len, size - len, "%s%s", i ? " and " : "",
			policy_cond_text(&row->conds[i], one, sizeof(one)));
	}
}

static void print_policy(const struct policy *p, FILE *to)
{
	static const char *const heads[] = {"CALL", "VERDICT", "IF", "WHY"};
	char conds[4 * TEXT_SIZE], act[TEXT_SIZE];
	struct table t;

	(void)fprintf(to, "%s: %s\n", p->name, p->about);
	table_init(&t, heads, 4);
	for (size_t i = 0; i < p->n_rows; i++) {
		conds_text(&p->rows[i], conds, sizeof(conds));
		table_cell(&t, "%s", p->rows[i].name);
		table_cell(&t, "%s",
			policy_act_text(p->rows[i].act, act, sizeof(act)));
		table_cell(&t, "%s", conds);
		table_cell(&t, "%s", policy_why(p, i));
	}
	table_cell(&t, "any other");
	table_cell(&t, "%s", policy_act_text(p->otherwise, act, sizeof(act)));
	table_cell(&t, "-");
	table_cell(&t, "what is not listed is not made");
	(void)table_print(&t, to);
	table_fini(&t);
}

static json_t *policy_json(const struct policy *p)
{
	char conds[4 * TEXT_SIZE], act[TEXT_SIZE];
	json_t *rows = json_array();

	for (size_t i = 0; i < p->n_rows; i++) {
		conds_text(&p->rows[i], conds, sizeof(conds));
		(void)json_array_append_new(
			rows, json_pack("{s:s, s:i, s:s, s:s, s:s}", "call",
				      p->rows[i].name, "number", p->rows[i].nr,
				      "verdict",
				      policy_act_text(
					      p->rows[i].act, act, sizeof(act)),
				      "if", conds, "why", policy_why(p, i)));
	}
	return json_pack("{s:s, s:s, s:s, s:o}", "name", p->name, "about",
		p->about, "otherwise",
		policy_act_text(p->otherwise, act, sizeof(act)), "rows", rows);
}

static void show_one(struct cli *cli, const struct policy *p, bool more)
{
	if (cli->output == CLI_NAME) {
		(void)fprintf(cli->out, "%s\n", p->name);
		return;
	}
	print_policy(p, cli->out);
	if (more)
		(void)fputc('\n', cli->out);
}

static void show(struct cli *cli, const struct policy *only)
{
	CLEANUP(remote_jsonp) json_t *all = json_array();
	const struct policy *p;

	for (size_t i = 0; (p = policy_at(i)); i++) {
		if (only && p != only)
			continue;
		if (cli->output == CLI_JSON)
			(void)json_array_append_new(all, policy_json(p));
		else
			show_one(cli, p, !only && policy_at(i + 1));
	}
	if (cli->output == CLI_JSON)
		remote_print_json(all, cli->out);
}

static int unknown_policy(struct cli *cli, const char *name)
{
	const char *names[16];
	const char *near;
	size_t n = 0;

	for (; n < 16 && policy_at(n); n++)
		names[n] = policy_at(n)->name;
	near = str_nearest(slice_of(name), names, n);
	(void)cli_usage_error(cli, "no policy \"%s\"; %s \"%s\"%s", name,
		near ? "did you mean" : "the first is", near ? near : names[0],
		near ? "?" : "");
	return CLI_NOT_FOUND;
}

static int run_policy(struct cli *cli)
{
	const struct policy *only = NULL;

	if (cli_parse(cli, NULL, NULL))
		return cli->exit_code;
	if (cli->argc > 0) {
		only = policy_find(cli->argv[0]);
		if (!only)
			return unknown_policy(cli, cli->argv[0]);
	}
	show(cli, only);
	return CLI_OK;
}

const struct cli_command cmd_policy = {
	.name = "policy",
	.args = "[NAME]",
	.help = "Show the system call policies of the sandbox",
	.more = "A call must pass every policy its thread is under.\n\n"
		"Examples:\n"
		"  gvisord policy\n"
		"  gvisord policy worker -o json\n",
	.flags = CLI_TAKES_OUTPUT,
	.max_args = 1,
	.run = run_policy,
};
