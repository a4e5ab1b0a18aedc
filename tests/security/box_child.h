#pragma once
/* Between box_run.c (parent) and box.c (child). */
#include "tests/security/box.h"

enum {
	BOX_EXIT_SETUP = 2,
	BOX_EXIT_FATAL = 3,
	BOX_EXIT_LOST = 4, /* the worker's thread ended */
};

/* Never returns. */
__attribute__((noreturn)) void box_child(struct box *b);
bool box_vault_whole(const struct box_vault *v, enum box_place place);
