/* What is answered in this process, and by whom, for a developer's eyes: its last exchanges, those
 * under way among them. Any thread's. It keeps nothing of a request but its first line. */
#ifndef SP_ENGINE_FEED_H
#define SP_ENGINE_FEED_H

#include "core/error.h"
#include "wire/span.h"

#include <pthread.h>
#include <stdatomic.h>

#define SP_FEED_ROWS   500U
#define SP_FEED_METHOD 24U
#define SP_FEED_TARGET 512U
#define SP_FEED_NAME   128U

enum sp_feed_scope {
    SP_FEED_OFF,
    SP_FEED_PROCESS, /* all exchanges of this process, and what Python adds */
    SP_FEED_DOOR,    /* all requests at the listener, whoever answers them */
};

/* Who answers; as proxy/rules.py numbers owners, where no name says more. */
enum {
    SP_FEED_DJANGO = 0,
    SP_FEED_US = 1, /* a refusal */
    SP_FEED_FIRST_FRONTEND = 2,
};

struct sp_feed_row {
    unsigned long long number; /* from 1 on; 0: there is none */
    unsigned long long change; /* by which it was changed last, of all changes */
    long long began;           /* ms, as all times; `now` of whoever opened it */
    long long asked;           /* when who answers was asked, or SP_NEVER */
    long long answered;        /* when the answer's head came, likewise */
    long long ended;           /* likewise */
    long long sent;            /* bytes of the answer's body */
    int who;
    int status; /* 0: there is none yet */
    enum sp_error error;
    bool is_cut;                 /* the target was longer */
    char method[SP_FEED_METHOD]; /* each NUL-terminated */
    char target[SP_FEED_TARGET];
    char name[SP_FEED_NAME]; /* where a frontend is; empty: `who` says it */
};

struct sp_feed {
    _Atomic enum sp_feed_scope scope;
    pthread_mutex_t mutex;     /* guards what follows */
    struct sp_feed_row *rows;  /* owned; SP_FEED_ROWS as a ring, or NULL: it was never on */
    unsigned long long opened; /* the newest one's number */
    unsigned long long changes;
};

void sp_feed_init(struct sp_feed *feed);
void sp_feed_clear(struct sp_feed *feed);

/* From now on; what is there stays. */
enum sp_error sp_feed_keep(struct sp_feed *feed, enum sp_feed_scope scope);

static inline enum sp_feed_scope
sp_feed_scope(const struct sp_feed *feed)
{
    return atomic_load_explicit(&feed->scope, memory_order_relaxed);
}

struct sp_feed_request {
    struct sp_span method;
    struct sp_span target;
    const char *name; /* NUL-terminated, or NULL */
    int who;
    long long now;
};

/* The number of its row; that of `number`, begun anew, where it has one. 0: none is kept. */
unsigned long long sp_feed_open(struct sp_feed *feed, unsigned long long number,
                                const struct sp_feed_request *request);

/* Of 0, and of one that others have taken the place of, nothing is noted. */
void sp_feed_ask(struct sp_feed *feed, unsigned long long number, long long now);
void sp_feed_answer(struct sp_feed *feed, unsigned long long number, int status, long long now);
void sp_feed_attribute(struct sp_feed *feed, unsigned long long number, int who);
void sp_feed_count(struct sp_feed *feed, unsigned long long number, long long bytes);
/* The first end counts. */
void sp_feed_end(struct sp_feed *feed, unsigned long long number, enum sp_error error,
                 long long now);

/* It is we who have answered, also where it had ended without an answer. */
void sp_feed_refuse(struct sp_feed *feed, unsigned long long number, int status, long long now);

/* Copies of those that have changed since `after`, by their changes; `rows` has room for
 * SP_FEED_ROWS. How many, and the number of the newest row that there is. */
size_t sp_feed_copy(struct sp_feed *feed, unsigned long long after, struct sp_feed_row *rows,
                    unsigned long long *opened);

#endif
