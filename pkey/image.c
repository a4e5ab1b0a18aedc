/*
 * The static image, from its program headers. Trusted side, first thread.
 *
 * partition.ld collects the C library's writable data and our .gv_shared in one
 * page-aligned run between __gv_shared_start and _end; all other writable data
 * is not named here and so stays in key 0.
 */
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "pkey/image.h"

/* Made by partition.ld; a dynamic program is linked without it. */
extern char __gv_shared_start[] __attribute__((weak));
extern char __gv_shared_end[] __attribute__((weak));

enum {
	PAGE = 4096
};

static void image_add(
	struct image *image, uintptr_t from, uintptr_t to, int prot)
{
	CHECK(image->n_shared < IMAGE_RANGES);
	if (from >= to)
		return;
	image->shared[image->n_shared++] = (struct image_range){
		.addr = (char *)from,
		.len = to - from,
		.prot = prot,
	};
}

static uintptr_t page_down(uintptr_t x)
{
	return x & ~(uintptr_t)(PAGE - 1);
}

static int image_prot(const ElfW(Phdr) * ph)
{
	return PROT_READ | (ph->p_flags & PF_X ? PROT_EXEC : 0);
}

static void image_header(
	struct image *image, uintptr_t base, const ElfW(Phdr) * ph)
{
	uintptr_t at = base + ph->p_vaddr;

	if (ph->p_type == PT_LOAD && !(ph->p_flags & PF_W))
		image_add(image, page_down(at),
			page_down(at + ph->p_memsz + PAGE - 1), image_prot(ph));
	if (ph->p_type == PT_GNU_RELRO)
		image_add(image, page_down(at), page_down(at + ph->p_memsz),
			PROT_READ);
	if (ph->p_type == PT_TLS) {
		image->tls = (const void *)at;
		image->tls_filesz = ph->p_filesz;
		image->tls_memsz = ph->p_memsz;
		image->tls_align = ph->p_align;
	}
}

static int image_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++)
		image_header(arg, info->dlpi_addr, &info->dlpi_phdr[i]);
	return 1; /* the first object is the program, and the only one */
}

int image_read(struct image *ret_image)
{
	memset(ret_image, 0, sizeof(*ret_image));
	if (!__gv_shared_start)
		return -ENOTSUP;
	(void)dl_iterate_phdr(image_object, ret_image);
	image_add(ret_image, (uintptr_t)__gv_shared_start,
		(uintptr_t)__gv_shared_end, PROT_READ | PROT_WRITE);
	return ret_image->tls ? 0 : -ENOTSUP;
}
