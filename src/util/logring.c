/*
 * The ring holds records of a 32-bit length and that many bytes; positions only
 * grow and are reduced modulo the size, so full and empty differ.
 */
#include "util/logring.h"

#include <string.h>

#include "base/check.h"
#include "util/log.h"

void logring_init(struct logring *r, void *mem, size_t size)
{
	CHECK(size >= 2 * LOG_LINE_MAX && (size & (size - 1)) == 0);
	*r = (struct logring){.mem = mem, .size = size};
}

static void ring_copy_in(struct logring *r, size_t at, const void *p, size_t n)
{
	size_t off = at & (r->size - 1);
	size_t first = n < r->size - off ? n : r->size - off;

	memcpy(r->mem + off, p, first);
	memcpy(r->mem, (const char *)p + first, n - first);
}

static void ring_copy_out(struct logring *r, size_t at, void *p, size_t n)
{
	size_t off = at & (r->size - 1);
	size_t first = n < r->size - off ? n : r->size - off;

	memcpy(p, r->mem + off, first);
	memcpy((char *)p + first, r->mem, n - first);
}

/* Only the producer writes these two. */
static void count_drop(struct logring *r, size_t len)
{
	atomic_store_explicit(&r->dropped_bytes,
		atomic_load_explicit(&r->dropped_bytes, memory_order_relaxed) +
			len,
		memory_order_relaxed);
	atomic_store_explicit(&r->dropped_lines,
		atomic_load_explicit(&r->dropped_lines, memory_order_relaxed) +
			1,
		memory_order_relaxed);
}

void logring_sink(void *ring, const char *line, size_t len)
{
	struct logring *r = ring;
	size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint32_t n = (uint32_t)len;
	size_t total = sizeof(n) + len;

	if (len > LOG_LINE_MAX) {
		count_drop(r, len);
		return;
	}
	if (r->size - (head - r->tail_seen) < total)
		r->tail_seen =
			atomic_load_explicit(&r->tail, memory_order_acquire);
	if (r->size - (head - r->tail_seen) < total) {
		count_drop(r, len);
		return;
	}
	ring_copy_in(r, head, &n, sizeof(n));
	ring_copy_in(r, head + sizeof(n), line, len);
	/* Store and load are sequentially consistent: either the consumer's
	 * last look sees this line, or its tail says here that it must wake. */
	atomic_store(&r->head, head + total);
	if (r->wake && atomic_load(&r->tail) == head)
		r->wake(r->wake_arg);
}

bool logring_empty(struct logring *r)
{
	return atomic_load(&r->head) == atomic_load(&r->tail);
}

static void report_drops(struct logring *r)
{
	uint64_t dropped =
		atomic_load_explicit(&r->dropped_lines, memory_order_relaxed);

	if (dropped == r->reported)
		return;
	log_warn(
		"log lines dropped", LOG_U64("dropped", dropped - r->reported));
	r->reported = dropped;
}

size_t logring_drain(struct logring *r)
{
	size_t head = atomic_load_explicit(&r->head, memory_order_acquire);
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	char line[LOG_LINE_MAX];
	size_t lines = 0;

	while (tail != head) {
		uint32_t n;

		ring_copy_out(r, tail, &n, sizeof(n));
		CHECK(n <= LOG_LINE_MAX);
		ring_copy_out(r, tail + sizeof(n), line, n);
		tail += sizeof(n) + n;
		atomic_store(&r->tail, tail);
		log_emit(line, n);
		lines++;
	}
	report_drops(r);
	return lines;
}
