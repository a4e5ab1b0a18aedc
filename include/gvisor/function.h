#ifndef GVISOR_FUNCTION_H
#define GVISOR_FUNCTION_H
/*
 * A native function for gvisord, in C or C++: the one header it needs.
 *
 *     #include <gvisor/function.h>
 *
 *     int handler(const struct gv_request *req, struct gv_response *res)
 *     {
 *             res->body = req->body;
 *             res->body_len = req->body_len;
 *             return 0;
 *     }
 *
 * `gvisord build hello.c` makes hello.so of it, `gvisord deploy` registers it.
 * The function runs in an isolate, alone with its own memory: no threads, no
 * system calls, no files. An isolate serves one request at a time and is used
 * again for the next, so what static variables hold stays, until the daemon
 * drops the isolate; never rely on it.
 *
 * What may be called besides the gv_ functions are the parts of the C library
 * that need no system: see docs/native.md. Everything is the isolate's own; a
 * function that breaks its memory, loops or runs out of stack (512 KiB may be
 * counted on) ends alone, with an error for its caller.
 *
 * ABI: version 1. Structures grow at their end only; `size` says how much of
 * one there is. An object built for a version that the daemon does not know is
 * refused at registration.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GV_ABI_VERSION 1

/* What the object was built for; the daemon reads it. Absent: 1. */
extern const uint32_t gv_abi_version
	__attribute__((weak, visibility("default")));
__attribute__((used)) const uint32_t gv_abi_version = GV_ABI_VERSION;

/* The runtime's; good during the call. */
struct gv_request {
	uint32_t size; /* of this structure, in bytes */
	uint32_t reserved;
	const char *body; /* NUL-terminated; as it came: mostly JSON */
	size_t body_len;  /* without the NUL; 0: there was none */
	const char *id;	  /* of this invocation */
	const char *tenant;
	const char *function;
	uint64_t version;      /* of the function's code: 1, 2, ... */
	uint64_t timeout_ns;   /* time left when the call began */
	uint64_t memory_limit; /* bytes: code, stack and heap together */
};

enum gv_kind {
	GV_JSON = 0,  /* sent as application/json; must be JSON */
	GV_TEXT = 1,  /* sent as text/plain; must be UTF-8 */
	GV_BYTES = 2, /* sent as application/octet-stream; may be anything */
};

/* All zero when the handler is called. */
struct gv_response {
	uint32_t size;
	uint32_t kind;	  /* enum gv_kind */
	const void *body; /* in the function's memory; stays as it is until
			   * the next call; GV_FREE: the runtime frees it */
	size_t body_len;
	uint32_t flags; /* GV_FREE */
	uint32_t reserved;
};

/* body came from gv_alloc() or malloc(): it is freed before the next call. */
#define GV_FREE 1u

/*
 * A function is any exported one of this type; `handler` unless another name is
 * given at registration. 0: `res` is the reply. Else the caller gets a
 * Function.Error with res->body, if there is one, as the message.
 */
typedef int gv_handler(const struct gv_request *req, struct gv_response *res);

/* In front of a handler of another name in C++ or under -fvisibility=hidden. */
#ifdef __cplusplus
#define GV_HANDLER extern "C" __attribute__((visibility("default")))
#else
#define GV_HANDLER __attribute__((visibility("default")))
#endif
GV_HANDLER gv_handler handler;

/* Memory of the isolate's heap, 16-byte aligned. NULL: the budget is spent, or
 * size is 0. */
void *gv_alloc(size_t size);
/* ptr may be NULL; on failure it stays as it was. What is no block of the heap
 * or was freed before ends the isolate, as with gv_free(). */
void *gv_realloc(void *ptr, size_t size);
void gv_free(void *ptr);

enum gv_log_level {
	GV_DEBUG,
	GV_INFO,
	GV_WARN,
	GV_ERROR
};

/* A line in the function's log; at most 1,024 bytes of it are kept. */
void gv_log(enum gv_log_level level, const char *text, size_t len);
__attribute__((format(printf, 2, 3))) void gv_logf(
	enum gv_log_level level, const char *format, ...);

enum gv_clock {
	GV_CLOCK_REAL = 0, /* since 1970 */
	GV_CLOCK_MONO = 1, /* since some point in the past */
};

/* Nanoseconds, in steps of a millisecond. */
uint64_t gv_time(enum gv_clock clock);

/* Random bytes, fit for keys. */
void gv_random(void *buf, size_t len);

/* Ends the invocation with a Function.Error and this message (NULL: none), and
 * the isolate with it. */
__attribute__((noreturn)) void gv_fail(const char *message);

#ifdef __cplusplus
}
#endif

#endif
