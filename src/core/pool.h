#pragma once
/*
 * A worker's isolates: which are raw, ready, warm, and until when. The worker
 * alone touches it, so the warm path has no lock.
 */
#include "core/slots.h"

struct worker;

enum {
	POOL_READY_MAX = 8, /* isolates kept mapped and empty for cold starts */
	POOL_SPARES_MAX = 64,
	POOL_SPARE_MS = 10000, /* how long a spare waits for its function */
	POOL_DRAW = 64,	       /* of more warm ones so many are looked at */
};

struct pool {
	struct worker *worker;
	const struct arena *arena;
	/* Every isolate of this worker; zero, that is RAW and nobody's, until
	 * its slot is first used. */
	struct isolate *all;
	size_t count;
	struct slots slots[ARENA_CLASSES];
	struct list ready;     /* common class, of the default budget */
	unsigned n_ready;      /* and those on their way there */
	size_t ready_bytes;    /* the default budget, mapped */
	unsigned n_out;	       /* with the keeper, coming back empty */
	struct list spares;    /* newest first */
	unsigned n_spares;     /* and those on their way there */
	struct isolate **heap; /* warm ones and spares by `expires`, 1-based;
				* those in use, too, since they were warm */
	size_t n_heap;
	uint64_t drawn; /* pool_oldest() */
};

int pool_init(struct pool *p, struct worker *w, const struct arena *a,
	const size_t first[ARENA_CLASSES], const size_t count[ARENA_CLASSES]);
void pool_fini(struct pool *p);

/* The warmest isolate of fn, or NULL. */
struct isolate *pool_take_warm(struct worker *w, struct function *fn);
/* Takes that idle one. */
void pool_take(struct isolate *iso);
/* It was not used after all: as if it had not been taken. */
void pool_untake(struct worker *w, struct isolate *iso);
/* The isolate that pool_take_warm() would give has a key. */
bool pool_resident(struct worker *w, struct function *fn);
/* Takes back one that answered; false: it must be dropped (run once,
 * retired). */
bool pool_keep(struct pool *p, struct isolate *iso, uint64_t now);

/*
 * An isolate without a function for a budget of `bytes`: READY when one of that
 * size is, else RAW (to be prepared by the keeper). NULL: none left.
 */
struct isolate *pool_take_empty(struct pool *p, size_t bytes);
/* There is an empty one for fn, or one on its way, without the end of another
 * that is in use or warm. */
bool pool_has_room(const struct pool *p, const struct function *fn);
/* One came back from the keeper empty; it goes where it fits. */
void pool_return(struct pool *p, struct isolate *iso);
/* Sends raw isolates to be prepared until enough are ready. */
void pool_refill(struct pool *p);

/*
 * To put a program in place takes the keeper longer than to run it. So when fn
 * has a cold start not long after another one, one more isolate is made ready
 * for it, with the program mapped, for the next.
 */
bool pool_wants_spare(struct pool *p, struct function *fn);
/* Asks the keeper for one, if it can be had. */
void pool_want_spare(struct pool *p, struct function *fn);
/* NULL: there is none. Else it is READY, with fn's program in place. */
struct isolate *pool_take_spare(struct pool *p, struct function *fn);
/* Drops the oldest spare of a class to make room; false: there is none. */
bool pool_drop_spare(struct pool *p, enum arena_class class);

/* The warm one of a class that was idle longest, or longer than most others
 * where there are many; NULL: none. */
struct isolate *pool_oldest(struct pool *p, enum arena_class class);
/* Drops a warm one to make room. */
void pool_evict(struct isolate *iso);
/* Drops a spare or the coldest warm one of a tenant (NULL: of anybody). NULL:
 * there is none. */
struct isolate *pool_relieve(struct pool *p, const struct tenant *owner);
/* The isolate is being dropped: no timer of it is left. */
void pool_forget(struct pool *p, struct isolate *iso);

/*
 * Drops what has been idle past its time. Returns when to look again
 * (UINT64_MAX: nothing to look at).
 */
uint64_t pool_reap(struct pool *p, uint64_t now);
/* Gives back what nobody has wanted for a while. When to look again. */
uint64_t pool_give_back(struct pool *p, uint64_t now);
/* Drops every warm isolate of fn, and its spare. */
void pool_purge(struct worker *w, struct function *fn);
