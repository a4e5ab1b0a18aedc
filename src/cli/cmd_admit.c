/*
 * admit: would this shared object be admitted as a native function? Client
 * process, without a daemon: the file is read once, by the reader and scanner
 * of the engine. Its bytes are hostile.
 */
#include <string.h>

#include "base/cleanup.h"
#include "cli/admit_report.h"

enum {
	OPTION_ENTRY = 1,
	OPTION_SYSTEM_CALLS
};

static int admit_option(void *ctx, struct cli *cli, int id, const char *arg)
{
	struct admit_wish *wish = ctx;

	if (id == OPTION_SYSTEM_CALLS) {
		wish->system_calls = true;
		return 0;
	}
	if (*arg == '\0')
		return cli_usage_error(cli, "--entry wants a name");
	wish->entry = arg;
	return 0;
}

static int run_admit(struct cli *cli)
{
	struct admit_wish wish = {.entry = "handler"};
	CLEANUP(admit_freep) struct admit *a = NULL;
	AUTO_FREE char *bytes = NULL;
	size_t len;
	int err;

	if (cli_parse(cli, admit_option, &wish) ||
		cli_read_object(cli, cli->argv[0], &bytes, &len))
		return cli->exit_code;
	err = admit_new(bytes, len, &wish, &a);
	if (err)
		return cli_fail(cli, CLI_REFUSED, "%s", strerror(-err));
	return admit_report(cli, cli->argv[0], wish.entry, a);
}

const struct cli_command cmd_admit = {
	.name = "admit",
	.args = "FILE.so",
	.help = "Say if a shared object may run as a native function",
	.more = "Reads and scans the object as a daemon would; nothing of it "
		"is run, and no\ndaemon is asked. FILE - is standard input. "
		"Exit code 0: admitted; 1: refused,\nwith every reason; 2: "
		"wrong usage, or the file can't be read. -o name prints\nthe "
		"reasons' names.\n\n"
		"Examples:\n"
		"  gcc -O2 -shared -fPIC -nostdlib -o hello.so hello.c\n"
		"  gvisord admit hello.so\n"
		"  gvisord admit hello.so --entry main_handler -o json\n",
	.flags = CLI_TAKES_OUTPUT,
	.min_args = 1,
	.max_args = 1,
	.options =
		(const struct cli_option[]){
			{"entry", 'e', "NAME", "function to look for (handler)",
				OPTION_ENTRY},
			{"allow-system-calls", 0, NULL,
				"let the bytes of system calls pass",
				OPTION_SYSTEM_CALLS},
			{0}},
	.run = run_admit,
};
