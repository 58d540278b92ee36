#include "engine/process.h"

#include "core/descriptors.h"
#include "upstream/libcurl.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum phase {
    SP_PHASE_STARTING,
    SP_PHASE_RUNNING,
    SP_PHASE_FAILED,
    SP_PHASE_STOPPED,
};

struct engine {
    pid_t pid;
    pthread_t thread;
    _Atomic enum phase phase;
    struct sp_loop *loop; /* owned; leaked in a forked child and at exit */
};

/* What is shown has no need of an engine: Django's answers alone leave that asleep. */
struct showing {
    pid_t pid;
    struct sp_feed feed;
};

/* The globals that change. A child finds its parent's here, recognises them by the pid, and
 * replaces them; what it is to show is the same. */
static struct engine *_Atomic current;
static struct showing *_Atomic shown;

static pthread_once_t initialised = PTHREAD_ONCE_INIT;
static bool is_ready;

static void *
run(void *context)
{
    sp_loop_run(context);
    return NULL;
}

static struct showing *
new_showing(const struct showing *old)
{
    struct showing *made = calloc(1, sizeof(*made));

    if (made != NULL) {
        made->pid = getpid();
        sp_feed_init(&made->feed);
        if (old != NULL) {
            /* Without memory for it nothing is shown. */
            (void)sp_feed_keep(&made->feed, sp_feed_scope(&old->feed));
        }
    }
    return made;
}

enum sp_error
sp_process_feed(struct sp_feed **feed)
{
    struct showing *found = atomic_load(&shown);

    if (found == NULL || found->pid != getpid()) {
        struct showing *made = new_showing(found);
        if (made == NULL) {
            return SP_E_NO_MEMORY;
        }
        if (atomic_compare_exchange_strong(&shown, &found, made)) {
            found = made;
        }
        else { /* By another thread, which has come first. */
            sp_feed_clear(&made->feed);
            free(made);
        }
    }
    *feed = &found->feed;
    return SP_OK;
}

/* Signals are for the threads that Python knows. */
static enum sp_error
start_thread(struct engine *engine)
{
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&engine->thread, NULL, run, engine->loop);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed == 0 ? SP_OK : SP_E_SYSTEM;
}

static enum sp_error
start(struct engine *engine)
{
    struct sp_feed *feed;
    enum sp_error error = sp_process_feed(&feed);

    if (error == SP_OK) {
        error = sp_loop_new(feed, &engine->loop);
    }
    if (error == SP_OK) {
        error = start_thread(engine);
    }
    if (error != SP_OK) {
        sp_loop_free(engine->loop);
        engine->loop = NULL;
    }
    return error;
}

/* Another thread is at it: it is a matter of microseconds. */
static void
wait_for_start(struct engine *engine)
{
    while (atomic_load(&engine->phase) == SP_PHASE_STARTING) {
        (void)sched_yield(); /* only a hint */
    }
}

/* Puts a new engine in the place of `old`, or finds the one that another thread put there. */
static enum sp_error
replace(struct engine *old, struct engine **engine)
{
    struct engine *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        return SP_E_NO_MEMORY;
    }
    made->pid = getpid();
    if (!atomic_compare_exchange_strong(&current, &old, made)) {
        free(made);
        *engine = old;
        return SP_OK;
    }
    enum sp_error error = start(made);
    atomic_store(&made->phase, error == SP_OK ? SP_PHASE_RUNNING : SP_PHASE_FAILED);
    *engine = made;
    return error;
}

/* A child closes its copies at once, whether it will need an engine or not: as long as it has
 * them, a connection that its parent closes stays open. */
static void
initialise(void)
{
    is_ready = sp_libcurl_start() && sp_descriptors_follow_forks();
}

enum sp_error
sp_process_init(void)
{
    return pthread_once(&initialised, initialise) == 0 && is_ready ? SP_OK : SP_E_SYSTEM;
}

static enum sp_error
find_loop(struct sp_loop **loop)
{
    struct engine *engine = atomic_load(&current);

    if (engine == NULL || engine->pid != getpid() ||
        atomic_load(&engine->phase) == SP_PHASE_FAILED) {
        enum sp_error error = replace(engine, &engine);
        if (error != SP_OK) {
            return error;
        }
    }
    wait_for_start(engine);
    switch (atomic_load(&engine->phase)) {
    case SP_PHASE_RUNNING:
        *loop = engine->loop;
        return SP_OK;
    case SP_PHASE_STOPPED:
        return SP_E_SHUTDOWN;
    default:
        return SP_E_SYSTEM;
    }
}

/* (2) The process's engine, found or started. */
enum sp_error
sp_process_mailbox(struct sp_mailbox **mailbox)
{
    struct sp_loop *loop;
    enum sp_error error = find_loop(&loop);

    if (error == SP_OK) {
        *mailbox = &loop->mailbox;
    }
    return error;
}

/* Whether it is this process's and has a loop, also one that has ended. */
static bool
is_usable(const struct engine *engine)
{
    if (engine == NULL || engine->pid != getpid()) {
        return false;
    }
    enum phase phase = atomic_load(&engine->phase); /* before the loop is looked at */
    return (phase == SP_PHASE_RUNNING || phase == SP_PHASE_STOPPED) && engine->loop != NULL;
}

bool
sp_process_owns(const struct sp_mailbox *mailbox)
{
    const struct engine *engine = atomic_load(&current);

    return is_usable(engine) && mailbox == &engine->loop->mailbox;
}

/* Where none runs, one that is stopped takes its place: none starts any more. False when
 * another thread has put one there. */
static bool
forbid(struct engine *old)
{
    struct engine *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        return true; /* one may start again, and nothing can be done about it */
    }
    made->pid = getpid();
    atomic_init(&made->phase, SP_PHASE_STOPPED);
    bool placed = atomic_compare_exchange_strong(&current, &old, made);
    if (!placed) {
        free(made);
    }
    return placed;
}

void
sp_process_stop(void)
{
    struct engine *engine;
    enum phase running = SP_PHASE_RUNNING;

    do {
        engine = atomic_load(&current);
        if (engine != NULL && engine->pid == getpid()) {
            wait_for_start(engine);
            if (atomic_load(&engine->phase) != SP_PHASE_FAILED) {
                break;
            }
        }
    } while (!forbid(engine));

    if (is_usable(engine)) {
        bool is_first = atomic_compare_exchange_strong(&engine->phase, &running, SP_PHASE_STOPPED);
        sp_mailbox_stop(&engine->loop->mailbox);
        if (is_first) {
            (void)pthread_join(engine->thread, NULL); /* it ends, and nobody else joins it */
        }
    }
}
