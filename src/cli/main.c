/* The program: which engines it has; all else is in cli_main(). */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "engine/engine.h"

int main(int argc, char **argv)
{
	static const struct engine *const engines[] = {&engine_lua, NULL};
	int code;

	engines_set(engines);
	code = cli_main(argc, argv, stdout, stderr);

	/* A reply that did not fit on the disk was not printed. */
	if (fclose(stdout) != 0) {
		(void)fprintf(
			stderr, "gvisord: cannot write: %s\n", strerror(errno));
		return code ? code : CLI_REFUSED;
	}
	return code;
}
