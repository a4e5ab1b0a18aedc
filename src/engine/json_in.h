#pragma once
/*
 * JSON to Lua values and back, inside the isolate. Nothing JSON has is lost on
 * the way:
 *
 *   null     json.null (a light userdata; nil would vanish from tables)
 *   array    table whose metatable is the array mark; json.array makes one
 *   object   table with string keys; an empty table without mark is one
 *   number   integer when written without fraction and exponent and within 64
 *            bits, else float. Floats are written so that they read back equal
 *   string   string; UTF-8 is checked both ways
 *
 * A plain table with elements 1..n and no other key is written as an array.
 */
#include <stddef.h>

#include <lua.h>

struct heap;

enum {
	JSON_IN_DEPTH = 128,   /* arrays and objects within each other */
	JSON_IN_NUMBER = 1024, /* characters of a number */
};

/* Text that grows in the isolate's heap. */
struct json_buf {
	struct heap *heap;
	char *p;
	size_t len;
	size_t cap;
};

/* Frees what is kept above `keep` bytes and empties the buffer. */
void json_buf_reset(struct json_buf *b, size_t keep);

struct json_in_error {
	size_t at;	  /* byte offset */
	const char *what; /* what was expected there */
};

/* Conditions of the two functions. */
enum json_in_e {
	JSON_IN_E_BAD = 1, /* the text is no JSON, the value cannot be */
	JSON_IN_E_NOMEM,   /* (encode) the heap is spent */
};

/* Makes what the others use; once per state. May raise a memory error. */
void json_in_init(lua_State *L);
void json_in_push_null(lua_State *L);
void json_in_push_array_mark(lua_State *L);
/* Marks the table on top of the stack as an array. */
void json_in_mark_array(lua_State *L);

/*
 * Pushes the value that the text stands for. Nothing is pushed on
 * JSON_IN_E_BAD. May raise a Lua memory error.
 */
int json_in_decode(lua_State *L, const char *text, size_t len,
	struct json_in_error *ret_error);

/*
 * Appends the text of the value at idx. Runs no metamethod and never collects
 * garbage. On JSON_IN_E_BAD a message is pushed that names the place, `name`
 * standing for the value itself; pushing it may raise a memory error.
 */
int json_in_encode(
	lua_State *L, int idx, const char *name, struct json_buf *out);
