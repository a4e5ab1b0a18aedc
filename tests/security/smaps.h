#pragma once
/* Which key the kernel says each page has, against a table of what it should
 * be. T, first thread. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct smaps_range {
	uint64_t from;
	uint64_t to;
	int key;
};

/* Every page of this process has the key of the range it is in, and key 0
 * outside of all. False: text says which page has not. */
bool smaps_agree(
	const struct smaps_range *want, size_t n, char *text, size_t size);
