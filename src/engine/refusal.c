/*
 * The refusals' names and texts, and the list. Outside, control thread; trusts
 * nothing in the texts it is given but their length.
 */
#include "engine/refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

static const struct {
	const char *name;
	const char *text;
} codes[N_REFUSALS] = {
	[REFUSAL_NOT_ELF] = {"not-elf", "this is no ELF file"},
	[REFUSAL_NOT_64] = {"not-elf64",
		"only 64-bit little-endian objects are admitted"},
	[REFUSAL_NOT_X86_64] = {"not-x86-64",
		"the code is for another processor"},
	[REFUSAL_NOT_SHARED] = {"not-shared-object",
		"only shared objects are admitted: link with -shared"},
	[REFUSAL_TOO_LARGE] = {"too-large",
		"the object is beyond a limit of this program"},
	[REFUSAL_HEADER] = {"header", "the file header makes no sense"},
	[REFUSAL_SEGMENT] = {"segment", "a program header makes no sense"},
	[REFUSAL_OVERLAP] = {"segment-overlap",
		"segments must ascend and share no page: link with "
		"-z separate-code"},
	[REFUSAL_WRITABLE_CODE] = {"writable-code",
		"a segment is writable and executable"},
	[REFUSAL_EXECUTABLE_STACK] = {"executable-stack",
		"the object wants an executable stack: link with "
		"-z noexecstack"},
	[REFUSAL_INTERPRETER] = {"interpreter",
		"this is a program, no function: link with -shared"},
	[REFUSAL_DYNAMIC] = {"dynamic", "the dynamic section makes no sense"},
	[REFUSAL_DYNAMIC_TAG] = {"dynamic-tag",
		"an entry of the dynamic section is not understood"},
	[REFUSAL_NEEDED] = {"needed",
		"libraries are not loaded: link with -nostdlib, and "
		"statically what is needed"},
	[REFUSAL_SEARCH_PATH] = {"search-path",
		"DT_RPATH or DT_RUNPATH: nothing is searched for"},
	[REFUSAL_AUDIT] = {"audit", "DT_AUDIT or DT_DEPAUDIT: nobody audits"},
	[REFUSAL_FILTER] = {"filter",
		"DT_FILTER or DT_AUXILIARY: nothing else is loaded"},
	[REFUSAL_VERSIONS] = {"versions-needed",
		"symbol versions of a library are needed, and no library is "
		"loaded"},
	[REFUSAL_TEXT_RELOCATIONS] = {"text-relocations",
		"code would have to be changed after the scan: compile with "
		"-fPIC"},
	[REFUSAL_TLS] = {"tls",
		"thread-local variables are not supported: use plain ones, "
		"each isolate has its own"},
	[REFUSAL_IFUNC] = {"ifunc",
		"functions chosen at load time (IFUNC) are not supported"},
	[REFUSAL_SYMBOL] = {"symbol", "the symbol table makes no sense"},
	[REFUSAL_UNDEFINED] = {"undefined-symbol",
		"neither the object nor the runtime defines it"},
	[REFUSAL_RELOCATION] = {"relocation",
		"the relocation table makes no sense"},
	[REFUSAL_RELOCATION_TYPE] = {"relocation-type",
		"a relocation of a kind that is not supported; packed ones "
		"are avoided by linking with -z nopack-relative-relocs"},
	[REFUSAL_RELOCATION_CODE] = {"relocation-into-code",
		"a relocation would change code after the scan: compile with "
		"-fPIC"},
	[REFUSAL_RELOCATION_TARGET] = {"relocation-target",
		"a relocation outside the writable segments"},
	[REFUSAL_INIT] = {"init", "constructors outside the object's code"},
	[REFUSAL_ENTRY_MISSING] = {"entry-missing",
		"the object exports no function of this name"},
	[REFUSAL_ENTRY_NO_CODE] = {"entry-not-code",
		"the entry point is no code of the object"},
	[REFUSAL_ABI] = {"abi-version",
		"the object was built for another version of function.h than "
		"this program knows"},
	[REFUSAL_WRPKRU] = {"wrpkru",
		"the bytes of WRPKRU, which changes the rights to memory"},
	[REFUSAL_XRSTOR] = {"xrstor",
		"the bytes of XRSTOR, which can change the rights to memory"},
	[REFUSAL_WRITE_BASE] = {"write-base",
		"the bytes of WRFSBASE or WRGSBASE, which change a base that "
		"the runtime relies on"},
	[REFUSAL_RSEQ] = {"rseq-signature",
		"the signature before a handler of restartable sequences"},
	[REFUSAL_SYSTEM_CALL] = {"system-call",
		"the bytes of a system call; met by chance they go with "
		"another "
		"-O level or compiler"},
};

void refusals_init(struct refusals *r)
{
	memset(r->counts, 0, sizeof(r->counts));
	r->n_total = 0;
	r->n = 0;
}

struct refusal *refusals_add(
	struct refusals *r, enum refusal_code code, const char *fmt, ...)
{
	struct refusal *one;
	va_list ap;

	CHECK(code < N_REFUSALS);
	r->n_total++;
	if (r->counts[code]++ >= REFUSALS_EACH)
		return NULL;
	one = &r->kept[r->n++];
	*one = (struct refusal){.code = code,
		.offset = REFUSAL_NOWHERE,
		.address = REFUSAL_NOWHERE};
	va_start(ap, fmt);
	(void)vsnprintf(one->detail, sizeof(one->detail), fmt, ap);
	va_end(ap);
	return one;
}

const char *refusal_name(enum refusal_code code)
{
	CHECK(code < N_REFUSALS);
	return codes[code].name;
}

const char *refusal_text(enum refusal_code code)
{
	CHECK(code < N_REFUSALS);
	return codes[code].text;
}
