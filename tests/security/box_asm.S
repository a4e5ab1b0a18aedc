/*
 * Attacks that C can't say, and the traps that measure the gate. A test's; some
 * of it runs in T, some in U, see box_asm.h.
 */
#include "pkey/gate_asm.h"

#define BOX_DONE_NR 101
#define DUMP_FLAGS 128
#define DUMP_XSAVE 192

	.section .note.GNU-stack, "", @progbits
	.text

.macro FUNC name
	.globl	\name
	.type	\name, @function
	.balign	16
\name:
	endbr64
.endm

	.globl	box_asm_begin, box_asm_end
box_asm_begin:

FUNC box_enter_asm
	push	%rbx
	mov	%rsi, %rbx
	call	*%rdi
	pushfq
	popq	(%rbx)
	stmxcsr	8(%rbx)
	fnstcw	12(%rbx)
	pushq	$2
	popfq
	fninit
	ldmxcsr	box_mxcsr(%rip)
	pop	%rbx
	ret

.macro FILL_VECTORS from
	testl	$GATE_FEATURE_AVX, gate_const+CONST_FEATURES(%rip)
	jz	1f
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	vmovdqu	(\from), %ymm\n
	.endr
	testl	$GATE_FEATURE_AVX512, gate_const+CONST_FEATURES(%rip)
	jz	2f
	.irp	n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	vbroadcasti64x4	(\from), %zmm\n
	.endr
	.irp	n, 0,1,2,3,4,5,6,7
	kmovq	(\from), %k\n
	.endr
	jmp	2f
1:
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	movdqu	(\from), %xmm\n
	.endr
2:
.endm

FUNC box_enter_patterned
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdi
	FILL_VECTORS %rsi
	mov	(%rsi), %rax
	.irp	r, rbx,rcx,rdx,rsi,rdi,rbp,r8,r9,r10,r11,r12,r13,r14,r15
	mov	%rax, %\r
	.endr
	call	*(%rsp)
	pop	%rdi
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

FUNC box_fill_vectors
	FILL_VECTORS %rdi
	.rept	8
	fldt	(%rdi)
	.endr
	ret

/* RSI: 0 hostcall, 1 UD2, 2 until stopped. */
FUNC box_fill_general
	mov	(%rdi), %rax
	cmp	$1, %esi
	.irp	r, rbx,rcx,rdx,rsi,rdi,rbp,r8,r9,r10,r11,r12,r13,r14,r15
	mov	%rax, %\r
	.endr
	jb	2f
	ja	1f
	ud2
1:
	pause
	jmp	1b
2:
	mov	$BOX_DONE_NR, %edi
	jmp	gate_hostcall

FUNC box_jump
	cmpq	$0, 128(%rdi)
	je	1f
	xor	%eax, %eax
	mov	%eax, %gs
1:
	mov	(%rdi), %rax
	mov	8(%rdi), %rbx
	mov	16(%rdi), %rcx
	mov	24(%rdi), %rdx
	mov	32(%rdi), %rsi
	mov	48(%rdi), %rbp
	mov	56(%rdi), %rsp
	mov	64(%rdi), %r8
	mov	72(%rdi), %r9
	mov	80(%rdi), %r10
	mov	88(%rdi), %r11
	mov	96(%rdi), %r12
	mov	104(%rdi), %r13
	mov	112(%rdi), %r14
	mov	120(%rdi), %r15
	mov	40(%rdi), %rdi
	notrack jmp *%r11

FUNC box_jump_flags
	cmpq	$0, 128(%rdi)
	je	1f
	xor	%eax, %eax
	mov	%eax, %gs
1:
	mov	88(%rdi), %rax
	mov	%rax, 144(%rdi)
	mov	%cs, %eax
	mov	%rax, 152(%rdi)
	mov	136(%rdi), %rax
	mov	%rax, 160(%rdi)
	mov	56(%rdi), %rax
	mov	%rax, 168(%rdi)
	mov	%ss, %eax
	mov	%rax, 176(%rdi)
	lea	144(%rdi), %rsp
	mov	(%rdi), %rax
	mov	8(%rdi), %rbx
	mov	16(%rdi), %rcx
	mov	24(%rdi), %rdx
	mov	32(%rdi), %rsi
	mov	48(%rdi), %rbp
	mov	64(%rdi), %r8
	mov	72(%rdi), %r9
	mov	80(%rdi), %r10
	mov	88(%rdi), %r11
	mov	96(%rdi), %r12
	mov	104(%rdi), %r13
	mov	112(%rdi), %r14
	mov	120(%rdi), %r15
	mov	40(%rdi), %rdi
	iretq

/* Uses nothing but registers until it has its own rights back: T does not open
 * the isolate's memory, nor does another isolate's U. */
FUNC box_loot
	mov	(%rbx), %r14
	wrgsbase %r15
	mov	%r12d, %eax
	xor	%ecx, %ecx
	xor	%edx, %edx
	wrpkru
	mov	%r13, %rsp
	mov	%r14, %rdi
	call	box_got
	ud2

FUNC box_gs
	rdgsbase %rax
	ret

FUNC box_set_gs
	wrgsbase %rdi
	ret

