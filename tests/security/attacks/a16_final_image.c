/*
 * Native functions whose forbidden bytes are there in the final image alone:
 * from one segment into the next, at the ends of code, where section headers
 * say there is no code; and the bytes that only seem to be there, in what is
 * not loaded, not executable, or relocated. Controls: without the scan the
 * bytes run, and open all keys; without any refusal a relocation into code ends
 * the daemon.
 */
#include <stddef.h>
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/forged.h"

static struct live live;
static struct good g;

static const struct {
	const char *reason;
	uint8_t bytes[5];
	size_t len;
} sequences[] = {
	{"wrpkru", {0x0f, 0x01, 0xef}, 3},
	{"wrpkru", {0xd5, 0x80, 0x01, 0xef}, 4},
	{"xrstor", {0x0f, 0xae, 0x28}, 3},
	{"xrstor", {0x48, 0x0f, 0xae, 0x6c, 0x24}, 5},
	{"write-base", {0xf3, 0x0f, 0xae, 0xd0}, 4},
	{"write-base", {0xf3, 0x48, 0x0f, 0xae, 0xd8}, 5},
	{"rseq-signature", {0x53, 0x30, 0x05, 0x53}, 4},
	{"system-call", {0x0f, 0x05}, 2},
	{"system-call", {0x0f, 0x34}, 2},
	{"system-call", {0xcd, 0x80}, 2},
};
enum {
	SEQUENCES = sizeof(sequences) / sizeof(*sequences)
};

static void refused(const char *reason, const char *where, size_t n)
{
	const struct body body = {&g, sizeof(g)};

	(void)forged_refused(&live, &body, reason, "%s, byte %zu", where, n);
}

/* text and text2 stand next to each other. */
static void places(unsigned i)
{
	const uint8_t *bytes = sequences[i].bytes;
	size_t len = sequences[i].len;

	for (size_t in_first = 0; in_first <= len; in_first++) {
		forged_make(&g);
		(void)memcpy(g.text + GOOD_PAGE - in_first, bytes, len);
		refused(sequences[i].reason, "from segment to segment",
			in_first);
	}
	forged_make(&g);
	(void)memcpy(g.text2 + GOOD_PAGE - len, bytes, len);
	refused(sequences[i].reason, "the end of all code", GOOD_PAGE - len);
	forged_make(&g);
	(void)memcpy(g.text + 1, bytes, len);
	refused(sequences[i].reason, "the start of all code", 1);
}

/* No loader goes by them. */
static void lying_sections(void)
{
	static struct {
		struct good g;
		Elf64_Shdr section[2];
	} file;
	const struct body body = {&file, sizeof(file)};

	forged_make(&file.g);
	(void)memcpy(file.g.text2 + 99, forged_wrpkru, sizeof(forged_wrpkru));
	file.g.ehdr.e_shoff = offsetof(typeof(file), section);
	file.g.ehdr.e_shentsize = sizeof(Elf64_Shdr);
	file.g.ehdr.e_shnum = 2;
	file.section[1] = (Elf64_Shdr){.sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC,
		.sh_addr = offsetof(struct good, text),
		.sh_offset = offsetof(struct good, text),
		.sh_size = 64};
	(void)forged_refused(&live, &body, "wrpkru", "sections say: no code");
	file.section[1].sh_size = UINT64_MAX;
	(void)forged_refused(&live, &body, "wrpkru", "a section without end");
	file.g.ehdr.e_shoff = UINT64_MAX - 1;
	(void)forged_refused(&live, &body, "wrpkru", "sections nowhere");
}

static void nonsense(void)
{
	forged_make(&g);
	g.phdr[GOOD_TEXT2].p_memsz += GOOD_PAGE;
	g.phdr[GOOD_DATA].p_vaddr += GOOD_PAGE;
	refused("segment", "code with a tail of zeros", GOOD_PAGE);
	forged_make(&g);
	g.phdr[GOOD_TEXT].p_flags |= PF_W;
	refused("writable-code", "a segment", GOOD_TEXT);
	forged_make(&g);
	g.phdr[GOOD_DATA].p_flags |= PF_X;
	refused("writable-code", "a segment", GOOD_DATA);
	forged_make(&g);
	g.rela[GOOD_R_64].r_offset = offsetof(struct good, text) + 64;
	refused("relocation-into-code", "a word", 64);
	forged_make(&g);
	g.rela[GOOD_R_64].r_offset = offsetof(struct good, dyn) - 4;
	refused("relocation-target", "half a word in code", 4);
	forged_make(&g);
	g.phdr[GOOD_TEXT2].p_vaddr -= GOOD_PAGE;
	refused("segment-overlap", "the second piece on the first", 0);
}

