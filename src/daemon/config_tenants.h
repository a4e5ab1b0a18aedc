#pragma once
/* The section "tenants" of the configuration; shared by the config*.c files,
 * the command line and tests. */
#include <jansson.h>
#include <stdio.h>

#include "daemon/config.h"

/* The section's value. Strict, as config_file(). */
int config_tenants_read(
	struct config *cfg, json_t *object, struct config_error *err);
/* As {"acme": {"concurrency": {"value", "source"}, ...}, ...}. */
json_t *config_tenants_json(const struct config *cfg);
/* Its part of the reference page. */
void config_tenants_markdown(FILE *to);

/* The values of one tenant, in the order of the reference: NULL behind the
 * last; *ret_name is its path's last part. "" for a limit there is none of. */
const char *config_tenant_value(const struct config_tenant *t, size_t index,
	const char **ret_name, char buf[32]);
