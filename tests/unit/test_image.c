/* A dynamic program, as this one is, has no image to share and no blocks to
 * build; tap_image.c has the static one. */
#include <criterion/criterion.h>
#include <errno.h>

#include "pkey/image.h"
#include "pkey/partition.h"
#include "pkey/tls.h"
#include "fake_prim.h"

Test(image, dynamic_has_none)
{
	struct image image;

	cr_assert_eq(image_read(&image), -ENOTSUP);
	tls_init();
	cr_assert_eq(tls_size(), 0u);
}

Test(image, partition_fails_closed)
{
	struct keys keys;

	fake_prim_reset(1);
	cr_assert_eq(keys_init(&keys, &prim_fake), 0);
	cr_assert_eq(partition_apply(&keys), -ENOTSUP);
	cr_assert_eq(fake_prim.tags, 0u);
}

Test(image, nothing_to_part_without_keys)
{
	struct keys keys;

	cr_assert_eq(keys_init(&keys, &prim_soft), 0);
	cr_assert_eq(partition_apply(&keys), 0);
}
