#pragma once
/*
 * Signals. All handlers run on the thread's alternate stack in key 0, with
 * every signal masked; they enter through gate_fault (gate.S) and end in
 * rt_sigreturn to trusted code.
 *
 *   synchronous, in an isolate   the isolate is aborted: gate_enter() returns
 *                                GATE_ABORTED, gate_thread.fault says why
 *   SIGURG, in an isolate        the same; only the keeper sends it
 *   SIGURG, in T                 noted in gate_thread.stop
 *   synchronous, in T            a bug of ours: gate_thread.fatal()
 *
 * Needs Linux >= 6.12 in MPK mode: from there on the kernel delivers a signal
 * although key 0 is denied (Documentation/core-api/protection-keys.rst).
 */
#include "pkey/gate.h"

/* Maps and installs the calling thread's alternate stack. */
int fault_thread_init(struct gate_thread *thread);

/* From gate.S, in T, on the alternate stack. */
void fault_handle(struct gate_thread *thread);

/* Name of a fault's signal for messages: "SIGSEGV". */
const char *fault_signal_name(int sig);
