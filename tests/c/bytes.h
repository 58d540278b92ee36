/* Spans in tests. */
#ifndef SP_TESTS_BYTES_H
#define SP_TESTS_BYTES_H

#include "wire/span.h"

#include <stdint.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline struct sp_span
span(const char *text)
{
    return (struct sp_span){text, strlen(text)};
}

static inline bool
is(struct sp_span bytes, const char *text)
{
    return sp_span_equal(bytes, span(text));
}

/* The same numbers in every run. */
static inline uint32_t
next_random(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 16;
}

#endif
