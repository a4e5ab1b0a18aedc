#pragma once
/*
 * The daemon's binary as whoever has a copy of it reads it: where its symbols
 * and some of its instructions stand. Evaluation side.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct symbols {
	const unsigned char *at; /* the file */
	size_t len;
};

/* False: it can't be read. It stays mapped for good. */
bool symbols_open(struct symbols *s, const char *path);
/* Its address in the image, from 0; 0: there is none of that name. */
uint64_t symbols_find(const struct symbols *s, const char *name);
/* Where the image is loaded in a process of it; 0: nowhere. */
uint64_t symbols_base(pid_t pid, const char *path);
/* A whole file; mapped for good, and the caller's alone. NULL: no such. */
unsigned char *symbols_file(const char *path, size_t *ret_len);
