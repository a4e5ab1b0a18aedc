/*
 * The outside observer as a program, for a daemon that is running: see
 * observer.h. As root.
 *
 * usage: observer PID [LOOKS]
 *
 * Status 0: nothing is wrong; 1: something is; 2: it can't be looked at.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/security/observer.h"

enum {
	PAUSE_US = 100000
};

__attribute__((format(printf, 1, 2))) static void say(const char *text, ...)
{
	va_list ap;

	va_start(ap, text);
	(void)vprintf(text, ap);
	va_end(ap);
	(void)putchar('\n');
}

int main(int argc, char **argv)
{
	long looks = argc > 2 ? strtol(argv[2], NULL, 10) : 1;
	unsigned wrong = 0;
	struct observer o;

	if (argc < 2 ||
		!observer_init(&o, (pid_t)strtol(argv[1], NULL, 10), say)) {
		(void)fprintf(stderr, "observer: no daemon to look at\n");
		return 2;
	}
	for (long i = 0; i < looks; i++) {
		if (i > 0)
			(void)usleep(PAUSE_US);
		wrong += observer_threads(&o) + observer_keys(&o);
	}
	say("%u threads, keys of %u mappings, %u isolates, %u of them native",
		o.n_tasks, o.maps, o.isolates, o.programs);
	wrong += observer_code(&o);
	say("%" PRIu64 " bytes of code, %u instructions of the gate", o.bytes,
		o.instructions);
	say("%u wrong", wrong);
	observer_fini(&o);
	return wrong ? 1 : 0;
}
