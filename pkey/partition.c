/* Tags this program's own image. Trusted side, at start. See partition.h. */
#include "pkey/image.h"
#include "pkey/partition.h"

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