/* In the file, in the same page of it, but no part of the segment. */
static void not_loaded(void)
{
	const size_t at = GOOD_PAGE - 8;
	uint8_t code[FORGED_CODE_MAX];
	size_t len = forged_read_near(code, (int32_t)(at - GOOD_ENTRY));

	forged_make(&g);
	(void)memcpy(g.text + GOOD_ENTRY, code, len);
	(void)memcpy(g.text + at, forged_wrpkru, sizeof(forged_wrpkru));
	g.phdr[GOOD_TEXT].p_filesz = g.phdr[GOOD_TEXT].p_memsz = at;
	attack_held(forged_value(&live, &g) == 0 && live.reply.len == 8,
		"behind a segment's end in its page: zeros in the image");
}

/* The first byte of the data behind the code, which ends in 0F 01. */
static void relocated(void)
{
	static const uint8_t go[] = {0xe9}; /* jmp */
	const int32_t way = GOOD_PAGE - 2 - (GOOD_ENTRY + 5);

	forged_make(&g);
	(void)memcpy(g.text + GOOD_ENTRY, go, sizeof(go));
	(void)memcpy(g.text + GOOD_ENTRY + sizeof(go), &way, sizeof(way));
	(void)memcpy(g.text + GOOD_PAGE - 2, forged_wrpkru, 2);
	g.phdr[GOOD_TEXT2].p_flags = PF_R | PF_W;
	g.rela[GOOD_R_64] = (Elf64_Rela){offsetof(struct good, text2),
		ELF64_R_INFO(0, R_X86_64_RELATIVE), forged_wrpkru[2]};
	attack_held(forged_deploy(&live, &g, ""),
		"data that a relocation completes: no code, and admitted");
	live_do(&live, "forged", "x");
	if (!attack_held(live_is(&live, live_crashed) && live_well(&live),
		    "... nor can it be run"))
		live_say(&live);
}

static void control(void)
{
	static const struct live_options unseen = {.without = "code"};
	static const struct live_options all = {.without = "object"};
	uint8_t code[FORGED_CODE_MAX];
	size_t len;

	live_start(&live, &unseen);
	len = forged_read(code, live_where(&live, "deeds_secret"));
	forged_make(&g);
	(void)memcpy(g.text + GOOD_PAGE - 7, forged_zeros, 6);
	g.text[GOOD_PAGE - 1] = forged_wrpkru[0];
	(void)memcpy(g.text2, forged_wrpkru + 1, 2);
	(void)memcpy(g.text2 + 2, code, len);
	g.sym[GOOD_HANDLER].st_value =
		offsetof(struct good, text) + GOOD_PAGE - 7;
	attack_worked(forged_value(&live, &g) == LIVE_SECRET,
		"unseen, bytes from segment to segment open all keys");
	(void)live_stop(&live);

	live_start(&live, &all);
	forged_make(&g);
	g.rela[GOOD_R_64].r_offset = offsetof(struct good, text) + 64;
	(void)forged_deploy(&live, &g, "");
	attack_worked(daemon_died(&live.daemon, 5000) != 0,
		"unrefused, a relocation into code ends the daemon");
}

static void run(void)
{
	live_start(&live, NULL);
	for (unsigned i = 0; i < SEQUENCES; i++)
		places(i);
	lying_sections();
	nonsense();
	not_loaded();
	relocated();
	attack_held(live_stop(&live), "the daemon ends in peace");
	control();
}

const struct attack attack_a16 = {
	.id = "A16",
	.name = "native: forbidden bytes in the final image alone",
	.layer = "scan of the final image",
	.off = "the scan; all refusals",
	.run = run,
};
