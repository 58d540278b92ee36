/* Preloaded with calls.c: allocations of the engine's code, and of libcurl's. */
#include "calls.h"

#include <stdlib.h>
#include <string.h>

static bool
is_refused(const void *caller)
{
    return is_ours(caller) ? fails(MEMORY, -1, NULL)
                           : is_libcurls(caller) && fails(LIBCURLS_MEMORY, -1, NULL);
}

static void *
counted(const void *caller, void *made, int blocks)
{
    if (made != NULL && is_ours(caller)) {
        atomic_fetch_add(&page->blocks, blocks);
    }
    return made;
}

/* Where dlsym() itself allocates, there is no next one yet. */
static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static void (*next_free)(void *);

static void
find_next(void)
{
    next_malloc = REAL(malloc);
    next_calloc = REAL(calloc);
    next_realloc = REAL(realloc);
    next_free = REAL(free);
}

void *
malloc(size_t size)
{
    if (next_malloc == NULL) {
        find_next();
    }
    return is_refused(CALLER) ? NULL : counted(CALLER, next_malloc(size), 1);
}

void *
calloc(size_t count, size_t size)
{
    static _Thread_local bool is_finding;

    if (next_calloc == NULL && is_finding) {
        return NULL; /* dlsym() does without */
    }
    if (next_calloc == NULL) {
        is_finding = true;
        find_next();
        is_finding = false;
    }
    return is_refused(CALLER) ? NULL : counted(CALLER, next_calloc(count, size), 1);
}

void *
realloc(void *block, size_t size)
{
    if (next_realloc == NULL) {
        find_next();
    }
    return is_refused(CALLER) ? NULL : counted(CALLER, next_realloc(block, size), block == NULL);
}

void
free(void *block)
{
    if (next_free == NULL) {
        find_next();
    }
    next_free(counted(CALLER, block, -1));
}

char *
strdup(const char *text)
{
    size_t size = strlen(text) + 1;

    if (next_malloc == NULL) {
        find_next();
    }
    void *copy = is_refused(CALLER) ? NULL : counted(CALLER, next_malloc(size), 1);
    return copy != NULL ? memcpy(copy, text, size) : NULL;
}
