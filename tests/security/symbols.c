/* See symbols.h. The file is the build's own: no checks beyond the first. */
#include "tests/security/symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

unsigned char *symbols_file(const char *path, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *at;

	if (fd < 0)
		return NULL;
	at = fstat(fd, &st) != 0
		     ? MAP_FAILED
		     : mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE, fd, 0);
	(void)close(fd);
	if (at == MAP_FAILED)
		return NULL;
	*ret_len = (size_t)st.st_size;
	return at;
}

bool symbols_open(struct symbols *s, const char *path)
{
	s->at = symbols_file(path, &s->len);
	return s->at && s->len > sizeof(Elf64_Ehdr) &&
	       memcmp(s->at, ELFMAG, SELFMAG) == 0;
}

static uint64_t find_in(
	const struct symbols *s, const Elf64_Shdr *table, const char *name)
{
	const Elf64_Ehdr *head = (const void *)s->at;
	const Elf64_Shdr *all = (const void *)(s->at + head->e_shoff);
	const Elf64_Sym *sym = (const void *)(s->at + table->sh_offset);
	const char *text = (const char *)s->at + all[table->sh_link].sh_offset;

	for (size_t i = 0; i < table->sh_size / sizeof(*sym); i++)
		if (sym[i].st_shndx != SHN_UNDEF &&
			strcmp(text + sym[i].st_name, name) == 0)
			return sym[i].st_value;
	return 0;
}

uint64_t symbols_find(const struct symbols *s, const char *name)
{
	const Elf64_Ehdr *head = (const void *)s->at;
	const Elf64_Shdr *all = (const void *)(s->at + head->e_shoff);
	uint64_t found = 0;

	for (unsigned i = 0; i < head->e_shnum && found == 0; i++)
		if (all[i].sh_type == SHT_SYMTAB)
			found = find_in(s, &all[i], name);
	return found;
}

uint64_t symbols_base(pid_t pid, const char *path)
{
	char file[64], line[512];
	uint64_t base = 0;
	FILE *f;

	(void)snprintf(file, sizeof(file), "/proc/%d/maps", pid);
	f = fopen(file, "re");
	while (f && base == 0 && fgets(line, sizeof(line), f))
		if (strstr(line, path))
			base = strtoull(line, NULL, 16);
	if (f)
		(void)fclose(f);
	return base;
}
