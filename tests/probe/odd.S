/*
 * Handlers that keep to no convention, an entry point each: U, mapped and called
 * as native functions are. What each leaves behind is for the runtime not to
 * notice; the engine's inside half, in the same isolate, may.
 */
	.section .note.GNU-stack, "", @progbits

.macro ENTRY name
	.globl \name
	.type \name, @function
\name:
.endm

	.text
	/* Each replies null, all zero: GV_JSON without a body. */
ENTRY plain
	xor %eax, %eax
	ret

ENTRY direction
	std
	xor %eax, %eax
	ret

ENTRY alignment
	pushf
	orl $0x40000, (%rsp)
	popf
	mov $0, %eax
	ret

ENTRY identification
	pushf
	xorl $0x200000, (%rsp)
	popf
	mov $0, %eax
	ret

ENTRY nested
	pushf
	orl $0x4000, (%rsp)
	popf
	mov $0, %eax
	ret

	/* All exceptions on, towards zero, denormals are zero. */
ENTRY sse
	sub $8, %rsp
	movl $0xe040, (%rsp)
	ldmxcsr (%rsp)
	add $8, %rsp
	xor %eax, %eax
	ret

	/* All exceptions on, single precision; a stack that is full. */
ENTRY x87
	sub $8, %rsp
	movl $0x0c00, (%rsp)
	fldcw (%rsp)
	.rept 8
	fldpi
	.endr
	add $8, %rsp
	xor %eax, %eax
	ret

	/* One pending: the next x87 instruction that waits traps. */
ENTRY pending
	sub $8, %rsp
	movl $0x0300, (%rsp)
	fldcw (%rsp)
	fld1
	fldz
	fdivrp
	add $8, %rsp
	xor %eax, %eax
	ret

ENTRY mmx
	pcmpeqd %mm0, %mm0
	pcmpeqd %mm7, %mm7
	xor %eax, %eax
	ret

	/* AVX is there on every machine that has protection keys. */
ENTRY upper
	vpcmpeqd %xmm0, %xmm0, %xmm0
	vinsertf128 $1, %xmm0, %ymm0, %ymm0
	.irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovaps %ymm0, %ymm\n
	.endr
	xor %eax, %eax
	ret

	/* What a callee has to keep. */
ENTRY saved
	mov $-1, %rbx
	mov %rbx, %rbp
	mov %rbx, %r12
	mov %rbx, %r13
	mov %rbx, %r14
	mov %rbx, %r15
	xor %eax, %eax
	ret

	/* Returns with the stack pointer elsewhere. */
ENTRY higher
	pop %rcx
	add $64, %rsp
	xor %eax, %eax
	jmp *%rcx

ENTRY lower
	pop %rcx
	sub $4096, %rsp
	xor %eax, %eax
	jmp *%rcx

ENTRY nowhere
	pop %rcx
	xor %esp, %esp
	xor %eax, %eax
	jmp *%rcx

ENTRY crooked
	pop %rcx
	sub $1, %rsp
	xor %eax, %eax
	jmp *%rcx

	/* Segments that may be loaded by anybody. */
ENTRY segments
	mov %ss, %eax
	mov %eax, %ds
	mov %eax, %es
	xor %eax, %eax
	ret

ENTRY gs
	xor %eax, %eax
	mov %eax, %gs
	ret

ENTRY fs
	xor %eax, %eax
	mov %eax, %fs
	ret

	/* In the middle of an instruction: B8 and 31 C0 C3 90. */
	.globl middle
	.type middle, @function
	.set middle, 1f + 1
1:	mov $0x90c3c031, %eax
	ret

	.globl handler
	.set handler, plain
	.type handler, @function

	/* The last byte of all code. */
	.section .text.last, "ax", @progbits
	.fill 4096 - 1, 1, 0x90
ENTRY last
	ret

	.data
	.globl data
	.type data, @function
data:	ret
