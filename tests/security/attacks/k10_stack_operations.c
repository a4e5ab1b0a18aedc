/*
 * Instructions that touch memory through RSP or RBP without naming it: pushes,
 * calls, returns, frames. With RSP or RBP at the victim. (Not far returns: the
 * emulator reads their stack with the kernel's rights.)
 */
#include "tests/security/attack.h"
#include "tests/security/touch.h"

/* U. With RSP at the victim; RSI: own memory, RAX: what came of it. */
#define WITH_RSP(name, code, leave)                                            \
	static void name(struct box_attack *a)                                 \
	{                                                                      \
		uint64_t got = 1;                                              \
                                                                               \
		__asm__ volatile("mov %%rsp, %%r8\n\t"                         \
				 "mov %%rbp, %%r9\n\t"                         \
				 "mov %1, %%rsp\n\t" code "\n\t"               \
				 "mov %%r9, %%rbp\n\t"                         \
				 "mov %%r8, %%rsp"                             \
				 : "+a"(got)                                   \
				 : "D"(touch_at(a)), "S"(a->area)              \
				 : "rcx", "rdx", "r8", "r9", "memory", "cc");  \
		leave;                                                         \
	}

WITH_RSP(push_constant, "push $0x41", box_got(got))
WITH_RSP(push_register, "push %%rax", box_got(got))
WITH_RSP(push_memory, "push (%%rsi)", box_got(got))
WITH_RSP(push_word, "pushw $0x41", box_got(got))
WITH_RSP(push_flags, "pushfq", box_got(got))
WITH_RSP(call_near, "call 1f\n1:", box_got(got))
WITH_RSP(call_register, "lea 1f(%%rip), %%rcx\n\tcall *%%rcx\n1:\tendbr64",
	box_got(got))
WITH_RSP(enter_frame, "enter $0, $0", box_got(got))
WITH_RSP(pop_memory_there, "pop %%rcx\n\tmov %%rcx, %%rax", box_got(got))
WITH_RSP(pop_register, "pop %%rax", box_got(got))
WITH_RSP(pop_memory, "popq (%%rsi)\n\tmov (%%rsi), %%rax", box_got(got))
WITH_RSP(pop_flags, "popfq", box_got(got))
WITH_RSP(ret_near, "ret", box_got(got))
WITH_RSP(exchange, "xchg %%rax, (%%rsp)", box_got(got))
WITH_RSP(leave_frame,
	"mov %%rdi, %%rbp\n\tmov %%r8, %%rsp\n\tleave\n\tmov %%rbp, %%rax",
	box_got(got))
/* RSP in own memory: the copy of the outer frame's pointer comes there. */
WITH_RSP(enter_nested,
	"lea 512(%%rsi), %%rsp\n\tlea 8(%%rdi), %%rbp\n\tenter $0, $2\n\t"
	"mov 496(%%rsi), %%rax",
	box_got(got))

static const struct touch touches[] = {
	{"push of a constant", push_constant, TOUCH_WRITE},
	{"push of a register", push_register, TOUCH_WRITE},
	{"push of memory", push_memory, TOUCH_WRITE},
	{"push of 16 bits", push_word, TOUCH_WRITE},
	{"push of the flags", push_flags, TOUCH_WRITE},
	{"call", call_near, TOUCH_WRITE},
	{"call of a register", call_register, TOUCH_WRITE},
	{"enter", enter_frame, TOUCH_WRITE},
	{"pop, then moved", pop_memory_there, TOUCH_READ},
	{"pop to a register", pop_register, TOUCH_READ},
	{"pop to memory", pop_memory, TOUCH_READ},
	{"pop of the flags", pop_flags, TOUCH_ANY},
	{"return", ret_near, TOUCH_ANY},
	{"exchange with the top", exchange, TOUCH_READ},
	{"leave", leave_frame, TOUCH_READ},
	{"enter, nested", enter_nested, TOUCH_READ},
};

static void run(void)
{
	touch_try(touches, sizeof(touches) / sizeof(*touches), BOX_OTHER);
	touch_try(touches, sizeof(touches) / sizeof(*touches), BOX_HEAP);
}

const struct attack attack_k10 = {
	.id = "K10",
	.name = "push, call, enter, pop, return with RSP at a victim",
	.layer = "protection keys",
	.off = "keys",
	.run = run,
};
