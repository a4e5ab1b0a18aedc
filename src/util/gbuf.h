#pragma once
/*
 * A struct buf that grows by realloc, up to a limit: replies and metrics text.
 * Control thread only (malloc).
 */
#include "util/buf.h"

/* An empty buffer; nothing is allocated before the first append. */
void gbuf_init(struct buf *b);
void gbuf_fini(struct buf *b);
/* The bytes, malloc'd and NUL-terminated, and an empty buffer in their place;
 * NULL if memory ran out at any time (the buffer is then emptied too). */
char *gbuf_steal(struct buf *b, size_t *ret_len);
