/*
 * The globals a script sees: Lua's own libraries without what reaches for
 * files, processes, bytecode or the interpreter's inside, and with json, log,
 * time and random. Runs in U; every argument is the script's and is checked as
 * Lua's own libraries check theirs.
 *
 * Addresses of C functions are not shown: they would tell where the daemon's
 * code lies.
 */
#include "engine/lua_in.h"

#include <string.h>

enum {
	NS_PER_MS = 1000000,
	RANDOM_MAX_BYTES = 1 << 20
};

static const double ns_per_s = 1e9;

static uint64_t clock_ns(enum inside_clock which)
{
	return gate_hostcall(INSIDE_TIME, which, 0, 0, 0);
}

/* base ---------------------------------------------------------------------*/

/* Text only: compiled code is not checked by Lua and can break its state. */
static int base_load(lua_State *L)
{
	if (lua_gettop(L) < 3)
		lua_settop(L, 3);
	lua_pushliteral(L, "t");
	lua_replace(L, 3);
	return lua_in_of(L)->base_load(L);
}

static int base_collectgarbage(lua_State *L)
{
	static const char *const allowed[] = {"collect", "count", "step", NULL};

	luaL_checkoption(L, 1, "collect", allowed);
	return lua_in_of(L)->base_collectgarbage(L);
}

static int function_tostring(lua_State *L)
{
	if (lua_iscfunction(L, 1))
		lua_pushliteral(L, "function: builtin");
	else
		lua_pushfstring(L, "function: %p", lua_topointer(L, 1));
	return 1;
}

/* "%p" would show the address after all. */
static int string_format(lua_State *L)
{
	for (int i = lua_gettop(L); i > 1; i--) {
		if (!lua_iscfunction(L, i))
			continue;
		lua_pushliteral(L, "function: builtin");
		lua_replace(L, i);
	}
	return lua_in_of(L)->base_format(L);
}

/* Without arguments Lua would ask the clock and an address for a seed. The
 * original is the upvalue: it has one of its own, the generator. */
static int math_randomseed(lua_State *L)
{
	struct random_in *r = &lua_in_of(L)->random;

	if (lua_isnone(L, 1)) {
		lua_pushinteger(L, (lua_Integer)random_in_u64(r));
		lua_pushinteger(L, (lua_Integer)random_in_u64(r));
	}
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, 0);
	return 0;
}

/* json ---------------------------------------------------------------------*/

static int json_decode(lua_State *L)
{
	size_t len;
	const char *text = luaL_checklstring(L, 1, &len);
	struct json_in_error e;

	if (json_in_decode(L, text, len, &e) == 0)
		return 1;
	return luaL_error(
		L, "invalid JSON at byte %I: %s", (LUAI_UACINT)e.at, e.what);
}

void lua_lib_encode(lua_State *L, int idx, const char *name, struct json_buf *b)
{
	int r;

	json_buf_reset(b, LUA_IN_BUF_KEPT);
	r = json_in_encode(L, idx, name, b);
	if (r == JSON_IN_E_NOMEM) {
		lua_gc(L, LUA_GCCOLLECT);
		json_buf_reset(b, 0);
		r = json_in_encode(L, idx, name, b);
	}
	if (r == 0)
		return;
	/* Lua knows its own message for this and raises a memory error. */
	if (r == JSON_IN_E_NOMEM)
		lua_pushliteral(L, "not enough memory");
	(void)lua_error(L);
}

static int json_encode(lua_State *L)
{
	struct json_buf *b = &lua_in_of(L)->scratch;

	luaL_checkany(L, 1);
	lua_lib_encode(L, 1, "value", b);
	lua_pushlstring(L, b->p, b->len);
	return 1;
}

static int json_array(lua_State *L)
{
	if (lua_isnoneornil(L, 1))
		lua_createtable(L, 0, 0);
	else
		luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, lua_isnoneornil(L, 1) ? 2 : 1);
	json_in_mark_array(L);
	return 1;
}

