#pragma once
/*
 * The faulty engine: the deeds of deeds.h as a language, said to be memory
 * safe, so that they can be done where there are no keys: in software mode, to
 * see that they succeed there. The code of a function is its plan. With keys
 * native code does them (attacker.c).
 */
#include "engine/engine.h"
#include "engine/inside.h"

inside_main_fn probe_in_main;

extern const struct engine engine_faulty;

/* What deeds are after; the evaluation finds them in the table of symbols. */
extern volatile uint64_t deeds_secret;
extern volatile char deeds_words[];
