/* See mode.h. T, on the alternate stack; the linker puts it between the
 * handler's assembly and its C function. */
#include "tests/security/mode.h"

#include <ucontext.h>

#include "pkey/fault.h"
#include "pkey/gate_asm.h"
#include "pkey/gate.h"

bool mode_kept;

void __real_fault_handle(struct gate_thread *thread);
void __wrap_fault_handle(struct gate_thread *thread);

void __wrap_fault_handle(struct gate_thread *thread)
{
	ucontext_t *uc = thread->uc;
	greg_t was = uc->uc_mcontext.gregs[REG_CSGSFS];
	bool isolate = thread->state == GATE_STATE_ISOLATE;

	__real_fault_handle(thread);
	if (mode_kept && isolate)
		uc->uc_mcontext.gregs[REG_CSGSFS] = was;
}
