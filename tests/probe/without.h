#pragma once
/*
 * Defences of the daemon that a test of it may leave out, to see that an attack
 * which fails for them succeeds without. gvisord-probe alone has this: the
 * linker puts a function of without.c before each that is named there, and
 * "--without=NAME,..." among its arguments chooses. The product has no such
 * argument and nothing of this file.
 */
#include <stdbool.h>

/* Takes --without=... out of argv. Returns the new argc; -1: no such name. */
int without_parse(int argc, char **argv);
/* The one that is no function to put another in front of. */
bool without_admit(void);
