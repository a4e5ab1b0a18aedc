/* The same program without the second: the house check must accept it. */
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
	mov	$0x90ee010f, %eax
	xor	%eax, %eax
	ret
	.size	main, . - main
	.section .note.GNU-stack, "", @progbits
