/*
 * The C library's lazy-binding resolvers, replaced. Theirs hold the only XRSTOR
 * of a static program, an instruction that can open every key; nothing calls
 * them here, since a static program binds nothing lazily. Defining all names of
 * that archive member keeps it out of the link, so the bytes are not there at
 * all. A call would be a bug: it dies.
 */
	.section .note.GNU-stack, "", @progbits
	.text
	.balign	16

	.irp	name, fxsave, xsave, xsavec
	.globl	_dl_runtime_resolve_\name
	.hidden	_dl_runtime_resolve_\name
	.type	_dl_runtime_resolve_\name, @function
_dl_runtime_resolve_\name:
	.endr

	.irp	name, sse, avx, avx512
	.globl	_dl_runtime_profile_\name
	.hidden	_dl_runtime_profile_\name
	.type	_dl_runtime_profile_\name, @function
_dl_runtime_profile_\name:
	.endr
	endbr64
	ud2
