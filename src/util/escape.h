#pragma once
/*
 * Hostile bytes into JSON strings and log lines. What comes out is always valid
 * JSON string content and safe on a terminal: control characters (C1 as well),
 * quotes and backslashes are escaped, bytes that are not UTF-8 become U+FFFD.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "util/buf.h"

/* Without the surrounding quotes. */
void escape_json(struct buf *b, const char *p, size_t n);

/* For a person to read on a terminal: lines stay lines; other control
 * characters, what turns the direction of text and what is not UTF-8 is shown
 * as \xNN. */
void escape_terminal(FILE *to, const char *p, size_t n);

/* Length of the valid UTF-8 character at p, of n > 0 bytes; 0: it is none. */
size_t escape_utf8(const char *p, size_t n);

/* The longest prefix of at most max bytes that splits no UTF-8 character. */
size_t escape_prefix(const char *p, size_t n, size_t max);

/* Copies the text into room (size bytes, NUL included) with U+FFFD for whatever
 * is no UTF-8 or steers a terminal; cut where room ends. Returns room. */
const char *escape_plain(const char *text, char *room, size_t size);
