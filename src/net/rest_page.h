#pragma once
/*
 * The query of a list that comes in pages (control thread): how many entries,
 * and behind which one the page begins. Hostile text.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/control.h"
#include "util/buf.h"

enum {
	REST_PAGE_LIMIT = 1000, /* the default, and the most */
};

struct rest_page {
	uint64_t limit;
	const char *after; /* NULL: from the first on */
	char *mem;
};

/* False: err says what is wrong, empty if there is no memory. Else
 * rest_page_fini() it. */
bool rest_page_init(
	struct rest_page *page, struct control_req *req, struct buf *err);
void rest_page_fini(struct rest_page *page);
