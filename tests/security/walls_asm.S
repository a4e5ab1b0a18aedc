/*
 * System calls that C can't make, and faults with another stack pointer. U. See
 * walls.h, frames.h.
 */
	.section .note.GNU-stack, "", @progbits
	.text

.macro FUNC name
	.globl	\name
	.type	\name, @function
	.balign	16
\name:
	endbr64
.endm

/* The arguments lie in the stack: all six registers are theirs. */
FUNC walls_int80
	push	%rbx
	push	%rbp
	mov	%rdi, %rax
	mov	8(%rax), %ebx
	mov	16(%rax), %ecx
	mov	24(%rax), %edx
	mov	32(%rax), %esi
	mov	40(%rax), %edi
	mov	48(%rax), %ebp
	mov	(%rax), %eax
	int	$0x80
	cltq
	pop	%rbp
	pop	%rbx
	ret

/* The child has our stack, vfork's and even fork's, as isolates' memory is
 * shared here: it must not write there. */
FUNC walls_fork
	mov	%rdi, %rax
	mov	%rsi, %rdi
	xor	%esi, %esi
	xor	%edx, %edx
	xor	%r10d, %r10d
	xor	%r8d, %r8d
	syscall
	test	%rax, %rax
	jnz	1f
	mov	$60, %eax
	xor	%edi, %edi
	syscall
	ud2
1:
	ret

.macro CHILD
	test	%rax, %rax
	jnz	1f
	xor	%ebp, %ebp
	mov	%r8, %rdi
	call	*%r9
	mov	$60, %eax
	xor	%edi, %edi
	syscall
	ud2
1:
	ret
.endm

FUNC walls_clone
	mov	%rcx, %r8
	mov	%rdx, %r9
	xor	%edx, %edx
	xor	%r10d, %r10d
	mov	$56, %eax
	syscall
	CHILD

FUNC walls_clone3
	mov	%rcx, %r8
	mov	%rdx, %r9
	mov	$435, %eax
	syscall
	CHILD

FUNC walls_sysenter
	mov	%rdi, %rax
	mov	%rsi, %rbx
	mov	%rdx, %rbp
	sysenter
	ud2

/* 0x23: the kernel's selector of 32-bit user code. */
FUNC walls_far
	mov	%rsi, %rsp
	push	$0x23
	push	%rdi
	lretq

/* Registers that the kernel will write into its frame. */
.macro MARK_REGISTERS
	mov	$0x4141414141414141, %rax
	.irp	r, rbx,rcx,rdx,rsi,rbp,r8,r9,r10,r11,r12,r13,r14,r15
	mov	%rax, %\r
	.endr
.endm

FUNC frames_page_at
	MARK_REGISTERS
	mov	%rdi, %rsp
	xor	%eax, %eax
	mov	%eax, (%rax)
	ud2

FUNC frames_noexec_at
	mov	$0x4141414141414141, %rax
	mov	%rdi, %rsp
	notrack jmp *%rsi

FUNC frames_key_at
	mov	%rsi, %rcx
	mov	$0x4141414141414141, %rax
	mov	%rdi, %rsp
	mov	%rax, (%rcx)
	ud2

FUNC frames_int3_at
	MARK_REGISTERS
	mov	%rdi, %rsp
	int3
	ud2

FUNC frames_icebp_at
	MARK_REGISTERS
	mov	%rdi, %rsp
	.byte	0xf1
	ud2

FUNC frames_hlt_at
	MARK_REGISTERS
	mov	%rdi, %rsp
	hlt
	ud2

FUNC frames_canonical_at
	MARK_REGISTERS
	mov	%rdi, %rsp
	mov	(%rax), %rax
	ud2

FUNC frames_step_at
	pushfq
	orq	$0x100, (%rsp)
	MARK_REGISTERS
	popfq
	mov	%rdi, %rsp
	ud2

FUNC frames_align_at
	pushfq
	orq	$0x40000, (%rsp)
	popfq
	mov	%rsi, %rcx
	mov	%rdi, %rsp
	mov	1(%rcx), %rax
	ud2

FUNC frames_simd_at
	movl	$0x1d80, -8(%rsp)
	ldmxcsr	-8(%rsp)
	MARK_REGISTERS
	mov	%rdi, %rsp
	xorps	%xmm0, %xmm0
	mov	$1, %eax
	cvtsi2ss %eax, %xmm1
	divss	%xmm0, %xmm1
	ud2

FUNC frames_x87_at
	movl	$0x37b, -8(%rsp)
	fldcw	-8(%rsp)
	MARK_REGISTERS
	mov	%rdi, %rsp
	fld1
	fldz
	fdivrp
	fwait
	ud2