/* log ----------------------------------------------------------------------*/

void lua_lib_log(enum inside_log level, const char *s, size_t len)
{
	(void)gate_hostcall(INSIDE_LOG, level, (uintptr_t)s, len, 0);
}

/* One line of all arguments, as print has it. */
static int log_at(lua_State *L, enum inside_log level, int first)
{
	int n = lua_gettop(L);
	const char *s;
	size_t len;

	luaL_checkstack(L, 8, "log");
	if (n != first || lua_type(L, n) != LUA_TSTRING) {
		luaL_Buffer b;

		luaL_buffinit(L, &b);
		for (int i = first; i <= n; i++) {
			if (i > first)
				luaL_addchar(&b, '\t');
			luaL_tolstring(L, i, NULL);
			luaL_addvalue(&b);
		}
		luaL_pushresult(&b);
	}
	s = lua_tolstring(L, -1, &len);
	lua_lib_log(level, s, len);
	return 0;
}

static int log_debug(lua_State *L)
{
	return log_at(L, INSIDE_LOG_DEBUG, 1);
}

static int log_info(lua_State *L)
{
	return log_at(L, INSIDE_LOG_INFO, 1);
}

static int log_warn(lua_State *L)
{
	return log_at(L, INSIDE_LOG_WARN, 1);
}

static int log_error(lua_State *L)
{
	return log_at(L, INSIDE_LOG_ERROR, 1);
}

/* log(...) itself; its first argument is the table. */
static int log_call(lua_State *L)
{
	return log_at(L, INSIDE_LOG_INFO, 2);
}

/* time ---------------------------------------------------------------------*/

static int time_now(lua_State *L)
{
	lua_pushnumber(L, (double)clock_ns(INSIDE_CLOCK_REAL) / ns_per_s);
	return 1;
}

static int time_ms(lua_State *L)
{
	lua_pushinteger(
		L, (lua_Integer)(clock_ns(INSIDE_CLOCK_REAL) / NS_PER_MS));
	return 1;
}

static int time_mono(lua_State *L)
{
	lua_pushnumber(L, (double)clock_ns(INSIDE_CLOCK_MONO) / ns_per_s);
	return 1;
}

struct date {
	lua_Integer year;
	int month;
	int day;
};

/* Days since 1970-01-01 in the Gregorian calendar; years begin in March here,
 * so that the leap day comes last. */
static void date_of_days(lua_Integer days, struct date *ret_date)
{
	lua_Integer shifted = days + 719468;
	lua_Integer era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int in_era = (int)(shifted - era * 146097);
	int year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) /
		   365;
	int in_year = in_era - (365 * year + year / 4 - year / 100);
	int month = (5 * in_year + 2) / 153;

	ret_date->day = in_year - (153 * month + 2) / 5 + 1;
	ret_date->month = month < 10 ? month + 3 : month - 9;
	ret_date->year = year + era * 400 + (ret_date->month <= 2);
}

static const char *two(char out[3], int n)
{
	out[0] = (char)('0' + n / 10);
	out[1] = (char)('0' + n % 10);
	out[2] = '\0';
	return out;
}

/* time.iso([seconds]): "1970-01-01T00:00:00Z" */
static int time_iso(lua_State *L)
{
	lua_Integer s, in_day;
	struct date d;
	char text[5][3];

	if (lua_isnoneornil(L, 1))
		s = (lua_Integer)(clock_ns(INSIDE_CLOCK_REAL) / 1000000000);
	else
		s = (lua_Integer)luaL_checknumber(L, 1);
	luaL_argcheck(L, s >= -62167219200 && s <= 253402300799, 1,
		"not within the years 0 to 9999");
	in_day = (s % 86400 + 86400) % 86400;
	date_of_days((s - in_day) / 86400, &d);
	lua_pushfstring(L, "%s%s-%s-%sT", two(text[0], (int)d.year / 100),
		two(text[1], (int)d.year % 100), two(text[2], d.month),
		two(text[3], d.day));
	lua_pushfstring(L, "%s:%s:%sZ", two(text[0], (int)in_day / 3600),
		two(text[1], (int)in_day / 60 % 60),
		two(text[2], (int)in_day % 60));
	lua_concat(L, 2);
	return 1;
}

