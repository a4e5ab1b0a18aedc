#pragma once
/* Results of a test program, as TAP on stdout. */
#include <stdbool.h>

/* Prints one line; the formatted name follows. Returns good. */
__attribute__((format(printf, 2, 3))) bool tap_ok(
	bool good, const char *name, ...);
/* A comment line. */
__attribute__((format(printf, 1, 2))) void tap_say(const char *text, ...);
/* The plan; the program's exit code. */
int tap_plan(void);
