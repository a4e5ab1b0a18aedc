#pragma once
/*
 * Offsets that gate.S and C agree on; static assertions in gate.c hold them to
 * the structures. Included by assembly: macros only.
 */
#define PAGE_SELF 0
#define PAGE_THREAD 8
#define PAGE_CTL 16
#define PAGE_FS 24
#define PAGE_PKRU 32
#define PAGE_AUX 36
#define PAGE_SELECTOR 40

#define THREAD_RSP 0
#define THREAD_FS 8
#define THREAD_PAGE 16
#define THREAD_STATE 24
#define THREAD_STOP 32
#define THREAD_IN_FAULT 40
#define THREAD_SIG 48
#define THREAD_INFO 56
#define THREAD_UC 64
#define THREAD_FAULT_SP 72
#define THREAD_COOKIE 80
#define THREAD_PKRU 88

#define CTL_RSP 0
#define CTL_RET 8
#define CTL_NR 16
#define CTL_ARGS 24

#define CONST_PAGES 0
#define CONST_PAGES_LEN 8
#define CONST_EXIT 16
#define CONST_PKRU 24
#define CONST_DENIED 28
#define CONST_FEATURES 32
#define CONST_MXCSR 36

#define GATE_STATE_TRUSTED 0
#define GATE_STATE_ISOLATE 1

#define GATE_SELECTOR_ALLOW 0
#define GATE_SELECTOR_BLOCK 1

#define GATE_FEATURE_AVX 1
#define GATE_FEATURE_AVX512 2
#define GATE_FEATURE_AMX 4

/* The alternate stack is aligned to its size; its last word is the thread. */
#define GATE_ALTSTACK_SIZE 32768

/* What gate_enter() returns. */
#define GATE_LEFT 0
#define GATE_ABORTED 1
#define GATE_REFUSED 2
