/*
 * Both ends of the gate for test_gate.c: a caller that fills all registers,
 * enters and notes what it finds afterwards, and isolates that do the same from
 * the inside. Layout of the notes: struct notes in test_gate.c.
 */
	.section .note.GNU-stack, "", @progbits

#define NOTE_FLAGS 128
#define NOTE_SELECTOR 136
#define NOTE_FX 192
#define NOTE_YMM 704
#define DUMP -0x6000
#define DUMP2 -0x5000

	.text

/* Fills every general register but RDI, RSI, RDX, RCX, R8, RSP. */
.macro FILL_GENERAL seed
	mov	$(\seed + 3), %rbx
	mov	$(\seed + 5), %rbp
	mov	$(\seed + 9), %r9
	mov	$(\seed + 10), %r10
	mov	$(\seed + 11), %r11
	mov	$(\seed + 12), %r12
	mov	$(\seed + 13), %r13
	mov	$(\seed + 14), %r14
	mov	$(\seed + 15), %r15
.endm

.macro FILL_VECTORS
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	pcmpeqd	%xmm\n, %xmm\n
	.endr
	cmpl	$0, fake_has_avx(%rip)
	je	5f
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	vinsertf128 $1, %xmm\n, %ymm\n, %ymm\n
	.endr
5:
.endm

/* What stands in the registers, to [RAX]; RAX itself and the flags are on the
 * stack: flags below RAX. The flags are changed afterwards. */
.macro NOTE
	mov	%rcx, 8(%rax)
	mov	%rdx, 16(%rax)
	mov	%rbx, 24(%rax)
	mov	%rbp, 40(%rax)
	mov	%rsi, 48(%rax)
	mov	%rdi, 56(%rax)
	mov	%r8, 64(%rax)
	mov	%r9, 72(%rax)
	mov	%r10, 80(%rax)
	mov	%r11, 88(%rax)
	mov	%r12, 96(%rax)
	mov	%r13, 104(%rax)
	mov	%r14, 112(%rax)
	mov	%r15, 120(%rax)
	movzbl	%gs:40, %ecx
	mov	%rcx, NOTE_SELECTOR(%rax)
	fxsave64 NOTE_FX(%rax)
	cmpl	$0, fake_has_avx(%rip)
	je	5f
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	vextractf128 $1, %ymm\n, NOTE_YMM+16*\n(%rax)
	.endr
5:
	popq	NOTE_FLAGS(%rax)
	popq	0(%rax)
.endm

/* int fake_enter(int (*enter)(void), struct notes *notes) */
	.globl	fake_enter
	.type	fake_enter, @function
fake_enter:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rsi
	mov	%rdi, %rax
	FILL_GENERAL 0x7100
	FILL_VECTORS
	mov	$0x7101, %ecx
	mov	$0x7102, %edx
	mov	$0x7106, %esi
	mov	$0x7107, %edi
	mov	$0x7108, %r8d
	call	*%rax
	push	%rax
	pushfq
	mov	16(%rsp), %rax
	NOTE
	mov	0(%rax), %eax
	pop	%rsi
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

/*
 * Isolates: inside_main functions. RDI is the control block.
 *
 * fake_inside notes its registers, fills them with its own, makes hostcall 7,
 * notes what came back, and then makes hostcall 8 for ever.
 */
	.globl	fake_inside
	.type	fake_inside, @function
fake_inside:
	push	%rdi
	push	%rax
	pushfq
	lea	DUMP(%rdi), %rax
	NOTE
	FILL_GENERAL 0x1500
	FILL_VECTORS
	.rept	8
	fldpi
	.endr
	pushq	$0x027f
	fldcw	(%rsp)
	movq	$0x9fc0, (%rsp)
	ldmxcsr	(%rsp)
	movq	$0x40400, (%rsp)	/* AC and DF */
	popfq
	mov	$7, %edi
	mov	$0x1506, %esi
	mov	$0x1502, %edx
	mov	$0x1501, %ecx
	mov	$0x1508, %r8d
	call	gate_hostcall
	push	%rax
	pushfq
	mov	16(%rsp), %rax
	lea	DUMP2(%rax), %rax
	NOTE
1:
	mov	$8, %edi
	call	gate_hostcall
	jmp	1b

/* Runs for ever. */
	.globl	fake_spin
	.type	fake_spin, @function
fake_spin:
	jmp	fake_spin

	.globl	fake_trap
	.type	fake_trap, @function
fake_trap:
	ud2

	.globl	fake_null
	.type	fake_null, @function
fake_null:
	movq	$1, 0x1230
	ud2

	.globl	fake_divide
	.type	fake_divide, @function
fake_divide:
	xor	%ecx, %ecx
	mov	$1, %eax
	cltd
	idiv	%ecx
	ud2

	.globl	fake_break
	.type	fake_break, @function
fake_break:
	int3
	ud2

/* No stack at all. */
	.globl	fake_stackless
	.type	fake_stackless, @function
fake_stackless:
	xor	%esp, %esp
	push	%rax
	ud2

/* Without GS. */
	.globl	fake_no_gs
	.type	fake_no_gs, @function
fake_no_gs:
	xor	%eax, %eax
	mov	%eax, %gs
	ud2

/* Leaves by the exit, which it may, without a word in its control block. */
	.globl	fake_bare_exit
	.type	fake_bare_exit, @function
fake_bare_exit:
	xor	%esp, %esp
	jmp	gate_exit_soft

/* Jumps to pieces of the gate that are not for it. */
	.globl	fake_copy
	.type	fake_copy, @function
fake_copy:
	mov	%rdi, %rsi
	mov	$8, %edx
	call	gate_copy_soft
	ud2

	.globl	fake_trust
	.type	fake_trust, @function
fake_trust:
	xor	%edi, %edi
	call	gate_trust_soft
	ud2

	.globl	fake_exit_no_gs
	.type	fake_exit_no_gs, @function
fake_exit_no_gs:
	xor	%eax, %eax
	mov	%eax, %gs
	jmp	gate_exit_soft

	.data
	.globl	fake_has_avx
fake_has_avx:
	.long	0
