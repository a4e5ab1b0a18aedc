#pragma once
/* Pieces of assembly for attacks and their controls (box_asm.S). */
#include <stdint.h>

/* T: enter(), and what the runtime finds in its registers after it. */
struct box_after {
	uint64_t flags;
	uint32_t mxcsr;
	uint16_t x87;
	uint16_t pad;
};
int box_enter_asm(int (*enter)(void), struct box_after *after);

/* The same with all registers full of a pattern at the moment of entry, but
 * x87's, and the callee's to save. */
int box_enter_patterned(int (*enter)(void), const void *pattern);

/* U: all registers as given, then a jump to r11. */
struct box_jump {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t gs_zero;
	/* The flags to arrive with, and room for the IRET that sets them. */
	uint64_t flags;
	uint64_t iret[5];
};
__attribute__((noreturn)) void box_jump(const struct box_jump *j);
/* The same, by IRET. */
__attribute__((noreturn)) void box_jump_flags(struct box_jump *j);

/* Where a jump's RET leads: reads the secret at RBX, takes back the rights in
 * R12, the stack in R13 and the GS base in R15, leaves with what it got. */
void box_loot(void);
/* A stack of its address, in key S. */
extern const uint64_t box_returns[64];
/* U: GS base. */
uint64_t box_gs(void);
void box_set_gs(uint64_t gs);

/* U: reads or writes one word with another stack pointer and GS. */
uint64_t box_read(const uint64_t *at, uint64_t rsp, uint64_t gs_zero);
void box_write(uint64_t *at, uint64_t value, uint64_t rsp, uint64_t gs_zero);

/* U: each of these with another stack pointer; registers are patterned. */
void box_trap_at(uint64_t rsp);
void box_divide_at(uint64_t rsp);
void box_syscall_at(uint64_t rsp);

/* U: each spoils a control register or flag, then leaves with BOX_DONE. */
void box_spoil_df(void);
void box_spoil_tf(void);
void box_spoil_nt(void);
void box_spoil_ac(void);
void box_spoil_id(void);
void box_spoil_mxcsr(void);
void box_spoil_x87(void);

/* U: spins there until it is stopped. */
void box_spin_at(uint64_t rsp);

/* U: rt_sigreturn over the frame at rsp. */
void box_sigreturn(uint64_t rsp, uint64_t rdi, uint64_t rsi);

/* U: system calls in all dialects; n[0] number, n[1..6] arguments. */
uint64_t box_syscall(const uint64_t n[7]);
uint64_t box_int80(uint64_t nr);

/* A gate as it must not be: PKRU := EAX, then return. */
void box_naked_wrpkru(void);

/* All of this; it has WRPKRUs of its own, unlike the product's text. */
extern const unsigned char box_asm_begin[], box_asm_end[];

struct box_dump {
	uint64_t gpr[16]; /* rax rcx rdx rbx rsp rbp rsi rdi r8 ... r15 */
	uint64_t flags;
	uint64_t pad[7];
	unsigned char xsave[4096] __attribute__((aligned(64)));
};
/* A hostcall, after which all registers are stored to d. */
void box_dump_after_call(uint64_t nr, struct box_dump *d);
/* The first instruction of an isolate: dumps to RBP, calls RBX(RBP). */
void box_start_dumping(void);
/* U: fills the general registers, then leaves: by hostcall, trap or stop. */
enum box_leaving {
	BOX_BY_CALL,
	BOX_BY_TRAP,
	BOX_BY_STOP,
};
void box_fill_general(const void *pattern, enum box_leaving how);
/* U: fills vector and x87 registers from pattern (32 bytes). */
void box_fill_vectors(const void *pattern);
