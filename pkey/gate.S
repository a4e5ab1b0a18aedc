/*
 * The gate: the only code in the process that changes PKRU, and beside the
 * kernel the only code that changes the FS or GS base.
 *
 * Who may run this: anybody. PKU does not check instruction fetches, so an
 * isolate can jump to any byte below with registers of its choice. Each piece
 * is written for that reader:
 *
 *   - after every WRPKRU stands a check that dies (UD2) unless the value in
 *     EAX and the state of this very thread are what the path is for;
 *   - GS is believed only after it was found to be one of the gate pages, to
 *     name itself, and on the way out to belong to this CPU's worker;
 *   - nothing else that isolate code can set is believed: the context comes
 *     from the worker's page (key S, read-only in U) and from key 0;
 *   - before a WRPKRU that opens, everything only prepares; what it prepares in
 *     key 0 it could not have stored when it came from an isolate.
 *
 * The pieces are assembled twice: gate_*_mpk, and gate_*_soft for machines
 * without keys, which leaves out PKRU and keeps stacks, FS, dispatch and
 * scrubbing the same.
 *
 * Notation: T, U, S, P as in docs/architecture.md. Structures: gate.h.
 */
#include "pkey/gate_asm.h"

	.section .note.GNU-stack, "", @progbits
	.text
	.hidden	gate_code_begin, gate_code_end
	.globl	gate_code_begin, gate_code_end
gate_code_begin:

.macro DIE_UNLESS cc
	j\cc	9f
	ud2
9:
.endm

/*
 * RDX := GS base, or death. Tells this thread's page from any address an
 * isolate can bring GS to (zero, by loading a selector). Changes RCX, flags.
 */
.macro FIND_PAGE
	rdgsbase %rdx
	mov	%rdx, %rcx
	sub	gate_const+CONST_PAGES(%rip), %rcx
	cmp	gate_const+CONST_PAGES_LEN(%rip), %rcx
	DIE_UNLESS b
	test	$0xfff, %ecx
	DIE_UNLESS z
	cmp	%rdx, PAGE_SELF(%rdx)
	DIE_UNLESS e
.endm

/* RSI := page in RDX, whose CPU must be this one. Changes RAX, RCX, RDX. An
 * unpinned thread (never a worker) has -1 there. */
.macro CHECK_CPU
	mov	%rdx, %rsi
	rdtscp
	cmpl	$-1, PAGE_AUX(%rsi)
	je	8f
	cmp	%ecx, PAGE_AUX(%rsi)
	DIE_UNLESS e
8:
.endm

/* In T, at a place that only trusted code has business in. Changes RCX, RDX. */
.macro CHECK_TRUSTED
	FIND_PAGE
	mov	PAGE_THREAD(%rdx), %rdx
	cmpq	$GATE_STATE_TRUSTED, THREAD_STATE(%rdx)
	DIE_UNLESS e
.endm

/* PKRU := EAX. */
.macro SET_PKRU
	xor	%ecx, %ecx
	xor	%edx, %edx
	wrpkru
.endm

/* PKRU := T, and death for whoever came here with another value in EAX. */
.macro OPEN_TRUSTED
	SET_PKRU
	cmp	gate_const+CONST_PKRU(%rip), %eax
	DIE_UNLESS e
.endm

/* Flags, MXCSR and x87 control as the C ABI wants them, whatever came in. */
.macro CONSTANT_CONTROLS
	pushq	$2
	popfq
	fninit
	ldmxcsr	gate_const+CONST_MXCSR(%rip)
.endm

/* The eight x87 registers: FNINIT only marks them empty, their bits stay. T
 * uses no x87, so once per round trip, on the way out, is enough. */
.macro SCRUB_X87
	.rept	8
	fldz
	.endr
	fninit
.endm

/* Selectors mean nothing in 64-bit code but for the bases of FS and GS, which
 * are written next; left alone the next isolate could read them. Loading one
 * costs 100 cycles and more, so only who changed them pays. Changes RCX, RDX. */
.macro SCRUB_SELECTORS
	mov	%ds, %ecx
	mov	%es, %edx
	or	%edx, %ecx
	mov	%fs, %edx
	or	%edx, %ecx
	jz	7f
	xor	%ecx, %ecx
	mov	%ecx, %ds
	mov	%ecx, %es
	mov	%ecx, %fs
7:
.endm

/* All vector and mask registers. AMX's tiles need a permission nobody asked for,
 * their configuration none: TILERELEASE clears it, permitted or not. */
.macro SCRUB_VECTORS
	testl	$GATE_FEATURE_AVX, gate_const+CONST_FEATURES(%rip)
	jz	7f
	vzeroall
	testl	$GATE_FEATURE_AVX512, gate_const+CONST_FEATURES(%rip)
	jz	8f
	.irp	n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	vpxorq	%zmm\n, %zmm\n, %zmm\n
	.endr
	.irp	n, 0,1,2,3,4,5,6,7
	kxorq	%k\n, %k\n, %k\n
	.endr
	testl	$GATE_FEATURE_AMX, gate_const+CONST_FEATURES(%rip)
	jz	8f
	tilerelease
	jmp	8f
