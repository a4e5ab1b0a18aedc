/*
 * See without.h. T, but for what comes from Lua, which runs in U: that is why
 * the switches lie in key S, where isolates read.
 */
#include "tests/probe/without.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/isolate.h"
#include "core/pool.h"
#include "core/worker.h"
#include "engine/program.h"
#include "engine/refusal.h"
#include "engine/lua_in.h"
#include "pkey/gate.h"
#include "pkey/partition.h"
#include "sandbox/filter.h"
#include "sandbox/scan_self.h"
#include "util/escape.h"

enum {
	DISPATCH, /* syscall user dispatch */
	FILTER,	  /* seccomp, of workers */
	HANDLERS, /* of faults */
	POINTERS, /* the check of addresses that isolates hand out */
	STOP,	  /* the keeper's signal to what runs too long */
	WIPE,	  /* taking an isolate's memory away when it ends */
	ENV,	  /* clearing the environment */
	CORE,	  /* no cores, not dumpable */
	ADMIT,	  /* Lua: a look at the code before it is taken */
	TEXT,	  /* Lua: source alone */
	LIBRARY,  /* Lua: what is taken out of its libraries */
	SCAN,	  /* the scan at start; plants what it would have found */
	TAG,	  /* a page of key 0: it gets S */
	PLANT,	  /* nothing; plants what the scan finds */
	CODE,	  /* native: refusing what the scan finds */
	OBJECT,	  /* native: refusing anything */
	SEALS,	  /* native: those of a program's file */
	PRIVATE,  /* native: a program's file mapped so */
	RIGHTS,	  /* native: code and constants are not to be written */
	PROGRAMS, /* native: their end */
	FILES,	  /* native: the bound on programs' files */
	ESCAPE,	  /* escaping what functions say in messages */
	PARK,	  /* once, the tag of an isolate that loses its key */
	OWNER,	  /* functions get isolates of their own, not of another */
	KEYS,	  /* all keys of isolates but two */
	OFFERS,	  /* the check that compiled code is wanted */
	SWITCHES
};

static const char *const names[SWITCHES] = {
	[DISPATCH] = "dispatch",
	[FILTER] = "filter",
	[HANDLERS] = "handlers",
	[POINTERS] = "pointers",
	[STOP] = "stop",
	[WIPE] = "wipe",
	[ENV] = "env",
	[CORE] = "core",
	[ADMIT] = "admit",
	[TEXT] = "text",
	[LIBRARY] = "library",
	[SCAN] = "scan",
	[TAG] = "tag",
	[PLANT] = "plant",
	[CODE] = "code",
	[OBJECT] = "object",
	[SEALS] = "seals",
	[PRIVATE] = "private",
	[RIGHTS] = "rights",
	[PROGRAMS] = "programs",
	[FILES] = "files",
	[ESCAPE] = "escape",
	[PARK] = "park",
	[OWNER] = "owner",
	[KEYS] = "keys",
	[OFFERS] = "offers",
};

static bool without[SWITCHES] __attribute__((section(".gv_shared"))) = {false};

enum {
	PAGE = 4096
};

static bool without_any(void)
{
	for (unsigned i = 0; i < SWITCHES; i++)
		if (without[i])
			return true;
	return false;
}

static bool without_one(const char *name, size_t len)
{
	for (unsigned i = 0; i < SWITCHES; i++)
		if (strlen(names[i]) == len &&
			strncmp(names[i], name, len) == 0)
			return without[i] = true;
	return false;
}

int without_parse(int argc, char **argv)
{
	static const char option[] = "--without=";
	int kept = 0;

	for (int i = 0; i < argc; i++) {
		const char *at = argv[i] + sizeof(option) - 1;

		if (strncmp(argv[i], option, sizeof(option) - 1) != 0) {
			argv[kept++] = argv[i];
			continue;
		}
		for (; *at; at += strcspn(at, ","), at += *at == ',')
			if (!without_one(at, strcspn(at, ",")))
				return -1;
	}
	argv[kept] = NULL;
	return kept;
}

bool without_admit(void)
{
	return without[ADMIT];
}

/* What the linker puts in front (meson.build has the same list). ------------
 */

/* The trial at start finds out what is missing, and the daemon refuses. */
int __wrap_probe_run(const char **ret_why);
int __real_probe_run(const char **ret_why);
int __wrap_probe_run(const char **ret_why)
{
	return without_any() ? 0 : __real_probe_run(ret_why);
}

int __wrap_selftest_run(struct worker *w);
int __real_selftest_run(struct worker *w);
int __wrap_selftest_run(struct worker *w)
{
	return without_any() ? 0 : __real_selftest_run(w);
}

static void plant_wrpkru(void)
{
	static const unsigned char wrpkru[] = {0x0f, 0x01, 0xef};
	unsigned char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return;
	(void)memcpy(page + PAGE / 2, wrpkru, sizeof(wrpkru));
	(void)mprotect(page, PAGE, PROT_READ | PROT_EXEC);
}

int __wrap_scan_self(unsigned classes, scan_self_fn *hit, void *arg,
	struct scan_self_sum *ret_sum);
