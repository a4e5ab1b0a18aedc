/* The program: which engines it has; all else is in cli_main(). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "engine/engine.h"

/* Where one of 0, 1, 2 is closed, a ring or a client's connection would take
 * its number and be sent the log. What stands in fails as a closed one does. */
static void hold_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null",
			(fcntl(0, F_GETFD) < 0 ? O_WRONLY : O_RDONLY));
	while (fd >= 0 && fd <= 2);
	if (fd >= 0)
		(void)close(fd);
}

int main(int argc, char **argv)
{
	static const struct engine *const engines[] = {
		&engine_lua, &engine_native, NULL};
	bool failed;
	int code;

	hold_standard_files();
	engines_set(engines);
	code = cli_main(argc, argv, stdout, stderr);

	/* A reply that did not fit on the disk was not printed. What failed
	 * before the end has left no reason. */
	failed = ferror(stdout) != 0;
	errno = 0;
	if (fclose(stdout) != 0 || failed) {
		(void)fprintf(stderr, "gvisord: cannot write: %s\n",
			errno ? strerror(errno) : "standard output failed");
		return code ? code : CLI_REFUSED;
	}
	return code;
}
