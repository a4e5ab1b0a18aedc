#pragma once
/*
 * The probe engine: a language of attacks. The code of a function is ignored,
 * unless it is "load NR A B C D" or "alloc NR A B C D": the hostcall that is
 * made when the code is to be loaded, or room for a request to be made. Each
 * request names one deed, which the engine does inside the isolate:
 *
 *   echo TEXT            replies TEXT
 *   self                 replies the address of a canary of its own
 *   check                replies "whole" if that still holds, else "hurt"
 *   where data|words|thread|page|text|libc|ctl|end
 *                        replies an address of the runtime; the last two:
 *                        its own control block, the end of its memory
 *   fill PATTERN         fills a part of its heap
 *   scan PATTERN         replies how often it is in all of its memory; both
 *                        patterns inverted, so that the request has none
 *   pkru                 replies the rights it runs with
 *   read ADDR            replies what is there
 *   foreign ADDR         the same, unless it is its own: replies "own"
 *   write ADDR
 *   gsread ADDR          read, with GS base 0
 *   stackread ADDR RSP   read, with that stack pointer
 *   stacktrap RSP        UD2, with that stack pointer
 *   syscall NR, int80 NR
 *   trap, divide, overflow (the stack), jump ADDR
 *   spin, spintext (in the daemon's own code), callspin (hostcalls)
 *   bomb                 allocates until there is no more
 *   flood                writes past the end of its memory
 *   hostcall NR          makes that hostcall
 *   call NR A B C D      makes it with these arguments, replies its result
 *   reply PTR LEN, log PTR LEN, fail PTR LEN
 *                        hands out memory that may not be its own
 *
 * Numbers are hexadecimal.
 */
#include "engine/engine.h"
#include "engine/inside.h"

inside_main_fn probe_in_main;

/* Refused without keys, as native code is. */
extern const struct engine engine_probe;
/* The same, said to be memory safe: for what can be tried without keys. */
extern const struct engine engine_faulty;
