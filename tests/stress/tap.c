/* Results as TAP. See tap.h. */
#include "tests/stress/tap.h"

#include <stdarg.h>
#include <stdio.h>

static unsigned n_tests, n_failed;

bool tap_ok(bool good, const char *name, ...)
{
	va_list ap;

	n_tests++;
	n_failed += !good;
	printf("%s %u - ", good ? "ok" : "not ok", n_tests);
	va_start(ap, name);
	(void)vprintf(name, ap);
	va_end(ap);
	(void)putchar('\n');
	return good;
}

void tap_say(const char *text, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, text);
	(void)vprintf(text, ap);
	va_end(ap);
	(void)putchar('\n');
}

int tap_plan(void)
{
	printf("1..%u\n", n_tests);
	return n_failed ? 1 : 0;
}
