/*
 * The image, as anonymous private memory: it takes what the file's bytes take,
 * zeros are the kernel's until somebody writes them. Outside, control thread;
 * trusts the bounds that object_read() has checked, and checks them again where
 * it writes.
 */
#include "engine/layout.h"

#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/err.h"

#define GUARD ((size_t)OBJECT_PAGE)

static size_t reserved_size(const struct layout *l)
{
	return l->span + 2 * GUARD;
}

static void fill(struct layout *l, const struct object *o)
{
	for (unsigned i = 0; i < o->n_segments; i++) {
		const struct object_segment *s = &o->segments[i];

		CHECK(s->address <= l->span &&
			s->filled <= l->span - s->address);
		CHECK(s->offset <= o->len && s->filled <= o->len - s->offset);
		memcpy(l->image + s->address, o->bytes + s->offset, s->filled);
	}
}

int layout_init(struct layout *l, const struct object *o)
{
	int err;

	CHECK(o->span > 0 && o->span <= OBJECT_SPAN_MAX);
	*l = (struct layout){.span = o->span};
	l->reserved = mmap(NULL, reserved_size(l), PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (l->reserved == MAP_FAILED) {
		l->reserved = NULL;
		return err_errno();
	}
	l->image = l->reserved + GUARD;
	if (mprotect(l->image, l->span, PROT_READ | PROT_WRITE))
		goto failed;
	fill(l, o);
	if (mprotect(l->image, l->span, PROT_READ))
		goto failed;
	return 0;
failed:
	err = err_errno();
	layout_fini(l);
	return err;
}

void layout_fini(struct layout *l)
{
	if (l->reserved)
		(void)munmap(l->reserved, reserved_size(l));
	*l = (struct layout){0};
}
