/*
 * hello.c again, in C++: a class, a template, memory by `new`. What C++ needs
 * of its own library is the two operators; exceptions and RTTI are off.
 *
 *     gvisord build hello.cpp
 *     gvisord deploy hello.so
 *     gvisord invoke hello '{"name": "Ada"}'
 */
#include "json_args.h"

void *operator new(size_t size)
{
	void *p = gv_alloc(size);

	if (!p)
		gv_fail("out of memory");
	return p;
}

void *operator new[](size_t size)
{
	return operator new(size);
}

void operator delete(void *p) noexcept
{
	gv_free(p);
}

void operator delete(void *p, size_t) noexcept
{
	gv_free(p);
}

void operator delete[](void *p) noexcept
{
	gv_free(p);
}

void operator delete[](void *p, size_t) noexcept
{
	gv_free(p);
}

namespace
{

struct piece {
	const char *at;
	size_t len;

	template <size_t N>
	constexpr piece(const char (&text)[N]) : at(text), len(N - 1)
	{
	}

	piece(const char *begin, const char *end)
	    : at(begin), len(static_cast<size_t>(end - begin))
	{
	}
};

/* Text that grows no more once it is made of its pieces. */
class text
{
      public:
	template <class... Pieces> explicit text(const Pieces &...pieces)
	{
		char *to = bytes_ = new char[(pieces.len + ... + 0)];

		((memcpy(to, pieces.at, pieces.len), to += pieces.len), ...);
		len_ = static_cast<size_t>(to - bytes_);
	}

	text(const text &) = delete;
	text &operator=(const text &) = delete;

	~text()
	{
		delete[] bytes_;
	}

	/* From here on the runtime frees the bytes. */
	void give(gv_response *res)
	{
		res->body = bytes_;
		res->body_len = len_;
		res->flags = GV_FREE;
		bytes_ = nullptr;
	}

      private:
	char *bytes_;
	size_t len_;
};

} // namespace

extern "C" int handler(const gv_request *req, gv_response *res)
{
	const char *name = json_find(req->body, "name");

	if (!name || *name != '"')
		return json_refuse(res, "name: must be a string");

	/* The name stays in JSON's spelling, its closing quote included. */
	piece rest(name + 1, json_past_string(name));
	text greeting(piece("{\"greeting\":\"Hello, "), rest, piece("}"));

	greeting.give(res);
	return 0;
}
