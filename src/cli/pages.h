#pragma once
/* A daemon's lists, which come in pages. Client process; replies are not
 * trusted. */
#include "cli/remote.h"

/*
 * All pages of the list at path: the entries under `key` as one array.
 * *ret_total, which may be NULL, is what the last page says. 0 or CLI_E_STOP.
 */
int pages_get(struct cli *cli, const char *path, const char *key,
	json_t **ret_all, json_int_t *ret_total);
