/* Tags and seals this program's own image. Trusted side, at start. */
#include "pkey/partition.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "pkey/gate.h"
#include "pkey/image.h"

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

int partition_apply(const struct keys *keys)
{
	struct image image;
	int r;

	if (!keys->prim->hardware)
		return 0;
	r = image_read(&image);
	for (size_t i = 0; r == 0 && i < image.n_shared; i++)
		r = keys->prim->tag(image.shared[i].addr, image.shared[i].len,
			image.shared[i].prot, keys->shared);
	return r;
}

static int seal(const void *addr, size_t len)
{
	return syscall(SYS_mseal, addr, len, 0) == 0 ? 0 : err_errno();
}

int partition_seal(void)
{
	struct image image;
	int r = image_read(&image);

	for (size_t i = 0; r == 0 && i < image.n_shared; i++)
		if (!(image.shared[i].prot & PROT_WRITE))
			r = seal(image.shared[i].addr, image.shared[i].len);
	return r < 0 ? r : seal(gate_constants(), GATE_PAGE_SIZE);
}
