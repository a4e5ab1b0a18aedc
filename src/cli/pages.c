/* Lists in pages: see pages.h. */
#include "cli/pages.h"

#include <string.h>

#include "base/cleanup.h"

/* Pages asked for at most: bounds a daemon that always has a next one. */
#define PAGES_MAX 10000

/* What a daemon hands out as `next` goes into a query: it has to be something
 * that needs no encoding. */
static bool is_cursor(const char *text)
{
	return *text && strlen(text) < 130 &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789._-/")] ==
		       '\0';
}

int pages_get(struct cli *cli, const char *path, const char *key,
	json_t **ret_all, json_int_t *ret_total)
{
	CLEANUP(remote_jsonp) json_t *all = json_array();
	char next[130] = "", page_path[400];

	for (int i = 0; i < PAGES_MAX; i++) {
		CLEANUP(remote_jsonp) json_t *page = NULL;
		int r;

		(void)snprintf(page_path, sizeof(page_path),
			"%s?limit=1000%s%s", path, *next ? "&after=" : "",
			next);
		r = remote_get(cli, "", page_path, &page);
		if (r)
			return r;
		(void)json_array_extend(all, json_object_get(page, key));
		if (ret_total)
			*ret_total = remote_number(page, "total");
		if (!is_cursor(remote_text(page, "next")))
			break;
		(void)strcpy(next, remote_text(page, "next"));
	}
	*ret_all = json_incref(all);
	return 0;
}
