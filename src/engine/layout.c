/*
 * The image, in a file of its own that has no name. It is written once, then
 * sealed: from there on neither this process nor whoever gets hold of the
 * descriptor can change a byte of it. Zeros take no memory. Outside, control
 * thread; trusts the bounds that object_read() has checked, and checks them
 * again where it writes.
 */
#include "engine/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

#define GUARD ((size_t)OBJECT_PAGE)

static int files_max = INT_MAX;

void layout_set_files(int max)
{
	files_max = max;
}

static size_t reserved_size(const struct layout *l)
{
	return l->span + 2 * GUARD;
}

static int image_file(void)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("gvisord-code", flags | MFD_EXEC);

	/* Kernels that don't know the flag need none. */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("gvisord-code", flags);
	if (fd < 0)
		return err_errno();
	/* Numbers are given out from below: so many are taken. */
	if (fd >= files_max) {
		(void)close(fd);
		return -EMFILE;
	}
	return fd;
}

static int put(int fd, const uint8_t *from, uint64_t size, uint64_t at)
{
	while (size > 0) {
		ssize_t n = pwrite(fd, from, size, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno();
		from += n;
		at += (uint64_t)n;
		size -= (uint64_t)n;
	}
	return 0;
}

static int fill(struct layout *l, const struct object *o)
{
	int r = ftruncate(l->fd, (off_t)l->span) ? err_errno() : 0;

	for (unsigned i = 0; i < o->n_segments && r == 0; i++) {
		const struct object_segment *s = &o->segments[i];

		CHECK(s->address <= l->span &&
			s->filled <= l->span - s->address);
		CHECK(s->offset <= o->len && s->filled <= o->len - s->offset);
		r = put(l->fd, o->bytes + s->offset, s->filled, s->address);
	}
	return r;
}

static int show(struct layout *l)
{
	void *p = mmap(NULL, reserved_size(l), PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return err_errno();
	l->reserved = p;
	p = mmap(l->reserved + GUARD, l->span, PROT_READ,
		MAP_PRIVATE | MAP_FIXED, l->fd, 0);
	if (p == MAP_FAILED)
		return err_errno();
	l->image = p;
	return 0;
}

int layout_init(struct layout *l, const struct object *o)
{
	int r;

	CHECK(o->span > 0 && o->span <= OBJECT_SPAN_MAX);
	*l = (struct layout){.span = o->span};
	r = l->fd = image_file();
	if (r >= 0)
		r = fill(l, o);
	if (r == 0 && fcntl(l->fd, F_ADD_SEALS,
			      F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW |
				      F_SEAL_SEAL) < 0)
		r = err_errno();
	if (r == 0)
		r = show(l);
	if (r < 0)
		layout_fini(l);
	return r;
}

int layout_take_file(struct layout *l)
{
	int fd = l->fd;

	l->fd = 0;
	return fd;
}

void layout_fini(struct layout *l)
{
	if (l->reserved)
		(void)munmap(l->reserved, reserved_size(l));
	if (l->fd > 0)
		(void)close(l->fd);
	*l = (struct layout){0};
}
