#pragma once
/*
 * The command line: a table of subcommands, each with a table of options, from
 * which parsing, help and suggestions are made.
 *
 * A command's run() first calls cli_parse() with a function that takes its own
 * options; the common ones (--help, -o, --socket, ...) are taken there, by the
 * command's flags. Client process; nothing here runs in the daemon.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes; documented in `gvisord help`. */
enum cli_exit {
	CLI_OK = 0,
	CLI_FUNCTION_ERROR = 1,
	CLI_USAGE = 2,
	CLI_UNREACHABLE = 3,
	CLI_TIMEOUT = 4,
	CLI_NOT_FOUND = 5,
	CLI_LIMITED = 6,
	CLI_REFUSED = 7,
};

enum cli_output {
	CLI_TABLE,
	CLI_JSON,
	CLI_NAME
};

enum cli_flags {
	CLI_TAKES_OUTPUT = 1, /* -o */
	CLI_TAKES_TARGET = 2, /* --socket, --url, --token-file, --wait-ms */
};

struct cli_option {
	const char *name;
	char letter;	 /* 0: none */
	const char *arg; /* what the argument is; NULL: takes none */
	const char *help;
	int id; /* handed to the option function; > 0, unique in a table */
};

struct cli;

struct cli_command {
	const char *name;
	const char *args; /* "NAME [JSON]" */
	const char *help; /* one line */
	const char *more; /* examples and remarks, whole lines */
	unsigned flags;	  /* enum cli_flags */
	size_t min_args;
	size_t max_args;
	const struct cli_option *options; /* ends with name NULL; or NULL */
	int (*run)(struct cli *cli);
};

struct cli {
	FILE *out;
	FILE *err;
	const char *socket; /* --socket; NULL: not given */
	const char *url;
	const char *token_file;
	int64_t wait_ms; /* -1: not given */
	enum cli_output output;
	const struct cli_command *command;
	int argc; /* before cli_parse(): from the command's name on; after it:
		   * the positional arguments */
	char **argv;
	int exit_code; /* on CLI_E_STOP */
};

enum cli_e {
	CLI_E_STOP = 1 /* nothing more to do: return exit_code */
};

/* One of the command's own options. 0, or cli_usage_error(). */
typedef int cli_option_fn(void *ctx, struct cli *cli, int id, const char *arg);

/* The subcommands, in the order of the help; NULL past the end. */
const struct cli_command *cli_command_at(size_t i);

/* The whole program but for main(). */
int cli_main(int argc, char **argv, FILE *out, FILE *err);

/* take may be NULL if the command has no options of its own. */
int cli_parse(struct cli *cli, cli_option_fn *take, void *ctx);
/* Prints "gvisord COMMAND: ..." and a pointer to --help; always CLI_E_STOP with
 * exit code CLI_USAGE. */
__attribute__((format(printf, 2, 3))) int cli_usage_error(
	struct cli *cli, const char *fmt, ...);
/* Prints "gvisord COMMAND: ..."; returns code. */
__attribute__((format(printf, 3, 4))) int cli_fail(
	struct cli *cli, int code, const char *fmt, ...);
/* An option's number, 1..max. 0 or CLI_E_STOP. */
int cli_number(struct cli *cli, const char *option, const char *text,
	uint32_t max, uint32_t *ret_value);

void cli_command_help(const struct cli_command *command, FILE *to);
/* By the extension of a file; NULL: unknown. */
const char *cli_language_of(const char *path);
/* Hostile text for a terminal (escape_terminal). */
void cli_print_safe(FILE *to, const char *text);
/* A function's reply, with a newline at its end: as it is into files and pipes,
 * harmless on a terminal. */
void cli_print_reply(FILE *to, const char *bytes, size_t len);

struct cli_name {
	char tenant[64];
	char name[64];
};

/* "name" or "tenant/name", checked; tenant, which may be NULL, is the one that
 * was given besides. */
int cli_name(struct cli *cli, const char *text, const char *tenant,
	struct cli_name *ret_name);

/* A file's bytes, "-" for stdin; at most 64 MiB. malloc'd. */
int cli_read_file(
	struct cli *cli, const char *path, char **ret_bytes, size_t *ret_len);
/* The same of an object, whose length is admission's to judge: of a file that
 * is larger a little more than 64 MiB. */
int cli_read_object(
	struct cli *cli, const char *path, char **ret_bytes, size_t *ret_len);
/* A request: text, or data ("@FILE", "-" or text), or "{}". Both text and data
 * may be NULL. malloc'd. */
int cli_read_request(struct cli *cli, const char *text, const char *data,
	char **ret_bytes, size_t *ret_len);

extern const struct cli_command cmd_serve;
extern const struct cli_command cmd_run;
extern const struct cli_command cmd_config;
extern const struct cli_command cmd_deploy;
extern const struct cli_command cmd_invoke;
extern const struct cli_command cmd_list;
extern const struct cli_command cmd_describe;
extern const struct cli_command cmd_remove;
extern const struct cli_command cmd_ps;
extern const struct cli_command cmd_domains;
extern const struct cli_command cmd_top;
extern const struct cli_command cmd_warm;
extern const struct cli_command cmd_admit;
extern const struct cli_command cmd_build;
extern const struct cli_command cmd_policy;
extern const struct cli_command cmd_doctor;
extern const struct cli_command cmd_version;
