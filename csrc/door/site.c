#include "door/site.h"

#include <stdlib.h>

enum sp_error
sp_site_new(struct sp_site **site)
{
    struct sp_site *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        return SP_E_NO_MEMORY;
    }
    atomic_init(&made->references, 1);
    *site = made;
    return SP_OK;
}

struct sp_site *
sp_site_take(struct sp_site *site)
{
    atomic_fetch_add_explicit(&site->references, 1, memory_order_relaxed);
    return site;
}

static void
destroy_site(struct sp_site *site)
{
    sp_known_hosts_clear(&site->hosts);
    sp_texts_free(site->texts);
    for (size_t i = 0; i < site->frontend_count; i++) {
        sp_upstream_give_back(site->frontends[i].upstream);
        sp_own_addresses_give_back(site->frontends[i].own_addresses);
    }
    sp_routes_give_back(site->routes);
    sp_routes_give_back(site->own);
    free(site);
}

void
sp_site_give_back(struct sp_site *site)
{
    if (site != NULL && atomic_fetch_sub(&site->references, 1) == 1) {
        destroy_site(site);
    }
}

bool
sp_site_is_special(const struct sp_site *site, struct sp_span path)
{
    for (size_t i = 0; i < site->special_count; i++) {
        struct sp_span special = site->specials[i];
        if (path.len >= special.len &&
            sp_span_equal((struct sp_span){path.data, special.len}, special)) {
            return true;
        }
    }
    return false;
}
