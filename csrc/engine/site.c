#include "engine/site.h"

#include <stdlib.h>
#include <string.h>

struct sp_text {
    struct sp_text *next;
    char bytes[];
};

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
destroy(struct sp_site *site)
{
    while (site->hosts != NULL) {
        struct sp_site_host *host = site->hosts;
        site->hosts = host->next;
        free(host->views);
        free(host);
    }
    while (site->texts != NULL) {
        struct sp_text *text = site->texts;
        site->texts = text->next;
        free(text);
    }
    for (size_t i = 0; i < site->frontend_count; i++) {
        sp_upstream_give_back(site->frontends[i].upstream);
        sp_home_give_back(site->frontends[i].home);
    }
    sp_routes_give_back(site->routes);
    sp_routes_give_back(site->own);
    free(site);
}

void
sp_site_give_back(struct sp_site *site)
{
    if (site != NULL && atomic_fetch_sub(&site->references, 1) == 1) {
        destroy(site);
    }
}

enum sp_error
sp_site_keep(struct sp_site *site, struct sp_span text, struct sp_span *kept)
{
    struct sp_text *made = malloc(sizeof(*made) + text.len);

    if (made == NULL) {
        return SP_E_NO_MEMORY;
    }
    if (text.len > 0) {
        memcpy(made->bytes, text.data, text.len);
    }
    made->next = site->texts;
    site->texts = made;
    *kept = (struct sp_span){made->bytes, text.len};
    return SP_OK;
}

struct sp_site_host *
sp_site_find(const struct sp_site *site, struct sp_span value)
{
    struct sp_site_host *host = site->hosts;

    while (host != NULL && !sp_span_equal(host->value, value)) {
        host = host->next;
    }
    return host;
}

struct sp_site_host *
sp_site_note(struct sp_site *site, struct sp_span value)
{
    struct sp_site_host *host = sp_site_find(site, value);

    if (host != NULL || site->host_count == SP_SITE_MAX_HOSTS) {
        return host;
    }
    host = calloc(1, sizeof(*host));
    if (host == NULL || sp_site_keep(site, value, &host->value) != SP_OK) {
        free(host);
        return NULL;
    }
    host->next = site->hosts;
    site->hosts = host;
    site->host_count++;
    return host;
}

const struct sp_site_view *
sp_site_view_of(const struct sp_site_host *host, size_t frontend, enum sp_view_kind kind)
{
    return &host->views[frontend * SP_VIEW_KINDS + kind];
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
