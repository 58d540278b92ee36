/* A view of bytes that someone else owns; valid as long as they are. */
#ifndef SP_WIRE_SPAN_H
#define SP_WIRE_SPAN_H

#include <stdbool.h>
#include <stddef.h>

struct sp_span {
    const char *data;
    size_t len;
};

/* A span over a string literal. */
#define SP_SPAN(literal) ((struct sp_span){(literal), sizeof(literal) - 1})

bool sp_span_equal(struct sp_span a, struct sp_span b);

/* ASCII-only and locale-free, as field names are. */
bool sp_span_starts_nocase(struct sp_span span, struct sp_span prefix);
bool sp_span_contains_nocase(struct sp_span span, struct sp_span part);

/* Here, since lengths alone tell nearly all apart. */
static inline bool
sp_span_equal_nocase(struct sp_span a, struct sp_span b)
{
    return a.len == b.len && sp_span_starts_nocase(a, b);
}

/* What is behind the first `start` bytes; empty when there are no more. */
struct sp_span sp_span_from(struct sp_span span, size_t start);

/* Without the blanks (SP, HTAB) at both ends. */
struct sp_span sp_span_trim(struct sp_span span);

/* Cuts the part of `*rest` before the next `separator` off, without outer blanks. */
struct sp_span sp_span_cut(struct sp_span *rest, char separator);

/* Reads `digits` as an unsigned decimal of at most `max`; false when there is none, a sign,
 * a blank, another character, or more than `max`, and `*number` is left alone. */
bool sp_span_to_number(struct sp_span digits, long long max, long long *number);

#endif
