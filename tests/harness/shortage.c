/* Preloaded: of the allocations that the engine's code makes in its thread, one fails, the nth from
 * when it is asked for (shortage_begin). What libraries allocate is theirs. */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

static _Atomic uintptr_t first, last; /* where the engine's code lies */
static atomic_ulong nth;              /* 0: none fails */

void shortage_begin(unsigned long which);
int shortage_end(void);

static int
find_code(struct dl_phdr_info *library, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    for (int i = 0; strstr(library->dlpi_name, "_engine") != NULL && i < library->dlpi_phnum; i++) {
        if (library->dlpi_phdr[i].p_type == PT_LOAD && (library->dlpi_phdr[i].p_flags & PF_X) != 0) {
            atomic_store(&first, library->dlpi_addr + library->dlpi_phdr[i].p_vaddr);
            atomic_store(&last, atomic_load(&first) + library->dlpi_phdr[i].p_memsz);
        }
    }
    return 0;
}

void
shortage_begin(unsigned long which)
{
    (void)dl_iterate_phdr(find_code, NULL);
    atomic_store(&nth, which);
}

/* Whether it has failed. */
int
shortage_end(void)
{
    return atomic_exchange(&nth, 0) == 0;
}

/* It alone blocks every signal. */
static bool
is_engine(void)
{
    sigset_t blocked;

    return pthread_sigmask(SIG_SETMASK, NULL, &blocked) == 0 &&
           sigismember(&blocked, SIGINT) == 1 && sigismember(&blocked, SIGUSR2) == 1;
}

static bool
fails(const void *caller)
{
    uintptr_t address = (uintptr_t)caller;

    if (atomic_load(&nth) == 0 || address < atomic_load(&first) || address >= atomic_load(&last) ||
        !is_engine() || atomic_fetch_sub(&nth, 1) != 1) {
        return false;
    }
    errno = ENOMEM;
    return true;
}

void *
malloc(size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *block, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(block, size);
}
