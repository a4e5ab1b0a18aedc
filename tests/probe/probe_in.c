/* The faulty engine's inside half; see probe_in.h. */
#include "tests/probe/probe_in.h"

#include "pkey/heap_in.h"
#include "tests/probe/deeds.h"

/* Key 0. Not zero, else it is no .data. */
volatile uint64_t deeds_secret = 0x5ec2e75ec2e75ec2;
volatile char deeds_words[] = "a secret in words";

static void *alloc(struct deeds *d, size_t size)
{
	return heap_in_alloc(d->heap, size);
}

static void free_one(struct deeds *d, void *ptr)
{
	heap_in_free(d->heap, ptr);
}

/* Nobody comes here but by "jmp *%rax". */
extern const char probe_spin[];
__asm__(".text\nprobe_spin:\n\tjmp *%rax");

void probe_in_main(struct inside *in)
{
	const struct deeds_ops ops = {
		gate_hostcall, alloc, free_one, (uint64_t)probe_spin};
	struct deeds d;

	deeds_init(&d, &ops, (const char *)in->code);
	d.heap = heap_in_init((void *)in->heap, in->heap_len);
	deeds_serve(&d);
}
