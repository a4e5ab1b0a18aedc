#pragma once
/*
 * A terminal taken over for a while: plain ANSI sequences on the alternate
 * screen. However the program ends, by a signal too, and while it is stopped,
 * the terminal is as it was. One at a time; client process.
 */
#include <stdbool.h>
#include <stdio.h>

/* False: `to` is no terminal, nothing was done. */
bool screen_open(FILE *to);
void screen_close(void);
/* Lines there are now; 24 if nobody knows. */
size_t screen_rows(void);
/* Shows text in place of what was there, cut to the screen. It must be harmless
 * already. */
void screen_draw(const char *text);
/* Sleeps; true: the user wants to leave (q). */
bool screen_wait(int ms);
