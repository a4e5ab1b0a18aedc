/*
 * Options: from a command's table to getopt_long and to help text.
 *
 * getopt's own messages are off; ours name the nearest known option. The
 * common options live in tables of the same kind, so that help, parsing and
 * suggestions see one list. Client process.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/cli.h"
#include "util/strutil.h"

#define OPTIONS_MAX 32
#define WAIT_MS_MAX 86400000u

enum {
	OPT_HELP = 1000,
	OPT_OUTPUT,
	OPT_SOCKET,
	OPT_URL,
	OPT_TOKEN_FILE,
	OPT_WAIT_MS
};

static const struct cli_option help_options[] = {
	{"help", 'h', NULL, "show this help", OPT_HELP}, {0}};
static const struct cli_option output_options[] = {
	{"output", 'o', "table|json|name", "how to print (table)", OPT_OUTPUT},
	{0}};
static const struct cli_option target_options[] = {
	{"socket", 0, "PATH", "the daemon's Unix socket ($GVISORD_SOCKET)",
		OPT_SOCKET},
	{"url", 0, "URL", "the daemon over TCP, http://127.0.0.1:PORT",
		OPT_URL},
	{"token-file", 0, "FILE", "admin token for --url", OPT_TOKEN_FILE},
	{"wait-ms", 0, "N", "give up on the daemon after N ms", OPT_WAIT_MS},
	{0}};

/* All options of one command, and the forms getopt_long wants. */
struct options {
	size_t n;
	const struct cli_option *at[OPTIONS_MAX];
	struct option longs[OPTIONS_MAX + 1];
	char shorts[2 * OPTIONS_MAX + 3];
};

static void options_add(struct options *o, const struct cli_option *table)
{
	for (; table && table->name; table++) {
		char *s = o->shorts + strlen(o->shorts);

		CHECK(o->n < OPTIONS_MAX);
		o->at[o->n] = table;
		o->longs[o->n] = (struct option){.name = table->name,
			.has_arg = table->arg ? required_argument : no_argument,
			.val = table->id};
		o->n++;
		if (!table->letter)
			continue;
		*s++ = table->letter;
		if (table->arg)
			*s++ = ':';
		*s = '\0';
	}
}

static void options_init(struct options *o, const struct cli_command *command)
{
	memset(o, 0, sizeof(*o));
	/* ':' makes a missing argument a case of its own. */
	strcpy(o->shorts, ":");
	options_add(o, command->options);
	if (command->flags & CLI_TAKES_OUTPUT)
		options_add(o, output_options);
	if (command->flags & CLI_TAKES_TARGET)
		options_add(o, target_options);
	options_add(o, help_options);
}

/* Messages ----------------------------------------------------------------- */

__attribute__((format(printf, 2, 0))) static void say(
	struct cli *cli, const char *fmt, va_list ap)
{
	bool sub = cli->command && cli->command->name;

	(void)fprintf(cli->err, "gvisord%s%s: ", sub ? " " : "",
		sub ? cli->command->name : "");
	(void)vfprintf(cli->err, fmt, ap);
	(void)fputc('\n', cli->err);
}

int cli_usage_error(struct cli *cli, const char *fmt, ...)
{
	bool sub = cli->command && cli->command->name;
	va_list ap;

	va_start(ap, fmt);
	say(cli, fmt, ap);
	va_end(ap);
	(void)fprintf(cli->err, "Try: gvisord %s%s--help\n",
		sub ? cli->command->name : "", sub ? " " : "");
	cli->exit_code = CLI_USAGE;
	return CLI_E_STOP;
}

int cli_fail(struct cli *cli, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(cli, fmt, ap);
	va_end(ap);
	return code;
}

/* "-m" or "--memory" of getopt's '?' and ':'. */
static const char *culprit(char **argv, const struct options *o, char buf[4])
{
	/* For long options optopt is 0 (unknown) or the id. */
	if (optopt == 0)
		return argv[optind - 1];
	for (size_t i = 0; i < o->n; i++) {
		if (o->at[i]->id == optopt)
			return argv[optind - 1];
	}
	(void)snprintf(buf, 4, "-%c", optopt);
	return buf;
}

static int unknown_option(
	struct cli *cli, const char *name, const struct options *o)
{
	const char *names[OPTIONS_MAX];
	struct slice typed;
	const char *near;

	if (strncmp(name, "--", 2) != 0)
		return cli_usage_error(cli, "unknown option %s", name);
	typed = (struct slice){name + 2, strcspn(name + 2, "=")};
	for (size_t i = 0; i < o->n; i++) {
		names[i] = o->at[i]->name;
		if (slice_is(typed, names[i]))
			return cli_usage_error(
				cli, "--%s takes no value", names[i]);
	}
	near = str_nearest(typed, names, o->n);
	if (near)
		return cli_usage_error(cli,
			"unknown option %s; did you mean --%s?", name, near);
	return cli_usage_error(cli, "unknown option %s", name);
}

