/*
 * The list of engines. Outside, in T. The one global is written once at start,
 * before any other thread exists, and only read afterwards.
 */
#include "engine/engine.h"

#include <string.h>
#include <strings.h>

static const struct engine *const *engines;

void engines_set(const struct engine *const *list)
{
	engines = list;
}

const struct engine *engine_at(size_t i)
{
	for (size_t k = 0; engines && engines[k]; k++)
		if (k == i)
			return engines[k];
	return NULL;
}

const struct engine *engine_by_name(const char *name)
{
	const struct engine *e;

	for (size_t i = 0; (e = engine_at(i)); i++)
		if (strcmp(e->name, name) == 0)
			return e;
	return NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

const struct engine *engine_by_media_type(const char *type, size_t len)
{
	const char *params = memchr(type, ';', len);
	const struct engine *e;

	if (params)
		len = (size_t)(params - type);
	for (; len > 0 && is_blank(type[0]); len--)
		type++;
	while (len > 0 && is_blank(type[len - 1]))
		len--;
	for (size_t i = 0; (e = engine_at(i)); i++)
		if (strlen(e->media_type) == len &&
			strncasecmp(e->media_type, type, len) == 0)
			return e;
	return NULL;
}
