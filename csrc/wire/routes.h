/* Whose path is it: the owner of the longest text that matches. Immutable and shared. */
#ifndef SP_WIRE_ROUTES_H
#define SP_WIRE_ROUTES_H

#include "wire/span.h"

/* What a rule's text owns. At equal length EXACT beats PREFIX beats STARTS. */
enum sp_routes_kind {
    SP_ROUTES_PREFIX, /* itself and what follows it after a "/"; a "/" at its end does not
                       * count, so that "/" owns everything */
    SP_ROUTES_EXACT,  /* itself */
    SP_ROUTES_STARTS, /* everything that starts with it */
    SP_ROUTES_KINDS,
};

#define SP_ROUTES_NOBODY (-1)

struct sp_routes_rule {
    struct sp_span text;
    enum sp_routes_kind kind;
    int owner; /* 0 or more; the meaning is the caller's */
};

struct sp_routes;

/* Copies the texts. Of rules with the same text and kind the first holds. False when
 * memory is short. */
bool sp_routes_new(const struct sp_routes_rule *rules, size_t count, struct sp_routes **routes);
struct sp_routes *sp_routes_take(struct sp_routes *routes);
void sp_routes_give_back(struct sp_routes *routes);

/* The owner of `path`, as bytes, or SP_ROUTES_NOBODY. */
int sp_routes_match(const struct sp_routes *routes, struct sp_span path);

#endif