/* random -------------------------------------------------------------------*/

static lua_Integer check_count(lua_State *L)
{
	lua_Integer n = luaL_checkinteger(L, 1);

	luaL_argcheck(L, n >= 0 && n <= RANDOM_MAX_BYTES, 1,
		"not within 0 to 1048576");
	return n;
}

static int random_bytes(lua_State *L)
{
	size_t n = (size_t)check_count(L);
	luaL_Buffer b;
	char *p = luaL_buffinitsize(L, &b, n);

	random_in_bytes(&lua_in_of(L)->random, p, n);
	luaL_pushresultsize(&b, n);
	return 1;
}

static void to_hex(char *out, const unsigned char *bytes, size_t n)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = hex[bytes[i] >> 4];
		out[2 * i + 1] = hex[bytes[i] & 15];
	}
}

static int random_hex(lua_State *L)
{
	size_t n = (size_t)check_count(L);
	unsigned char part[32];
	luaL_Buffer b;
	char *p = luaL_buffinitsize(L, &b, 2 * n);

	for (size_t done = 0; done < n; done += sizeof(part)) {
		size_t m = n - done < sizeof(part) ? n - done : sizeof(part);

		random_in_bytes(&lua_in_of(L)->random, part, m);
		to_hex(p + 2 * done, part, m);
	}
	luaL_pushresultsize(&b, 2 * n);
	return 1;
}

static int random_int(lua_State *L)
{
	lua_Integer a = luaL_checkinteger(L, 1);
	lua_Integer b = luaL_checkinteger(L, 2);
	uint64_t x;

	luaL_argcheck(L, a <= b, 2, "interval is empty");
	x = random_in_upto(&lua_in_of(L)->random, (uint64_t)b - (uint64_t)a);
	lua_pushinteger(L, (lua_Integer)((uint64_t)a + x));
	return 1;
}

/* RFC 9562, version 4 */
static int random_uuid(lua_State *L)
{
	static const unsigned char cut[] = {0, 4, 6, 8, 10, 16};
	unsigned char b[16];
	char text[36], *p = text;

	random_in_bytes(&lua_in_of(L)->random, b, sizeof(b));
	b[6] = (b[6] & 0x0F) | 0x40;
	b[8] = (b[8] & 0x3F) | 0x80;
	for (int i = 0; i < 5; i++) {
		size_t n = (size_t)(cut[i + 1] - cut[i]);

		to_hex(p, b + cut[i], n);
		p += 2 * n;
		if (i < 4)
			*p++ = '-';
	}
	lua_pushlstring(L, text, sizeof(text));
	return 1;
}

/* context ------------------------------------------------------------------*/

static int context_remaining_ms(lua_State *L)
{
	const struct inside *in = lua_in_of(L)->in;
	uint64_t left = in->timeout_ns;

	if (in->entered_ns) {
		uint64_t spent = clock_ns(INSIDE_CLOCK_MONO) - in->entered_ns;

		left = spent < left ? left - spent : 0;
	}
	lua_pushnumber(L, (double)left / NS_PER_MS);
	return 1;
}

void lua_lib_push_context(lua_State *L)
{
	const struct inside *in = lua_in_of(L)->in;

	lua_createtable(L, 0, 8);
	lua_pushstring(L, in->tenant);
	lua_setfield(L, -2, "tenant");
	lua_pushstring(L, in->function);
	lua_setfield(L, -2, "function_name");
	lua_pushinteger(L, (lua_Integer)in->version);
	lua_setfield(L, -2, "function_version");
	lua_pushstring(L, in->invocation);
	lua_setfield(L, -2, "invocation_id");
	lua_pushinteger(L, (lua_Integer)in->memory_limit);
	lua_setfield(L, -2, "memory_limit");
	lua_pushcfunction(L, context_remaining_ms);
	lua_setfield(L, -2, "remaining_ms");
}