7:
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	pxor	%xmm\n, %xmm\n
	.endr
8:
.endm

.macro ZERO regs:vararg
	.irp	r, \regs
	xor	%\r, %\r
	.endr
.endm

.macro PUSH_CALLEE_SAVED
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
.endm

.macro POP_CALLEE_SAVED
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
.endm

.macro FUNC name
	.globl	\name
	.hidden	\name
	.type	\name, @function
	.balign	64
\name:
	endbr64
.endm

.macro END name
	.size	\name, . - \name
.endm

/*
 * int gate_enter(void): T. Continues the isolate named by this worker's page;
 * returns when it leaves: GATE_LEFT, GATE_ABORTED (its thread's fault record
 * says why) or GATE_REFUSED (a stop came in before it ran).
 *
 * State comes before the look at `stop`: a signal before that store is noted
 * there and seen here, one after it finds an isolate and aborts it. So there is
 * no moment at which a stop is lost.
 */
.macro GATE_ENTER name, mpk
FUNC \name
	PUSH_CALLEE_SAVED
	mov	%gs:PAGE_THREAD, %rax
	mov	%rsp, THREAD_RSP(%rax)
	movq	$GATE_STATE_ISOLATE, THREAD_STATE(%rax)
	cmpq	$0, THREAD_STOP(%rax)
	jne	.Lrefused_\name
	ldmxcsr	gate_const+CONST_MXCSR(%rip)
	SCRUB_VECTORS
	mov	%gs:PAGE_FS, %rcx
	wrfsbase %rcx
	movb	$GATE_SELECTOR_BLOCK, %gs:PAGE_SELECTOR
.if \mpk
	mov	%gs:PAGE_PKRU, %eax
	SET_PKRU
	/* U: key 0 and P are shut, S is not writable, and the value is the
	 * one this worker's page names. */
	mov	%eax, %ecx
	and	gate_const+CONST_DENIED(%rip), %ecx
	cmp	gate_const+CONST_DENIED(%rip), %ecx
	DIE_UNLESS e
.endif
	FIND_PAGE
.if \mpk
	cmp	%eax, PAGE_PKRU(%rdx)
	DIE_UNLESS e
.endif
	/* From here all is read with the isolate's own rights. */
	mov	PAGE_CTL(%rdx), %rdi
	mov	CTL_RSP(%rdi), %rsp
	POP_CALLEE_SAVED
	mov	CTL_RET(%rdi), %rax
	ZERO	ecx, edx, esi, edi, r8d, r9d, r10d, r11d
	ret
.Lrefused_\name:
	movq	$GATE_STATE_TRUSTED, THREAD_STATE(%rax)
	POP_CALLEE_SAVED
	mov	$GATE_REFUSED, %eax
	ret
END \name
.endm

/*
 * The way out, reached from gate_hostcall() or by a jump from anywhere. Takes
 * nothing from the isolate: what it wants to say stands in its control block.
 */
.macro GATE_EXIT name, mpk
FUNC \name
.if \mpk
	mov	gate_const+CONST_PKRU(%rip), %eax
	OPEN_TRUSTED
.endif
	FIND_PAGE
	CHECK_CPU
	mov	PAGE_THREAD(%rsi), %rdi
	cmpq	$GATE_STATE_ISOLATE, THREAD_STATE(%rdi)
	DIE_UNLESS e
	mov	THREAD_RSP(%rdi), %rsp
	movq	$GATE_STATE_TRUSTED, THREAD_STATE(%rdi)
	SCRUB_SELECTORS
	mov	THREAD_FS(%rdi), %rcx
	wrfsbase %rcx
	movb	$GATE_SELECTOR_ALLOW, PAGE_SELECTOR(%rsi)
	CONSTANT_CONTROLS
	SCRUB_X87
	SCRUB_VECTORS
	POP_CALLEE_SAVED
	ZERO	ecx, edx, esi, edi, r8d, r9d, r10d, r11d
	mov	$GATE_LEFT, %eax
	ret
END \name
.endm

/*
 * void gate_copy(void *dst, const void *src, size_t len, uint32_t pkru): T.
 * memcpy with one isolate's key open. The state check turns away an isolate
 * that jumps to either WRPKRU: its thread is not in state TRUSTED.
 */
.macro GATE_COPY name, mpk
FUNC \name
	mov	%rdx, %r8
.if \mpk
	mov	%ecx, %eax
	SET_PKRU
.endif
	CHECK_TRUSTED
	mov	%r8, %rcx
	rep movsb
.if \mpk
	mov	gate_const+CONST_PKRU(%rip), %eax
	OPEN_TRUSTED
	CHECK_TRUSTED
.endif
	ZERO	ecx, edx, esi, edi, r8d
	ret
END \name
.endm

/*
 * void gate_trust(uint32_t pkru): a trusted thread's first step: PKRU := T,
 * which the caller must name because S, where it stands, is not open yet.
 */
