/* attack_say() for the programs that speak TAP. */
#include <stdarg.h>
#include <stdio.h>

#include "tests/security/attack.h"
#include "tests/security/tap.h"

void attack_say(const char *text, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, text);
	(void)vsnprintf(line, sizeof(line), text, ap);
	va_end(ap);
	tap_say("%s", line);
}
