/* SHA-256 by libmd. */
#include "util/digest.h"

#include <sha2.h>

#include "util/strutil.h"

void digest_sha256(const void *p, size_t len, char ret_hex[DIGEST_HEX])
{
	unsigned char sum[SHA256_DIGEST_LENGTH];
	SHA2_CTX ctx;

	_Static_assert(DIGEST_HEX == 2 * SHA256_DIGEST_LENGTH + 1, "size");
	SHA256Init(&ctx);
	SHA256Update(&ctx, p, len);
	SHA256Final(sum, &ctx);
	str_hex(sum, sizeof(sum), ret_hex);
}
