/* A dynamic image: nothing is known of it. See image.h. */
#include <errno.h>

#include "pkey/image.h"

int image_read(struct image *ret_image)
{
	(void)ret_image;
	return -ENOTSUP;
}
