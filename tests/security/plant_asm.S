/* See plant_asm.h. A test's; runs in U. */
	.section .note.GNU-stack, "", @progbits
	.text

.macro FUNC name
	.globl	\name
	.type	\name, @function
	.balign	16
\name:
	endbr64
.endm

FUNC plant_jump
	mov	32(%rdi), %rsp
	push	128(%rdi)
	mov	(%rdi), %rax
	mov	8(%rdi), %rcx
	mov	16(%rdi), %rdx
	mov	24(%rdi), %rbx
	mov	40(%rdi), %rbp
	mov	48(%rdi), %rsi
	mov	64(%rdi), %r8
	mov	72(%rdi), %r9
	mov	80(%rdi), %r10
	mov	88(%rdi), %r11
	mov	96(%rdi), %r12
	mov	104(%rdi), %r13
	mov	112(%rdi), %r14
	mov	120(%rdi), %r15
	mov	56(%rdi), %rdi
	ret

FUNC plant_opened
	mov	plant_context(%rip), %rsp
	mov	plant_context+8(%rip), %rdi
	call	plant_loot
	ud2

FUNC plant_rebased
	rdfsbase %rsi
	rdgsbase %rdx
	mov	(%rsp), %rax
	wrfsbase %rax
	mov	8(%rsp), %rax
	wrgsbase %rax
	mov	16(%rsp), %rdi
	call	plant_bases
	ud2

	.bss
	.balign	8
	.globl	plant_context
plant_context:
	.zero	16