/* Opening ------------------------------------------------------------------*/

static const luaL_Reg json_functions[] = {{"array", json_array},
	{"decode", json_decode}, {"encode", json_encode}, {NULL, NULL}};
static const luaL_Reg log_functions[] = {{"debug", log_debug},
	{"info", log_info}, {"warn", log_warn}, {"error", log_error},
	{NULL, NULL}};
static const luaL_Reg time_functions[] = {{"now", time_now}, {"ms", time_ms},
	{"mono", time_mono}, {"iso", time_iso}, {NULL, NULL}};
static const luaL_Reg random_functions[] = {{"bytes", random_bytes},
	{"hex", random_hex}, {"int", random_int}, {"uuid", random_uuid},
	{NULL, NULL}};

/* Replaces a function of the table on top; returns what stood there. */
static lua_CFunction replace(lua_State *L, const char *name, lua_CFunction by)
{
	lua_CFunction old;

	lua_getfield(L, -1, name);
	old = lua_tocfunction(L, -1);
	lua_pop(L, 1);
	if (by)
		lua_pushcfunction(L, by);
	else
		lua_pushnil(L);
	lua_setfield(L, -2, name);
	return old;
}

/* As luaL_requiref, without the registry's table of loaded modules: there is no
 * require. Leaves the library on the stack. */
static void open_library(lua_State *L, const char *name, lua_CFunction open)
{
	lua_pushcfunction(L, open);
	lua_pushstring(L, name);
	lua_call(L, 1, 1);
	lua_pushvalue(L, -1);
	lua_setglobal(L, name);
}

static void open_base(lua_State *L, struct lua_in *lua)
{
	open_library(L, "_G", luaopen_base);
	replace(L, "dofile", NULL);
	replace(L, "loadfile", NULL);
	replace(L, "print", log_info);
	replace(L, "warn", log_warn);
	lua->base_load = replace(L, "load", base_load);
	lua->base_collectgarbage =
		replace(L, "collectgarbage", base_collectgarbage);
	lua_pop(L, 1);

	/* All functions share this metatable. */
	lua_pushcfunction(L, function_tostring);
	lua_createtable(L, 0, 2);
	lua_pushcfunction(L, function_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	lua_pop(L, 1);
}

static void open_lua(lua_State *L, struct lua_in *lua)
{
	open_library(L, "coroutine", luaopen_coroutine);
	open_library(L, "table", luaopen_table);
	open_library(L, "utf8", luaopen_utf8);
	lua_pop(L, 3);

	open_library(L, "string", luaopen_string);
	replace(L, "dump", NULL);
	lua->base_format = replace(L, "format", string_format);
	lua_pop(L, 1);

	open_library(L, "math", luaopen_math);
	lua_getfield(L, -1, "randomseed");
	lua_pushcclosure(L, math_randomseed, 1);
	lua_pushvalue(L, -1);
	lua_setfield(L, -3, "randomseed");
	lua_call(L, 0, 0);
	lua_pop(L, 1);
}

static void open_own(lua_State *L)
{
	json_in_init(L);
	luaL_newlib(L, json_functions);
	json_in_push_null(L);
	lua_setfield(L, -2, "null");
	lua_setglobal(L, "json");

	luaL_newlib(L, log_functions);
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, log_call);
	lua_setfield(L, -2, "__call");
	lua_setmetatable(L, -2);
	lua_setglobal(L, "log");

	luaL_newlib(L, time_functions);
	lua_setglobal(L, "time");
	luaL_newlib(L, random_functions);
	lua_setglobal(L, "random");
}

void lua_lib_open(lua_State *L)
{
	struct lua_in *lua = lua_in_of(L);

	open_base(L, lua);
	open_lua(L, lua);
	open_own(L);
}
