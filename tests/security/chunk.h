#pragma once
/* Compiled Lua, made outside by the library itself: for attacks that have a
 * function load it. Evaluation side. */
#include <stddef.h>

enum {
	CHUNK_MAX = 1024,
	CHUNK_TEXT_MAX = 4 * CHUNK_MAX + 64,
};

/* Compiles source. Returns the chunk's length; 0: it failed. */
size_t chunk_make(const char *source, char ret_chunk[CHUNK_MAX]);
/* The same, with its one constant made to be far outside of all constants. */
size_t chunk_make_broken(char ret_chunk[CHUNK_MAX]);
/* As a Lua string literal, with quotes. */
const char *chunk_literal(
	const char *chunk, size_t len, char ret_text[CHUNK_TEXT_MAX]);
