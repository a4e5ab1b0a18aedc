/*
 * Dispatch: options before the subcommand, the subcommand by name, and the
 * help that lists them. Client process (the daemon starts from here as well,
 * by the command serve).
 */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

#include "util/strutil.h"

static int run_help(struct cli *cli);

static const struct cli_command cmd_help = {
	.name = "help",
	.args = "[COMMAND]",
	.help = "Show the help of a command, or this list",
	.more = "Example:\n  gvisord help deploy\n",
	.max_args = 1,
	.run = run_help,
};

static const struct cli_command *const commands[] = {
	&cmd_serve,
	&cmd_run,
	&cmd_deploy,
	&cmd_invoke,
	&cmd_list,
	&cmd_describe,
	&cmd_remove,
	&cmd_warm,
	&cmd_ps,
	&cmd_domains,
	&cmd_top,
	&cmd_build,
	&cmd_admit,
	&cmd_doctor,
	&cmd_policy,
	&cmd_config,
	&cmd_version,
	&cmd_help,
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

const struct cli_command *cli_command_at(size_t i)
{
	return i < N_COMMANDS ? commands[i] : NULL;
}

static const char outro[] =
	"\n"
	"Before COMMAND or behind it: --socket PATH ($GVISORD_SOCKET) or\n"
	"--url http://127.0.0.1:PORT says where the daemon is.\n"
	"A NAME is FUNCTION or TENANT/FUNCTION; the tenant is \"default\" if\n"
	"none is given.\n"
	"\n"
	"Exit codes:\n"
	"  0 ok                     4 timeout\n"
	"  1 the function failed    5 not found\n"
	"  2 wrong usage            6 over a limit, try again later\n"
	"  3 daemon not reachable   7 refused for another reason\n"
	"\n"
	"Try it without a daemon:\n"
	"  echo 'return function(event) return {hi = event.name} end' "
	"> hi.lua\n"
	"  gvisord run hi.lua '{\"name\":\"Ada\"}'\n";

static void print_overview(FILE *to)
{
	(void)fputs("gvisord " GV_VERSION
		    ": serverless functions, isolated in one process\n\n"
		    "Usage: gvisord COMMAND [OPTION]... [ARGUMENT]...\n\n",
		to);
	for (size_t i = 0; i < N_COMMANDS; i++)
		(void)fprintf(to, "  %-9s %s\n", commands[i]->name,
			commands[i]->help);
	(void)fputs(outro, to);
}

static const struct cli_command *command_find(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	}
	return NULL;
}

static int unknown_command(struct cli *cli, const char *name)
{
	const char *names[N_COMMANDS];
	const char *near;

	cli->command = NULL;
	for (size_t i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i]->name;
	near = str_nearest(slice_of(name), names, N_COMMANDS);
	if (near)
		(void)cli_usage_error(cli,
			"unknown command \"%s\"; did you mean \"%s\"?", name,
			near);
	else
		(void)cli_usage_error(cli, "unknown command \"%s\"", name);
	return CLI_USAGE;
}

static int run_help(struct cli *cli)
{
	const struct cli_command *command;

	if (cli_parse(cli, NULL, NULL))
		return cli->exit_code;
	if (cli->argc == 0) {
		print_overview(cli->out);
		return CLI_OK;
	}
	command = command_find(cli->argv[0]);
	if (!command)
		return unknown_command(cli, cli->argv[0]);
	cli_command_help(command, cli->out);
	return CLI_OK;
}

/* Options before the command; the rest of the words is the command's. */

enum {
	LEAD_SOCKET = 1,
	LEAD_URL,
	LEAD_HELP,
	LEAD_VERSION
};

static const struct {
	const char *name;
	int id;
	bool has_arg;
} leads[] = {
	{"--socket", LEAD_SOCKET, true},
	{"--url", LEAD_URL, true},
	{"--help", LEAD_HELP, false},
	{"-h", LEAD_HELP, false},
	{"--version", LEAD_VERSION, false},
	{"-V", LEAD_VERSION, false},
};

/* Takes one word, or two; *ret_words says which. */
static int lead_match(struct cli *cli, const char **ret_arg, int *ret_words)
{
	const char *word = cli->argv[0];

	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		size_t n = strlen(leads[i].name);

		if (strncmp(word, leads[i].name, n) != 0)
			continue;
		*ret_words = 1;
		if (word[n] == '\0' && !leads[i].has_arg)
			return leads[i].id;
		if (word[n] == '=' && leads[i].has_arg) {
			*ret_arg = word + n + 1;
			return leads[i].id;
		}
		if (word[n] == '\0' && cli->argc > 1) {
			*ret_arg = cli->argv[1];
			*ret_words = 2;
			return leads[i].id;
		}
		if (word[n] == '\0') {
			(void)cli_usage_error(
				cli, "%s wants an argument", word);
			return 0;
		}
	}
	(void)cli_usage_error(cli,
		"unknown option %s before the command; options of a command "
		"stand behind it",
		word);
	return 0;
}

/* False: nothing to run, exit_code is set. */
static bool take_leads(struct cli *cli)
{
	while (cli->argc > 0 && cli->argv[0][0] == '-') {
		const char *arg = NULL;
		int words = 1;

		switch (lead_match(cli, &arg, &words)) {
		case LEAD_SOCKET:
			cli->socket = arg;
			break;
		case LEAD_URL:
			cli->url = arg;
			break;
		case LEAD_HELP:
			print_overview(cli->out);
			return false;
		case LEAD_VERSION:
			(void)fputs("gvisord " GV_VERSION "\n", cli->out);
			return false;
		default:
			return false;
		}
		cli->argc -= words;
		cli->argv += words;
	}
	return true;
}

int cli_main(int argc, char **argv, FILE *out, FILE *err)
{
	struct cli cli = {.out = out,
		.err = err,
		.wait_ms = -1,
		.argc = argc > 0 ? argc - 1 : 0,
		.argv = argv + 1};

	if (!take_leads(&cli))
		return cli.exit_code;
	if (cli.argc == 0) {
		print_overview(err);
		return CLI_USAGE;
	}
	cli.command = command_find(cli.argv[0]);
	if (!cli.command)
		return unknown_command(&cli, cli.argv[0]);
	return cli.command->run(&cli);
}
