/*
 * Where the functions are that native code may call, by the index of
 * exports_native. They are parts of this program, run with the rights of the
 * isolate that calls them. Constant.
 *
 * Each is declared by the name the linker knows and no type, so that no header
 * and no builtin has a say.
 */
#include "engine/exports.h"

#define GIVEN(name) extern const char at_##name[] __asm__(#name);
#define OWN(name, symbol) extern const char at_##name[] __asm__(#symbol);
#include "engine/native_exports.h"
#undef GIVEN
#undef OWN

#define GIVEN(name) at_##name,
#define OWN(name, symbol) at_##name,

const void *const exports_address[] = {
#include "engine/native_exports.h"
};
