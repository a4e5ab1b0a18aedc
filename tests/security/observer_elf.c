/* The program's file, as the observer reads it: symbols and segments. */
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/runtime.h"
#include "tests/security/observer.h"

enum {
	PAGE = 4096
};

struct file {
	const char *at;
	size_t len;
	const Elf64_Ehdr *head;
	const Elf64_Phdr *segments;
	const Elf64_Shdr *sections;
};

static bool file_open(const struct observer *o, struct file *f)
{
	int fd = open(o->program, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return false;
	f->len = (size_t)st.st_size;
	f->at = mmap(NULL, f->len, PROT_READ, MAP_PRIVATE, fd, 0);
	(void)close(fd);
	if (f->at == MAP_FAILED)
		return false;
	f->head = (const void *)f->at;
	f->segments = (const void *)(f->at + f->head->e_phoff);
	f->sections = (const void *)(f->at + f->head->e_shoff);
	return memcmp(f->at, ELFMAG, SELFMAG) == 0;
}

static void file_close(struct file *f)
{
	(void)munmap((void *)f->at, f->len);
}

/* A static variable of a function: the compilers name it in two ways. */
static bool is_runtime(const char *name, const Elf64_Sym *s)
{
	size_t n = strlen(name);

	return s->st_size == sizeof(struct runtime) &&
	       (strncmp(name, "rt.", 3) == 0 ||
		       (n > 3 && strcmp(name + n - 3, ".rt") == 0));
}

static void note_symbol(
	struct observer *o, const char *name, const Elf64_Sym *s)
{
	const struct {
		const char *name;
		uint64_t *value;
	} wanted[] = {
		{"gate_code_begin", &o->gate_from},
		{"gate_code_end", &o->gate_to},
		{"__gv_shared_start", &o->shared_from},
		{"__gv_shared_end", &o->shared_to},
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (strcmp(name, wanted[i].name) == 0)
			*wanted[i].value = o->base + s->st_value;
	if (is_runtime(name, s))
		o->runtime = o->base + s->st_value;
}

bool observer_symbols(struct observer *o)
{
	struct file f;

	if (!file_open(o, &f))
		return false;
	for (unsigned i = 0; i < f.head->e_shnum; i++) {
		const Elf64_Shdr *h = &f.sections[i];
		const Elf64_Sym *s = (const void *)(f.at + h->sh_offset);

		for (size_t j = 0;
			h->sh_type == SHT_SYMTAB && j < h->sh_size / sizeof(*s);
			j++)
			note_symbol(o,
				f.at + f.sections[h->sh_link].sh_offset +
					s[j].st_name,
				&s[j]);
	}
	file_close(&f);
	return o->gate_to > o->gate_from && o->shared_to > o->shared_from;
}

static uint64_t down(uint64_t at)
{
	return at & ~(uint64_t)(PAGE - 1);
}

unsigned observer_image(
	const struct observer *o, struct observer_range ret_range[16])
{
	struct file f;
	unsigned n = 0;

	if (!file_open(o, &f))
		return 0;
	for (unsigned i = 0; i < f.head->e_phnum && n < 15; i++) {
		const Elf64_Phdr *p = &f.segments[i];
		uint64_t at = o->base + p->p_vaddr;

		if (p->p_type == PT_LOAD && !(p->p_flags & PF_W))
			ret_range[n++] =
				(struct observer_range){.from = down(at),
					.to = down(at + p->p_memsz + PAGE - 1)};
		else if (p->p_type == PT_GNU_RELRO)
			ret_range[n++] = (struct observer_range){
				.from = down(at), .to = down(at + p->p_memsz)};
	}
	ret_range[n++] = (struct observer_range){
		.from = o->shared_from, .to = o->shared_to};
	file_close(&f);
	return n;
}

bool observer_file(
	const struct observer *o, uint64_t at, void *buf, uint64_t len)
{
	bool found = false;
	struct file f;

	if (!file_open(o, &f))
		return false;
	for (unsigned i = 0; i < f.head->e_phnum && !found; i++) {
		const Elf64_Phdr *p = &f.segments[i];
		uint64_t from = o->base + p->p_vaddr;

		if (p->p_type != PT_LOAD || at < from ||
			at + len > from + p->p_filesz)
			continue;
		(void)memcpy(buf, f.at + p->p_offset + (at - from), len);
		found = true;
	}
	file_close(&f);
	return found;
}
