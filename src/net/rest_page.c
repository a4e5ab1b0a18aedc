/* Queries of lists: see rest_page.h. */
#include "net/rest_page.h"

#include <stdlib.h>

#include "net/query.h"
#include "net/rest_json.h"

bool rest_page_init(
	struct rest_page *page, struct control_req *req, struct buf *err)
{
	struct slice query = rest_exchange(req)->query;
	struct query_param q[] = {{"limit"}, {"after"}};

	*page = (struct rest_page){
		.limit = REST_PAGE_LIMIT, .mem = malloc(query.len + 1)};
	if (page->mem && !query_parse(query, q, 2, page->mem, err) &&
		!query_u64(&q[0], 1, REST_PAGE_LIMIT, err, &page->limit)) {
		page->after = q[1].value;
		return true;
	}
	rest_page_fini(page);
	return false;
}

void rest_page_fini(struct rest_page *page)
{
	free(page->mem);
	page->mem = NULL;
}
