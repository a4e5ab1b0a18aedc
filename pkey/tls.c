/* Makes thread-local blocks for isolates. Trusted side. See tls.h. */
#include <string.h>

#include "base/check.h"
#include "pkey/image.h"
#include "pkey/tls.h"

enum {
	/* What of glibc's struct pthread (2,304 bytes) code may look at is
	 * near its start; the rest is read as zeros. */
	TCB_SIZE = 2304,
	TCB_SELF = 0,
	TCB_THREAD = 16,
	TCB_CANARY = 40,
	TCB_POINTER_GUARD = 48,
};

static struct image tls_image;
static size_t tls_image_size;

void tls_init(void)
{
	if (image_read(&tls_image) != 0)
		return;
	CHECK(tls_image.tls_align <= TLS_ALIGN);
	tls_image_size = (tls_image.tls_memsz + TLS_ALIGN - 1) &
			 ~(size_t)(TLS_ALIGN - 1);
}

size_t tls_size(void)
{
	return tls_image_size ? tls_image_size + TCB_SIZE : 0;
}

uint64_t tls_build(void *buf, uint64_t at, const uint64_t random[2])
{
	char *tcb = (char *)buf + tls_image_size;
	uint64_t fs = at + tls_image_size;
	uint64_t canary = random[0] & ~0xffull;
	size_t align = tls_image.tls_align ? tls_image.tls_align : 1;
	size_t used = (tls_image.tls_memsz + align - 1) & ~(align - 1);

	memset(buf, 0, tls_size());
	memcpy(tcb - used, tls_image.tls, tls_image.tls_filesz);
	memcpy(tcb + TCB_SELF, &fs, sizeof(fs));
	memcpy(tcb + TCB_THREAD, &fs, sizeof(fs));
	memcpy(tcb + TCB_CANARY, &canary, sizeof(canary));
	memcpy(tcb + TCB_POINTER_GUARD, &random[1], sizeof(random[1]));
	return fs;
}