.macro GATE_TRUST name, mpk
FUNC \name
.if \mpk
	mov	%edi, %eax
	OPEN_TRUSTED
.endif
	CHECK_TRUSTED
	ret
END \name
.endm

/*
 * Signal handler (sig, siginfo, ucontext), entered by the kernel on the
 * thread's alternate stack with the default PKRU: key 0 open, all else shut.
 * In U neither load before WRGSBASE survives, nor the one after it.
 *
 * What the kernel handed over is put into key 0 and only believed again, behind
 * WRPKRU, if in_fault says that this was done: a jump to the WRPKRU brings
 * made-up pointers in registers and finds in_fault zero.
 */
.macro GATE_FAULT name, mpk
FUNC \name
	mov	%rsp, %rax
	or	$(GATE_ALTSTACK_SIZE - 1), %rax
	mov	-7(%rax), %rax
	cmpq	$0, gate_key0(%rip)
	xor	%ecx, %ecx
	mov	%ecx, %gs
	mov	THREAD_PAGE(%rax), %rcx
	wrgsbase %rcx
	cmpq	$0, gate_key0(%rip)
	mov	%rdi, THREAD_SIG(%rax)
	mov	%rsi, THREAD_INFO(%rax)
	mov	%rdx, THREAD_UC(%rax)
	mov	%rsp, THREAD_FAULT_SP(%rax)
	movq	$1, THREAD_IN_FAULT(%rax)
.if \mpk
	mov	THREAD_PKRU(%rax), %eax
	OPEN_TRUSTED
.endif
	FIND_PAGE
	CHECK_CPU
	mov	PAGE_THREAD(%rsi), %rdi
	cmpq	$1, THREAD_IN_FAULT(%rdi)
	DIE_UNLESS e
	mov	THREAD_FAULT_SP(%rdi), %rsp
	SCRUB_SELECTORS
	mov	THREAD_FS(%rdi), %rcx
	wrfsbase %rcx
	movb	$GATE_SELECTOR_ALLOW, PAGE_SELECTOR(%rsi)
	CONSTANT_CONTROLS
	SCRUB_VECTORS
	mov	%rdi, %rbx
	and	$-16, %rsp
	xor	%ebp, %ebp
	call	fault_handle
	/* Only here is rt_sigreturn called: with the cookie, and with a frame
	 * whose PKRU is T (fault_handle saw to it). */
	mov	%rbx, %rax
	mov	THREAD_FAULT_SP(%rax), %rsp
	add	$8, %rsp
	mov	THREAD_COOKIE(%rax), %rdi
	mov	%rdi, %rsi
	not	%rsi
	movq	$0, THREAD_IN_FAULT(%rax)
	mov	$15, %eax
	syscall
	ud2
END \name
.endm

	GATE_ENTER gate_enter_mpk, 1
	GATE_EXIT gate_exit_mpk, 1
	GATE_COPY gate_copy_mpk, 1
	GATE_TRUST gate_trust_mpk, 1
	GATE_FAULT gate_fault_mpk, 1

	GATE_ENTER gate_enter_soft, 0
	GATE_EXIT gate_exit_soft, 0
	GATE_COPY gate_copy_soft, 0
	GATE_TRUST gate_trust_soft, 0
	GATE_FAULT gate_fault_soft, 0

/*
 * Where an aborted isolate's thread continues after rt_sigreturn: on the
 * trusted stack of its gate_enter(), every register cleared by the frame.
 */
FUNC gate_aborted
	POP_CALLEE_SAVED
	mov	$GATE_ABORTED, %eax
	ret
END gate_aborted

/* uint64_t gate_hostcall(nr, a, b, c, d): U. */
FUNC gate_hostcall
	PUSH_CALLEE_SAVED
	mov	%gs:PAGE_CTL, %rax
	mov	%rdi, CTL_NR(%rax)
	mov	%rsi, CTL_ARGS(%rax)
	mov	%rdx, CTL_ARGS+8(%rax)
	mov	%rcx, CTL_ARGS+16(%rax)
	mov	%r8, CTL_ARGS+24(%rax)
	mov	%rsp, CTL_RSP(%rax)
	jmp	*gate_const+CONST_EXIT(%rip)
END gate_hostcall

/*
 * First instruction of a new isolate, reached by gate_enter's RET with the
 * values its prepared stack gave: RBX main function, RBP its argument.
 */
FUNC gate_start
	mov	%rbp, %rdi
	xor	%ebp, %ebp
	call	*%rbx
	ud2
END gate_start

gate_code_end:

	/* Key 0, touched to prove the right to. */
	.data
	.balign	8
	.hidden	gate_key0
gate_key0:
	.quad	0

	/* Key S, read-only once gate_init() filled it. */
	.section .gv_shared, "aw", @progbits
	.balign	4096
	.globl	gate_const
	.hidden	gate_const
	.type	gate_const, @object
gate_const:
	.zero	4096
	.size	gate_const, 4096
