/*
 * Read, lay out, scan. Outside, control thread; the object is hostile.
 *
 * Executable segments share no page with others, so what is executable is whole
 * pages: the code and zeros around it. Segments whose pages touch are scanned
 * as one piece, since code may run from one into the next.
 */
#include "engine/admit.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"
#include "engine/exports.h"
#include "gvisor/function.h"
#include "sandbox/scan.h"

static enum refusal_code code_of(enum scan_class c)
{
	switch (c) {
	case SCAN_WRPKRU:
		return REFUSAL_WRPKRU;
	case SCAN_XRSTOR:
		return REFUSAL_XRSTOR;
	case SCAN_WRBASE:
		return REFUSAL_WRITE_BASE;
	case SCAN_RSEQ:
		return REFUSAL_RSEQ;
	case SCAN_SYSCALL:
		return REFUSAL_SYSTEM_CALL;
	case SCAN_FORBIDDEN:
	case SCAN_RIGHTS:
		break;
	}
	CHECK(!"one class at a time");
	return N_REFUSALS;
}

/* Where it is, in terms of who wrote the code. */
static void tell_place(const struct admit *a, uint64_t at, struct refusal *one)
{
	uint64_t left = a->layout.span - at;
	struct object_symbol s;

	one->address = at;
	one->offset = object_offset(&a->object, at);
	one->n_bytes =
		left < REFUSAL_BYTES_MAX ? (unsigned)left : REFUSAL_BYTES_MAX;
	memcpy(one->bytes, a->layout.image + at, one->n_bytes);
	if (!object_nearest(&a->object, at, &s))
		return;
	(void)snprintf(one->symbol, sizeof(one->symbol), "%s", s.name);
	one->symbol_offset = at - s.address;
}

static bool hit(void *arg, const struct scan_hit *h)
{
	struct admit *a = arg;
	struct refusal *one;

	if (h->class == SCAN_SYSCALL && a->count_system_calls) {
		a->n_system_calls++;
		return true;
	}
	one = refusals_add(&a->refusals, code_of(h->class), "%s",
		scan_class_name(h->class));
	if (one)
		tell_place(a, h->offset, one);
	return true;
}

static void scan_code(struct admit *a)
{
	const struct object *o = &a->object;
	const uint64_t in_page = OBJECT_PAGE - 1;
	const unsigned classes = SCAN_FORBIDDEN | SCAN_SYSCALL;
	struct scan s;

	scan_init(&s, 0, classes, hit, a);
	for (unsigned i = 0; i < o->n_segments; i++) {
		const struct object_segment *seg = &o->segments[i];
		uint64_t from = seg->address & ~in_page;
		uint64_t to = (seg->address + seg->memory + in_page) & ~in_page;

		if (!(seg->rights & OBJECT_X))
			continue;
		if (s.at != from)
			scan_init(&s, from, classes, hit, a);
		(void)scan_next(&s, a->layout.image + from, to - from);
		a->n_code += to - from;
	}
	a->scanned = true;
}

static void find_entry(struct admit *a, const char *name)
{
	const struct object_segment *in;
	struct object_symbol s;

	if (!object_find(&a->object, name, &s)) {
		(void)refusals_add(
			&a->refusals, REFUSAL_ENTRY_MISSING, "%s", name);
		return;
	}
	in = object_segment(&a->object, s.address, 1);
	/* At 0 stands the file header. */
	if (s.address == 0 || !in || !(in->rights & OBJECT_X) ||
		s.section == SHN_ABS ||
		(s.type != STT_FUNC && s.type != STT_NOTYPE)) {
		(void)refusals_add(&a->refusals, REFUSAL_ENTRY_NO_CODE,
			"%s at %#" PRIx64, name, s.address);
		return;
	}
	a->entry = s.address;
}

/* Without such a symbol it is the first version. */
static void check_abi(struct admit *a)
{
	struct object_symbol s;
	const uint8_t *at;
	uint32_t version;

	if (!object_find(&a->object, "gv_abi_version", &s))
		return;
	at = object_at(&a->object, s.address, sizeof(version));
	if (!at) {
		(void)refusals_add(&a->refusals, REFUSAL_ABI,
			"gv_abi_version can't be read");
		return;
	}
	memcpy(&version, at, sizeof(version));
	if (version != GV_ABI_VERSION)
		(void)refusals_add(&a->refusals, REFUSAL_ABI,
			"built for version %" PRIu32 ", not %d", version,
			GV_ABI_VERSION);
}

int admit_new(const void *bytes, size_t len, const struct admit_wish *wish,
	struct admit **ret)
{
	struct admit *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	refusals_init(&a->refusals);
	a->count_system_calls = wish->system_calls;
	if (object_read(&a->object, bytes, len, exports_native, &a->refusals)) {
		find_entry(a, wish->entry);
		check_abi(a);
		err = layout_init(&a->layout, &a->object);
		if (err) {
			(void)admit_free(a);
			return err;
		}
		scan_code(a);
	}
	*ret = a;
	return 0;
}

struct admit *admit_free(struct admit *a)
{
	if (a) {
		layout_fini(&a->layout);
		free(a);
	}
	return NULL;
}

void admit_freep(struct admit **a)
{
	*a = admit_free(*a);
}
