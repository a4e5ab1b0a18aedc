#pragma once
/*
 * Log lines from one worker to the control thread: a ring of bytes, one
 * producer, one consumer, no lock, no system call on the producer's side but
 * what `wake` does. A line that does not fit is dropped and counted; once there
 * is room again the consumer says how many were.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct logring {
	char *mem;
	size_t size; /* a power of two */
	/* Told when the ring stops being empty; may be NULL. On the
	 * producer's thread, so it may make a worker's system calls only. */
	void (*wake)(void *arg);
	void *wake_arg;

	_Alignas(64) _Atomic size_t head; /* bytes ever written */
	size_t tail_seen;
	_Alignas(64) _Atomic size_t tail; /* bytes ever read */
	uint64_t reported;		  /* dropped lines said so far */

	/* Running totals, for metrics. */
	_Alignas(64) _Atomic uint64_t dropped_lines;
	_Atomic uint64_t dropped_bytes;
};

/* mem: `size` bytes, a power of two, at least 2 * LOG_LINE_MAX. */
void logring_init(struct logring *r, void *mem, size_t size);

/* Producer. A log_sink_fn: log_set_sink(logring_sink, ring). */
void logring_sink(void *ring, const char *line, size_t len);

/* Consumer. Hands what is in the ring by now to the sink of the calling thread,
 * and a "dropped" line if any were. Returns how many lines. */
size_t logring_drain(struct logring *r);
bool logring_empty(struct logring *r);
