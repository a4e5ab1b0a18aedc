#pragma once
/*
 * A shared object's image in memory, as a function's address space will have
 * it: each segment at its address, zeros between and behind them, a page that
 * can't be touched on both sides. It is a sealed file without a name, which
 * nobody can write to any more: what is looked at here is what is to be mapped.
 *
 * Outside, control thread (it makes files and mappings). Nothing of it is ever
 * executable here, and no relocation is done.
 */
#include "engine/object.h"

struct layout {
	int fd;		   /* the image, sealed; 0 or less: none */
	uint8_t *reserved; /* guard, image, guard; NULL: none */
	uint8_t *image;	   /* [image, image + span) */
	uint64_t span;
};

/* Descriptors from this number on are not for images: clients need some, too.
 * Once, at start. */
void layout_set_files(int max);

/* Wants an object that object_read() said true of. 0 or -errno; -EMFILE: images
 * have all the descriptors that they may have. */
int layout_init(struct layout *l, const struct object *o);
/* The file is the caller's from here on. */
int layout_take_file(struct layout *l);
void layout_fini(struct layout *l); /* also of a zeroed one */
