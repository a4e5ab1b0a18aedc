#pragma once
/*
 * A signal handler that resumes in the mode that the frame has, 64-bit or
 * 32-bit code, as if fault.c did not set its own. Set before box_run().
 */
#include <stdbool.h>

extern bool mode_kept;