/* RSP := \rsp unless 0, GS := 0 if \zero; kept in R8, R9. */
.macro DISGUISE rsp, zero
	mov	%rsp, %r8
	rdgsbase %r9
	test	\rsp, \rsp
	jz	1f
	mov	\rsp, %rsp
1:
	test	\zero, \zero
	jz	2f
	xor	%eax, %eax
	mov	%eax, %gs
2:
.endm

.macro UNDISGUISE
	mov	%r8, %rsp
	wrgsbase %r9
.endm

FUNC box_read
	DISGUISE %rsi, %rdx
	mov	(%rdi), %rax
	UNDISGUISE
	ret

FUNC box_write
	DISGUISE %rdx, %rcx
	mov	%rsi, (%rdi)
	UNDISGUISE
	ret

/* Registers that the kernel will write into its frame. */
.macro MARK_REGISTERS
	mov	$0x4141414141414141, %rax
	.irp	r, rbx,rcx,rdx,rsi,rbp,r8,r9,r10,r11,r12,r13,r14,r15
	mov	%rax, %\r
	.endr
.endm

FUNC box_trap_at
	MARK_REGISTERS
	mov	%rdi, %rsp
	ud2

FUNC box_divide_at
	MARK_REGISTERS
	mov	%rdi, %rsp
	xor	%ecx, %ecx
	div	%ecx
	ud2

FUNC box_syscall_at
	MARK_REGISTERS
	mov	%rdi, %rsp
	mov	$39, %eax
	syscall
	ud2

/* Each spoils one thing, then leaves; should it come back, it comes back. */
.macro SPOIL_FLAG name, bit
FUNC \name
	pushfq
	orq	$\bit, (%rsp)
	popfq
	mov	$BOX_DONE_NR, %edi
	jmp	gate_hostcall
.endm

	SPOIL_FLAG box_spoil_df, 0x400
	SPOIL_FLAG box_spoil_tf, 0x100
	SPOIL_FLAG box_spoil_nt, 0x4000
	SPOIL_FLAG box_spoil_ac, 0x40000
	SPOIL_FLAG box_spoil_id, 0x200000

FUNC box_spoil_mxcsr
	push	$0xe040
	ldmxcsr	(%rsp)
	pop	%rax
	mov	$BOX_DONE_NR, %edi
	jmp	gate_hostcall

/* Unmasked, with an exception pending and the stack full. */
FUNC box_spoil_x87
	push	$0
	fldcw	(%rsp)
	fld1
	fld1
	fld1
	fldz
	fdivrp
	pop	%rax
	mov	$BOX_DONE_NR, %edi
	jmp	gate_hostcall

FUNC box_spin_at
	MARK_REGISTERS
	mov	%rdi, %rsp
1:
	pause
	jmp	1b

FUNC box_sigreturn
	mov	%rdi, %rsp
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	$15, %eax
	syscall
	ud2

FUNC box_syscall
	mov	%rdi, %rax
	mov	16(%rax), %rsi
	mov	24(%rax), %rdx
	mov	32(%rax), %r10
	mov	40(%rax), %r8
	mov	48(%rax), %r9
	mov	8(%rax), %rdi
	mov	(%rax), %rax
	syscall
	ret

FUNC box_int80
	push	%rbx
	push	%rbp
	mov	%rdi, %rax
	xor	%ebx, %ebx
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%ebp, %ebp
	int	$0x80
	pop	%rbp
	pop	%rbx
	ret

FUNC box_naked_wrpkru
	xor	%ecx, %ecx
	xor	%edx, %edx
	wrpkru
	ret

/* To the dump at \to, which is not RAX, RCX or RDX. RSP as it is here. */
.macro DUMP to
	mov	%rax, (\to)
	mov	%rcx, 8(\to)
	mov	%rdx, 16(\to)
	mov	%rbx, 24(\to)
	mov	%rsp, 32(\to)
	mov	%rbp, 40(\to)
	mov	%rsi, 48(\to)
	mov	%rdi, 56(\to)
	mov	%r8, 64(\to)
	mov	%r9, 72(\to)
	mov	%r10, 80(\to)
	mov	%r11, 88(\to)
	mov	%r12, 96(\to)
	mov	%r13, 104(\to)
	mov	%r14, 112(\to)
	mov	%r15, 120(\to)
	pushfq
	popq	DUMP_FLAGS(\to)
	mov	$-1, %eax
	mov	$-1, %edx
	xsave	DUMP_XSAVE(\to)
.endm

FUNC box_dump_after_call
	push	%rbp
	mov	%rsi, %rbp
	xor	%esi, %esi
	xor	%edx, %edx
	xor	%ecx, %ecx
	xor	%r8d, %r8d
	call	gate_hostcall
	DUMP	%rbp
	pop	%rbp
	ret

FUNC box_start_dumping
	DUMP	%rbp
	mov	%rbp, %rdi
	xor	%ebp, %ebp
	call	*%rbx
	ud2

box_asm_end:

	.section .rodata
	.balign	4
box_mxcsr:
	.long	0x1f80

	/* A stack that everybody can read: key S. */
	.section .data.rel.ro, "aw", @progbits
	.balign	64
	.globl	box_returns
box_returns:
	.rept	64
	.quad	box_loot
	.endr
