/* The program: everything is in cli_main(). */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
	int code = cli_main(argc, argv, stdout, stderr);

	/* A reply that did not fit on the disk was not printed. */
	if (fclose(stdout) != 0) {
		(void)fprintf(
			stderr, "gvisord: cannot write: %s\n", strerror(errno));
		return code ? code : CLI_REFUSED;
	}
	return code;
}
