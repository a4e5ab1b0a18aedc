/*
 * What the vector and mask registers hold when an isolate gets to run. One that
 * dies or is stopped has them cleared a second time, by the frame that ends it,
 * so that there is no control for those.
 */
#include "tests/security/attack.h"
#include "tests/security/registers.h"

static void run(void)
{
	registers_clean(REGISTERS_VECTOR);
	registers_left(REGISTERS_VECTOR, REGISTERS_ENTRY, 16);
	registers_left(REGISTERS_VECTOR, REGISTERS_RETURN, 16);
	registers_left(REGISTERS_VECTOR, REGISTERS_CALL, 16);
	if (!registers_have(GATE_FEATURE_AVX))
		attack_note("this CPU has no AVX: XMM only");
	else if (!registers_have(GATE_FEATURE_AVX512))
		attack_note("this CPU has no AVX-512: ZMM16-31 and k0-k7 were "
			    "not there to look at");
}

const struct attack attack_b26 = {
	.id = "B26",
	.name = "residue in vector and mask registers",
	.layer = "clearing both ways",
	.off = "the gate's clearing",
	.run = run,
};
