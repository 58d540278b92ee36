#include "wire/routes.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SP_NO_NODE SIZE_MAX

/* All rules with one text. */
struct node {
    struct sp_span text; /* borrowed from the texts beside it */
    size_t shorter;      /* the node of the longest other text that this one starts with */
    int owners[SP_ROUTES_KINDS];
};

struct sp_routes {
    atomic_uint references;
    char *texts; /* owned */
    size_t count;
    struct node nodes[]; /* sorted by text */
};

static int
compare_spans(struct sp_span a, struct sp_span b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared > 0 ? memcmp(a.data, b.data, shared) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* A rule while the rules are sorted. */
struct entry {
    struct sp_span text; /* what counts of the rule's */
    const struct sp_routes_rule *rule;
};

static struct entry
entry_of(const struct sp_routes_rule *rule)
{
    struct entry entry = {rule->text, rule};
    struct sp_span *text = &entry.text;

    if (rule->kind == SP_ROUTES_PREFIX && text->len > 0 && text->data[text->len - 1] == '/') {
        text->len--;
    }
    return entry;
}

/* By text, then as given: the rules lie in one array. */
static int
compare_entries(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;
    int order = compare_spans(left->text, right->text);

    return order != 0 ? order : (left->rule > right->rule) - (left->rule < right->rule);
}

static bool
starts_with(struct sp_span text, struct sp_span start)
{
    return text.len >= start.len && sp_span_equal((struct sp_span){text.data, start.len}, start);
}

static void
append_node(struct sp_routes *routes, struct sp_span text)
{
    size_t shorter = routes->count > 0 ? routes->count - 1 : SP_NO_NODE;
    struct node *node = &routes->nodes[routes->count++];

    while (shorter != SP_NO_NODE && !starts_with(text, routes->nodes[shorter].text)) {
        shorter = routes->nodes[shorter].shorter;
    }
    node->text = text;
    node->shorter = shorter;
    for (size_t kind = 0; kind < SP_ROUTES_KINDS; kind++) {
        node->owners[kind] = SP_ROUTES_NOBODY;
    }
}

/* Takes the entries in the order of compare_entries. */
static void
add_entry(struct sp_routes *routes, const struct entry *entry, char **texts)
{
    struct sp_span text = entry->text;

    if (routes->count == 0 || !sp_span_equal(routes->nodes[routes->count - 1].text, text)) {
        if (text.len > 0) {
            memcpy(*texts, text.data, text.len);
        }
        append_node(routes, (struct sp_span){*texts, text.len});
        *texts += text.len;
    }
    int *owner = &routes->nodes[routes->count - 1].owners[entry->rule->kind];
    if (*owner == SP_ROUTES_NOBODY) {
        *owner = entry->rule->owner;
    }
}

/* The last node that does not sort after `path`. Every text that `path` starts with sorts
 * between such a text's shorter ones and this node, so this node starts with it too: all
 * that can match is this node and the chain of its shorter ones. */
static size_t
find_node(const struct sp_routes *routes, struct sp_span path)
{
    size_t low = 0;
    size_t high = routes->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_spans(routes->nodes[middle].text, path) <= 0) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    return low > 0 ? low - 1 : SP_NO_NODE;
}

static int
owner_at(const struct node *node, struct sp_span path)
{
    size_t len = node->text.len;

    if (!starts_with(path, node->text)) {
        return SP_ROUTES_NOBODY;
    }
    if (path.len == len && node->owners[SP_ROUTES_EXACT] != SP_ROUTES_NOBODY) {
        return node->owners[SP_ROUTES_EXACT];
    }
    if ((path.len == len || len == 0 || path.data[len] == '/') &&
        node->owners[SP_ROUTES_PREFIX] != SP_ROUTES_NOBODY) {
        return node->owners[SP_ROUTES_PREFIX];
    }
    return node->owners[SP_ROUTES_STARTS];
}

bool
sp_routes_new(const struct sp_routes_rule *rules, size_t count, struct sp_routes **routes)
{
    struct entry *sorted = calloc(count + 1, sizeof(*sorted));
    struct sp_routes *made = calloc(1, sizeof(*made) + count * sizeof(made->nodes[0]));
    size_t length = 0;

    if (sorted == NULL || made == NULL) {
        goto fail;
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = entry_of(&rules[i]);
        length += rules[i].text.len;
    }
    qsort(sorted, count, sizeof(*sorted), compare_entries);
    char *texts = made->texts = malloc(length + 1);
    if (texts == NULL) {
        goto fail;
    }
    for (size_t i = 0; i < count; i++) {
        add_entry(made, &sorted[i], &texts);
    }
    free(sorted);
    atomic_init(&made->references, 1);
    *routes = made;
    return true;
fail:
    free(sorted);
    free(made);
    return false;
}

struct sp_routes *
sp_routes_take(struct sp_routes *routes)
{
    atomic_fetch_add_explicit(&routes->references, 1, memory_order_relaxed);
    return routes;
}

void
sp_routes_give_back(struct sp_routes *routes)
{
    if (routes != NULL && atomic_fetch_sub(&routes->references, 1) == 1) {
        free(routes->texts);
        free(routes);
    }
}

int
sp_routes_match(const struct sp_routes *routes, struct sp_span path)
{
    int owner = SP_ROUTES_NOBODY;

    for (size_t i = find_node(routes, path); i != SP_NO_NODE && owner == SP_ROUTES_NOBODY;
         i = routes->nodes[i].shorter) {
        owner = owner_at(&routes->nodes[i], path);
    }
    return owner;
}
