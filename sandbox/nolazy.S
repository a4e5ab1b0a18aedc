/*
 * No lazy binding. A static C library still brings the resolver of lazily bound
 * calls, and with it two XRSTOR that would take PKRU from memory. Nothing calls
 * it in a static program that never loads a library, but isolate code could
 * jump there. Objects given to the linker go before archives: with these six
 * names defined here, the library's own file with all its code stays out.
 *
 * For the static daemon alone. Trusted text; whoever comes here dies.
 */
	.text
	.irp name, _dl_runtime_resolve_fxsave, _dl_runtime_resolve_xsave, \
		_dl_runtime_resolve_xsavec, _dl_runtime_profile_sse, \
		_dl_runtime_profile_avx, _dl_runtime_profile_avx512
	.globl	\name
	.hidden	\name
	.type	\name, @function
\name:
	ud2
	.size	\name, . - \name
	.endr
	.section .note.GNU-stack, "", @progbits
