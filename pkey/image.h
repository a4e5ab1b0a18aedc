#pragma once
/*
 * What this program's own image looks like in memory: the ranges isolates must
 * be able to read, and the pristine thread-local block. Known only of the
 * static binary (image_static.c); a dynamic one, as sanitizers need, has its
 * libraries' data all over and offers nothing (image_dynamic.c), and so can't
 * run with keys.
 */
#include <stddef.h>

enum {
	IMAGE_RANGES = 12
};

struct image_range {
	char *addr; /* page aligned */
	size_t len;
	int prot; /* as it stands */
};

struct image {
	struct image_range shared[IMAGE_RANGES]; /* to key S */
	size_t n_shared;
	const void *tls; /* PT_TLS: initial bytes */
	size_t tls_filesz;
	size_t tls_memsz;
	size_t tls_align;
};

/* Returns 0, or -ENOTSUP: a dynamic program. */
int image_read(struct image *ret_image);