int __real_scan_self(unsigned classes, scan_self_fn *hit, void *arg,
	struct scan_self_sum *ret_sum);
int __wrap_scan_self(unsigned classes, scan_self_fn *hit, void *arg,
	struct scan_self_sum *ret_sum)
{
	if (without[SCAN] || without[PLANT])
		plant_wrpkru();
	if (!without[SCAN])
		return __real_scan_self(classes, hit, arg, ret_sum);
	(void)memset(ret_sum, 0, sizeof(*ret_sum));
	return 0;
}

/* One page more than ought to be. */
int __wrap_partition_apply(const struct keys *keys);
int __real_partition_apply(const struct keys *keys);
int __wrap_partition_apply(const struct keys *keys)
{
	int r = __real_partition_apply(keys);
	void *page;

	if (r != 0 || !without[TAG])
		return r;
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return keys->prim->tag(
		page, PAGE, PROT_READ | PROT_WRITE, keys->shared);
}

int __wrap_dispatch_on(volatile uint8_t *selector);
int __real_dispatch_on(volatile uint8_t *selector);
int __wrap_dispatch_on(volatile uint8_t *selector)
{
	return without[DISPATCH] ? 0 : __real_dispatch_on(selector);
}

int __wrap_filter_load(const struct policy *p, const struct policy_params *pp);
int __real_filter_load(const struct policy *p, const struct policy_params *pp);
int __wrap_filter_load(const struct policy *p, const struct policy_params *pp)
{
	return without[FILTER] ? 0 : __real_filter_load(p, pp);
}

int __wrap_gate_install_handlers(const struct gate *gate);
int __real_gate_install_handlers(const struct gate *gate);
int __wrap_gate_install_handlers(const struct gate *gate)
{
	return without[HANDLERS] ? 0 : __real_gate_install_handlers(gate);
}

bool __wrap_control_wants(const struct invocation *inv, uint64_t len);
bool __real_control_wants(const struct invocation *inv, uint64_t len);
bool __wrap_control_wants(const struct invocation *inv, uint64_t len)
{
	return without[OFFERS] || __real_control_wants(inv, len);
}

bool __wrap_isolate_contains(
	const struct isolate *iso, uint64_t ptr, uint64_t len);
bool __real_isolate_contains(
	const struct isolate *iso, uint64_t ptr, uint64_t len);
bool __wrap_isolate_contains(
	const struct isolate *iso, uint64_t ptr, uint64_t len)
{
	return without[POINTERS] || __real_isolate_contains(iso, ptr, len);
}

bool __wrap_isolate_writable(
	const struct isolate *iso, uint64_t ptr, uint64_t len);
bool __real_isolate_writable(
	const struct isolate *iso, uint64_t ptr, uint64_t len);
bool __wrap_isolate_writable(
	const struct isolate *iso, uint64_t ptr, uint64_t len)
{
	return without[POINTERS] || __real_isolate_writable(iso, ptr, len);
}

