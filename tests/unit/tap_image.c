/*
 * The static image and its thread-local block, in a program linked as the
 * daemon is (Criterion can't be: it is dynamic). Prints TAP. In a sanitizer
 * build there is no such image, and that is what is tested then.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "pkey/gate.h"
#include "pkey/image.h"
#include "pkey/tls.h"

static unsigned n_tests, n_bad;

static void ok(bool good, const char *what)
{
	n_tests++;
	n_bad += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", n_tests, what);
}

static int own_data = 1;
static int own_bss;
static const int own_rodata = 1;
static __thread int marker = 0x1234567;
static __thread int zeroed;

/* Through this the compiler can't know that the value is still the same. */
static volatile int *volatile marker_at;

static int shared(const struct image *image, const volatile void *p)
{
	for (size_t i = 0; i < image->n_shared; i++) {
		const struct image_range *r = &image->shared[i];

		if ((const char *)p >= r->addr &&
			(const char *)p < r->addr + r->len)
			return r->prot;
	}
	return -1;
}

static bool ranges_in_order(const struct image *image)
{
	for (size_t i = 0; i < image->n_shared; i++) {
		const struct image_range *r = &image->shared[i];

		if ((uintptr_t)r->addr % 4096 || r->len % 4096 || r->len == 0)
			return false;
	}
	return image->n_shared > 2;
}

static void test_image(void)
{
	struct image image;
	int on_stack = 0;
	char *on_heap = malloc(16);

	ok(image_read(&image) == 0, "the image is read");
	ok(ranges_in_order(&image), "ranges are whole pages");
	ok(shared(&image, (void *)(uintptr_t)test_image) ==
			(PROT_READ | PROT_EXEC),
		"text is shared");
	ok(shared(&image, &own_rodata) == PROT_READ, "rodata is shared");
	ok(shared(&image, stdout) == (PROT_READ | PROT_WRITE),
		"the C library's data is shared");
	ok(shared(&image, &own_data) == -1, "data is not");
	ok(shared(&image, &own_bss) == -1, "bss is not");
	ok(shared(&image, &on_stack) == -1, "the stack is not");
	ok(shared(&image, on_heap) == -1, "the heap is not");
	ok(shared(&image, &marker) == -1, "this thread's block is not");
	ok(image.tls_memsz >= image.tls_filesz && image.tls_filesz >= 4,
		"there is a thread-local image");
	free(on_heap);
}

static uint64_t own_fs(void)
{
	uint64_t fs;

	__asm__ volatile("mov %%fs:0, %0" : "=r"(fs));
	return fs;
}

/* An int at `offset` from FS, read with another FS base. */
static int read_through(uint64_t fs, int64_t offset)
{
	uint64_t old;
	int value;

	__asm__ volatile("rdfsbase %0\n\t"
			 "wrfsbase %2\n\t"
			 "mov %%fs:(%3), %1\n\t"
			 "wrfsbase %0"
			 : "=&r"(old), "=&r"(value)
			 : "r"(fs), "r"(offset)
			 : "memory");
	return value;
}

static uint64_t word(uint64_t at)
{
	return *(uint64_t *)at;
}

static void test_tls(void)
{
	const uint64_t random[2] = {0x1122334455667788, 0x99aabbccddeeff00};
	size_t size = tls_size();
	char *at = aligned_alloc(64, (size + 127) & ~(size_t)63);
	char *buf = malloc(size + 1);
	uint64_t fs;

	CHECK(at && buf);
	memset(buf, 0x5a, size + 1);
	*marker_at = 1;
	zeroed = 1;
	fs = tls_build(buf, (uint64_t)at, random);
	memcpy(at, buf, size);
	ok(buf[size] == 0x5a, "writes tls_size() bytes and no more");
	ok(fs % TLS_ALIGN == 0, "FS is aligned");
	ok(fs > (uint64_t)at && fs < (uint64_t)at + size, "FS is in the block");
	ok(word(fs) == fs && word(fs + 16) == fs, "the block names itself");
	ok(word(fs + 40) == 0x1122334455667700, "canary, its first byte zero");
	ok(word(fs + 48) == random[1], "pointer guard");
	ok(read_through(fs, (char *)marker_at - (char *)own_fs()) == 0x1234567,
		"variables have their first values");
	ok(read_through(fs, (char *)&zeroed - (char *)own_fs()) == 0,
		"and zeros");
	ok(*marker_at == 1, "this thread's own stay");
	free(at);
	free(buf);
}

static void test_none(void)
{
	struct image image;

	ok(image_read(&image) == -ENOTSUP, "a dynamic program has no image");
	ok(tls_size() == 0, "nor blocks for isolates");
}

int main(void)
{
	marker_at = &marker;
	tls_init();
	if (tls_size() == 0) {
		test_none();
	} else {
		test_image();
		test_tls();
	}
	printf("1..%u\n", n_tests);
	return n_bad != 0;
}