/* Parsing ------------------------------------------------------------------ */

int cli_number(struct cli *cli, const char *option, const char *text,
	uint32_t max, uint32_t *ret_value)
{
	uint64_t v;

	if (!str_parse_u64(slice_of(text), 1, max, &v))
		return cli_usage_error(cli,
			"%s wants a whole number from 1 to %u, not \"%s\"",
			option, max, text);
	*ret_value = (uint32_t)v;
	return 0;
}

static int take_output(struct cli *cli, const char *arg)
{
	static const char *const names[] = {[CLI_TABLE] = "table",
		[CLI_JSON] = "json",
		[CLI_NAME] = "name"};

	for (int i = 0; i < 3; i++) {
		if (strcmp(arg, names[i]) == 0) {
			cli->output = (enum cli_output)i;
			return 0;
		}
	}
	return cli_usage_error(
		cli, "-o is one of table, json, name, not \"%s\"", arg);
}

static int take_common(struct cli *cli, int id, const char *arg)
{
	uint32_t ms;
	int r;

	switch (id) {
	case OPT_HELP:
		cli_command_help(cli->command, cli->out);
		cli->exit_code = CLI_OK;
		return CLI_E_STOP;
	case OPT_OUTPUT:
		return take_output(cli, arg);
	case OPT_SOCKET:
		cli->socket = arg;
		return 0;
	case OPT_URL:
		cli->url = arg;
		return 0;
	case OPT_TOKEN_FILE:
		cli->token_file = arg;
		return 0;
	case OPT_WAIT_MS:
		r = cli_number(cli, "--wait-ms", arg, WAIT_MS_MAX, &ms);
		if (r == 0)
			cli->wait_ms = ms;
		return r;
	default:
		CHECK(!"a common option");
		return CLI_E_STOP;
	}
}

/* A letter's id; ids of long options come from getopt as they are. */
static int id_of(const struct options *o, int c)
{
	for (size_t i = 0; i < o->n; i++) {
		if (o->at[i]->letter && o->at[i]->letter == c)
			return o->at[i]->id;
	}
	return c;
}

static int check_count(struct cli *cli)
{
	const struct cli_command *c = cli->command;

	if ((size_t)cli->argc < c->min_args)
		return cli_usage_error(cli,
			"too few arguments; usage: gvisord %s%s%s", c->name,
			c->args[0] ? " " : "", c->args);
	if ((size_t)cli->argc > c->max_args)
		return cli_usage_error(cli,
			"one argument too many: \"%s\"; usage: gvisord %s%s%s",
			cli->argv[c->max_args], c->name, c->args[0] ? " " : "",
			c->args);
	return 0;
}

int cli_parse(struct cli *cli, cli_option_fn *take, void *ctx)
{
	struct options o;
	int c, r = 0;

	options_init(&o, cli->command);
	optind = 0; /* glibc: forget the scan before this one */
	opterr = 0;
	while (r == 0 && (c = getopt_long(cli->argc, cli->argv, o.shorts,
				  o.longs, NULL)) != -1) {
		char buf[4];

		c = id_of(&o, c);
		if (c == '?')
			r = unknown_option(
				cli, culprit(cli->argv, &o, buf), &o);
		else if (c == ':')
			r = cli_usage_error(cli, "%s wants an argument",
				culprit(cli->argv, &o, buf));
		else if (c >= OPT_HELP)
			r = take_common(cli, c, optarg);
		else
			r = take(ctx, cli, c, optarg);
	}
	if (r)
		return r;
	cli->argc -= optind;
	cli->argv += optind;
	return check_count(cli);
}

/* Help --------------------------------------------------------------------- */

static void print_option(const struct cli_option *option, FILE *to)
{
	char left[48], letter[4] = "   ";

	if (option->letter)
		(void)snprintf(letter, sizeof(letter), "-%c,", option->letter);
	(void)snprintf(left, sizeof(left), "%s --%s%s%s", letter, option->name,
		option->arg ? " " : "", option->arg ? option->arg : "");
	(void)fprintf(to, "  %-30s %s\n", left, option->help);
}

void cli_command_help(const struct cli_command *command, FILE *to)
{
	struct options o;

	options_init(&o, command);
	(void)fprintf(to,
		"Usage: gvisord %s [OPTION]...%s%s\n\n%s.\n\nOptions:\n",
		command->name, *command->args ? " " : "", command->args,
		command->help);
	for (size_t i = 0; i < o.n; i++)
		print_option(o.at[i], to);
	(void)fprintf(to, "\n%s", command->more);
}