long __wrap_syscall(long nr, ...);
long __real_syscall(long nr, ...);
long __wrap_syscall(long nr, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (without[STOP] && nr == SYS_tgkill && a[2] == SIGURG)
		return 0;
	return __real_syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int __wrap_madvise(void *at, size_t len, int advice);
int __real_madvise(void *at, size_t len, int advice);
int __wrap_madvise(void *at, size_t len, int advice)
{
	if (without[WIPE] && advice == MADV_DONTNEED)
		return 0;
	return __real_madvise(at, len, advice);
}

/* The same, where a program's image was mapped; and how it is mapped. */
void *__wrap_mmap64(
	void *at, size_t len, int prot, int flags, int fd, off_t offset);
void *__real_mmap64(
	void *at, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap64(
	void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	if (without[WIPE] && at && prot == PROT_NONE && (flags & MAP_FIXED))
		return at;
	if (without[PRIVATE] && at && fd >= 0)
		flags = (flags & ~MAP_PRIVATE) | MAP_SHARED;
	return __real_mmap64(at, len, prot, flags, fd, offset);
}

/* Code and constants are as writable as all else. */
static int loosened(int prot)
{
	return without[RIGHTS] && (prot & PROT_READ) ? prot | PROT_WRITE : prot;
}

static const struct keys *all_keys;

int __wrap_keys_init(struct keys *keys, const struct prim *prim);
int __real_keys_init(struct keys *keys, const struct prim *prim);
int __wrap_keys_init(struct keys *keys, const struct prim *prim)
{
	all_keys = keys;
	return __real_keys_init(keys, prim);
}

/* The others are as if somebody else had them. */
int __wrap_pkey_alloc(unsigned flags, unsigned rights);
int __real_pkey_alloc(unsigned flags, unsigned rights);
int __wrap_pkey_alloc(unsigned flags, unsigned rights)
{
	enum {
		LEFT = 5 /* one is given back at once; S, P and the two */
	};
	static unsigned taken;

	if (without[KEYS] && ++taken > LEFT) {
		errno = ENOSPC;
		return -1;
	}
	return __real_pkey_alloc(flags, rights);
}

/* One of those that take an isolate its key is the one that is left out. By
 * then many isolates have come and gone. */
static bool is_forgotten(const void *at, int key)
{
	enum {
		FORGOTTEN = 200
	};
	static const void *has[PRIM_KEYS];
	static unsigned parks;

	if (!without[PARK] || !all_keys || key == 0 || key == all_keys->shared)
		return false;
	if (key != all_keys->parked) {
		has[key] = at;
		return false;
	}
	for (unsigned i = 0; i < PRIM_KEYS; i++)
		if (has[i] == at) {
			has[i] = NULL;
			return ++parks == FORGOTTEN;
		}
	return false;
}

int __wrap_pkey_mprotect(void *at, size_t len, int prot, int key);
int __real_pkey_mprotect(void *at, size_t len, int prot, int key);
int __wrap_pkey_mprotect(void *at, size_t len, int prot, int key)
{
	if (is_forgotten(at, key))
		return 0;
	return __real_pkey_mprotect(at, len, loosened(prot), key);
}

int __wrap_fcntl64(int fd, int command, ...);
int __real_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...)
{
	va_list ap;
	long arg;

	va_start(ap, command);
	arg = va_arg(ap, long);
	va_end(ap);
	if (without[SEALS] && command == F_ADD_SEALS)
		return 0;
	return __real_fcntl64(fd, command, arg);
}

__attribute__((format(printf, 3, 4))) struct refusal *__wrap_refusals_add(
	struct refusals *r, enum refusal_code code, const char *fmt, ...);
struct refusal *__real_refusals_add(
	struct refusals *r, enum refusal_code code, const char *fmt, ...);
struct refusal *__wrap_refusals_add(
	struct refusals *r, enum refusal_code code, const char *fmt, ...)
{
	char detail[REFUSAL_DETAIL_MAX];
	va_list ap;

	if (without[OBJECT] || (without[CODE] && code >= REFUSAL_WRPKRU &&
				       code <= REFUSAL_SYSTEM_CALL))
		return NULL;
	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	return __real_refusals_add(r, code, "%s", detail);
}

void __wrap_layout_set_files(int max);
void __real_layout_set_files(int max);
void __wrap_layout_set_files(int max)
{
	if (!without[FILES])
		__real_layout_set_files(max);
}

void __wrap_escape_json(struct buf *b, const char *p, size_t n);
void __real_escape_json(struct buf *b, const char *p, size_t n);
void __wrap_escape_json(struct buf *b, const char *p, size_t n)
{
	if (without[ESCAPE])
		buf_add(b, p, n);
	else
		__real_escape_json(b, p, n);
}

/* The function that was called before has an isolate, too. */
struct isolate *__wrap_pool_take_warm(struct worker *w, struct function *fn);
struct isolate *__real_pool_take_warm(struct worker *w, struct function *fn);
struct isolate *__wrap_pool_take_warm(struct worker *w, struct function *fn)
{
	static _Thread_local struct function *last;
	struct isolate *iso = NULL;

	if (without[OWNER] && last && last != fn)
		iso = __real_pool_take_warm(w, last);
	if (!iso)
		iso = __real_pool_take_warm(w, fn);
	last = fn;
	return iso;
}

struct program *__wrap_program_free(struct program *p);
struct program *__real_program_free(struct program *p);
struct program *__wrap_program_free(struct program *p)
{
	return without[PROGRAMS] ? NULL : __real_program_free(p);
}

int __wrap_jail_env(void);
int __real_jail_env(void);
int __wrap_jail_env(void)
{
	return without[ENV] ? 0 : __real_jail_env();
}

int __wrap_jail_no_core(void);
int __real_jail_no_core(void);
int __wrap_jail_no_core(void)
{
	return without[CORE] ? 0 : __real_jail_no_core();
}

int __wrap_jail_no_dump(void);
int __real_jail_no_dump(void);
int __wrap_jail_no_dump(void)
{
	return without[CORE] ? 0 : __real_jail_no_dump();
}

/* U. */
int __wrap_lua_load(lua_State *L, lua_Reader reader, void *data,
	const char *name, const char *mode);
int __real_lua_load(lua_State *L, lua_Reader reader, void *data,
	const char *name, const char *mode);
int __wrap_lua_load(lua_State *L, lua_Reader reader, void *data,
	const char *name, const char *mode)
{
	return __real_lua_load(
		L, reader, data, name, without[TEXT] ? NULL : mode);
}

/* U. */
void __wrap_lua_lib_open(lua_State *L);
void __real_lua_lib_open(lua_State *L);
void __wrap_lua_lib_open(lua_State *L)
{
	/* Not package: in a static program it makes the linker warn. */
	static const luaL_Reg whole[] = {{"_G", luaopen_base},
		{"string", luaopen_string}, {"io", luaopen_io},
		{"os", luaopen_os}, {"debug", luaopen_debug}, {0}};

	__real_lua_lib_open(L);
	for (const luaL_Reg *l = whole; without[LIBRARY] && l->name; l++) {
		luaL_requiref(L, l->name, l->func, 1);
		lua_pop(L, 1);
	}
}
