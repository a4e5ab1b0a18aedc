/* The table of names; see the header. Outside; constant. */
#include "engine/exports.h"

#include <string.h>

#define GIVEN(name) #name,
#define OWN(name, symbol) #name,

const char *const exports_native[] = {
#include "engine/native_exports.h"
	NULL,
};

enum {
	N_NATIVE = sizeof(exports_native) / sizeof(*exports_native) - 1
};

static size_t count(const char *const *exports)
{
	size_t n = 0;

	if (exports == exports_native)
		return N_NATIVE;
	while (exports[n])
		n++;
	return n;
}

int exports_find(const char *const *exports, const char *name)
{
	size_t low = 0, high = count(exports);

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(name, exports[middle]);

		if (order == 0)
			return (int)middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

bool exports_have(const char *const *exports, const char *name)
{
	return exports_find(exports, name) >= 0;
}
