/*
 * The Lua engine as the runtime sees it: outside, in T. It looks at the code's
 * first bytes only; what Lua makes of it is found out in the isolate.
 */
#include <stdio.h>

#include "engine/engine.h"
#include "engine/lua_in.h"

/* First byte of compiled Lua (LUA_SIGNATURE). */
enum {
	BYTECODE = '\x1B'
};

static int lua_admit(
	const struct engine_code *code, struct engine_verdict *ret_verdict)
{
	const char *p = code->bytes;
	const char *why;

	*ret_verdict = (struct engine_verdict){0};
	if (code->len == 0)
		why = "the code is empty";
	else if (p[0] == BYTECODE)
		why = "the code is compiled Lua; send its source text";
	else
		return 0;
	(void)snprintf(
		ret_verdict->reason, sizeof(ret_verdict->reason), "%s", why);
	return ENGINE_E_REJECTED;
}

/*
 * Where the parts of a Lua state come to lie that exist before any of the
 * function's own: seen with valgrind's lackey, Lua 5.4.4. A hint; another Lua
 * works as well, only not as fast among many.
 */
static const struct engine_hot lua_hot[] = {
	{0, 128},     /* the heap's own */
	{832, 384},   /* the thread, first half of the global state */
	{2496, 192},  /* end of the global state, registry */
	{6784, 256},  /* stack */
	{20480, 576}, /* calls, message handler */
	{0, 0},
};

const struct engine engine_lua = {
	.name = "lua",
	.media_type = "text/x-lua",
	.memory_safe = true,
	.contexts = true,
	.hot = lua_hot,
	.inside_main = lua_in_main,
	.admit = lua_admit,
};
