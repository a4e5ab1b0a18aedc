/* A program with WRPKRU in its gate and, unaligned, in one place elsewhere: the
 * house check must refuse it. */
	.text
	.globl	gate_enter
	.type	gate_enter, @function
gate_enter:
	.byte	0x0f, 0x01, 0xef
	ret
	.size	gate_enter, . - gate_enter
	.globl	main
	.type	main, @function
main:
	mov	$0x90ef010f, %eax
	xor	%eax, %eax
	ret
	.size	main, . - main
	.section .note.GNU-stack, "", @progbits
