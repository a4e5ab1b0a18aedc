/*
 * What forbidden instructions the program itself holds: a plain search of the
 * daemon's file, byte by byte, not the product's scanner. All there are must be
 * the gate's. Control: one more, put into a copy of its text.
 */
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/security/attack.h"

struct file {
	unsigned char *at;
	size_t len;
	uint64_t gate_from, gate_to; /* addresses in the file's own terms */
};

struct count {
	unsigned wrpkru, xrstor, wrbase;
	unsigned foreign;
	uint64_t first_foreign;
};

/* Private: the control writes to it. */
static bool file_read(const char *path, struct file *ret_file)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return false;
	ret_file->len = (size_t)st.st_size;
	ret_file->at = mmap(NULL, ret_file->len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE, fd, 0);
	(void)close(fd);
	return ret_file->at != MAP_FAILED;
}

static const Elf64_Ehdr *header(const struct file *f)
{
	return (const void *)f->at;
}

static const Elf64_Shdr *section(const struct file *f, unsigned i)
{
	const unsigned char *at = f->at + header(f)->e_shoff;

	return (const Elf64_Shdr *)(const void *)at + i;
}

/* The gate's borders, by its symbols. */
static bool find_gate(struct file *f)
{
	for (unsigned i = 0; i < header(f)->e_shnum; i++) {
		const Elf64_Shdr *s = section(f, i);
		const Elf64_Sym *sym = (const void *)(f->at + s->sh_offset);
		const char *names;

		if (s->sh_type != SHT_SYMTAB)
			continue;
		names = (const char *)f->at + section(f, s->sh_link)->sh_offset;
		for (size_t k = 0; k < s->sh_size / sizeof(*sym); k++) {
			const char *name = names + sym[k].st_name;

			if (strcmp(name, "gate_code_begin") == 0)
				f->gate_from = sym[k].st_value;
			if (strcmp(name, "gate_code_end") == 0)
				f->gate_to = sym[k].st_value;
		}
	}
	return f->gate_from && f->gate_to > f->gate_from;
}

static bool look(const unsigned char *p, struct count *c)
{
	if (p[0] != 0x0f)
		return false;
	if (p[1] == 0x01 && p[2] == 0xef)
		c->wrpkru++;
	else if (p[1] == 0xae && p[2] < 0xc0 && (p[2] >> 3 & 7) == 5)
		c->xrstor++;
	else if (p[1] == 0xae && p[2] >= 0xd0 && p[2] < 0xe0)
		c->wrbase++;
	else
		return false;
	return true;
}

static void count(const struct file *f, struct count *c)
{
	const Elf64_Phdr *ph = (const void *)(f->at + header(f)->e_phoff);

	memset(c, 0, sizeof(*c));
	for (unsigned i = 0; i < header(f)->e_phnum; i++)
		for (uint64_t k = 0;
			ph[i].p_type == PT_LOAD && ph[i].p_flags & PF_X &&
			k + 3 <= ph[i].p_filesz;
			k++) {
			uint64_t at = ph[i].p_vaddr + k;

			if (!look(f->at + ph[i].p_offset + k, c) ||
				(at >= f->gate_from && at < f->gate_to))
				continue;
			if (c->foreign++ == 0)
				c->first_foreign = at;
		}
}

/* The first bytes of text that follow the gate. */
static uint64_t plant(const struct file *f)
{
	const Elf64_Phdr *ph = (const void *)(f->at + header(f)->e_phoff);
	uint64_t at = f->gate_to + 64;

	for (unsigned i = 0; i < header(f)->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && at >= ph[i].p_vaddr &&
			at + 3 <= ph[i].p_vaddr + ph[i].p_filesz)
			memcpy(f->at + ph[i].p_offset + at - ph[i].p_vaddr,
				"\x0f\xae\x2f", 3);
	return at;
}

static void run(void)
{
	struct file f = {0};
	struct count c;
	uint64_t planted;

	if (!attack_daemon || !file_read(attack_daemon, &f)) {
		attack_say("no daemon to look at");
		return;
	}
	attack_held(find_gate(&f), "the gate is where its symbols say");
	count(&f, &c);
	if (!attack_held(c.foreign == 0, "none but the gate's"))
		attack_say("%u, the first at %#lx", c.foreign, c.first_foreign);
	attack_held(c.wrpkru >= 2, "WRPKRU: %u, the gate's", c.wrpkru);
	attack_held(c.xrstor == 0, "XRSTOR: %u", c.xrstor);
	attack_held(
		c.wrbase >= 2, "WRFSBASE, WRGSBASE: %u, the gate's", c.wrbase);
	attack_note("the daemon has %u WRPKRU, %u XRSTOR, %u WRFSBASE or "
		    "WRGSBASE",
		c.wrpkru, c.xrstor, c.wrbase);
	planted = plant(&f);
	count(&f, &c);
	attack_worked(c.foreign == 1 && c.first_foreign == planted,
		"one that was planted is found");
}

const struct attack attack_a08 = {
	.id = "A08",
	.name = "forbidden instructions left in the daemon's own text",
	.layer = "static link, no lazy binding",
	.off = "an XRSTOR planted in its text",
	.run = run,
};
