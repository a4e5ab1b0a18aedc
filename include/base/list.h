#pragma once
/* Intrusive circular doubly linked list; the head is a node of its own. */
#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev;
	struct list *next;
};

#define container_of(ptr, type, member)                                        \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
	l->prev = l;
	l->next = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_insert(struct list *prev, struct list *node)
{
	node->prev = prev;
	node->next = prev->next;
	prev->next->prev = node;
	prev->next = node;
}

static inline void list_push_front(struct list *head, struct list *node)
{
	list_insert(head, node);
}

static inline void list_push_back(struct list *head, struct list *node)
{
	list_insert(head->prev, node);
}

/* The node is left as an empty list, so removing it twice is harmless. */
static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* First node, or NULL. */
static inline struct list *list_first(struct list *head)
{
	return list_empty(head) ? NULL : head->next;
}

/* The body may remove `it`. */
#define list_for_each(it, head)                                                \
	for (struct list *it = (head)->next, *it##_next = it->next;            \
		it != (head); it = it##_next, it##_next = it->next)
