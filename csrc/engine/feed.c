#include "engine/feed.h"

#include "core/clock.h"

#include <stdlib.h>
#include <string.h>

void
sp_feed_init(struct sp_feed *feed)
{
    atomic_init(&feed->scope, SP_FEED_OFF);
    (void)pthread_mutex_init(&feed->mutex, NULL); /* cannot fail with default attributes */
}

void
sp_feed_clear(struct sp_feed *feed)
{
    (void)pthread_mutex_destroy(&feed->mutex); /* nobody else knows it now */
    free(feed->rows);
    feed->rows = NULL;
}

enum sp_error
sp_feed_keep(struct sp_feed *feed, enum sp_feed_scope scope)
{
    pthread_mutex_lock(&feed->mutex);
    if (feed->rows == NULL && scope != SP_FEED_OFF) {
        feed->rows = calloc(SP_FEED_ROWS, sizeof(*feed->rows));
    }
    bool is_short = feed->rows == NULL && scope != SP_FEED_OFF;
    atomic_store(&feed->scope, is_short ? SP_FEED_OFF : scope);
    pthread_mutex_unlock(&feed->mutex);
    return is_short ? SP_E_NO_MEMORY : SP_OK;
}

/* True: not all of it. */
static bool
keep_text(char *room, size_t size, struct sp_span text)
{
    bool is_cut = text.len >= size;
    size_t count = is_cut ? size - 1 : text.len;

    if (count > 0) {
        memcpy(room, text.data, count);
    }
    room[count] = '\0';
    return is_cut;
}

static struct sp_feed_row *
place_of(const struct sp_feed *feed, unsigned long long number)
{
    return &feed->rows[number % SP_FEED_ROWS];
}

/* Under the mutex, which it takes if there is such a row. */
static struct sp_feed_row *
begin_change(struct sp_feed *feed, unsigned long long number)
{
    if (number == 0) {
        return NULL;
    }
    pthread_mutex_lock(&feed->mutex);
    struct sp_feed_row *row = place_of(feed, number);
    if (row->number == number) {
        row->change = ++feed->changes;
        return row;
    }
    pthread_mutex_unlock(&feed->mutex);
    return NULL;
}

static void
end_change(struct sp_feed *feed)
{
    pthread_mutex_unlock(&feed->mutex);
}

static void
fill(struct sp_feed_row *row, const struct sp_feed_request *request)
{
    const char *name = request->name != NULL ? request->name : "";

    row->asked = row->answered = row->ended = SP_NEVER;
    row->sent = 0;
    row->who = request->who;
    row->status = 0;
    row->error = SP_OK;
    row->is_cut = keep_text(row->target, sizeof(row->target), request->target);
    (void)keep_text(row->method, sizeof(row->method), request->method); /* none is so long */
    (void)keep_text(row->name, sizeof(row->name), (struct sp_span){name, strlen(name)});
}

unsigned long long
sp_feed_open(struct sp_feed *feed, unsigned long long number, const struct sp_feed_request *request)
{
    if (sp_feed_scope(feed) == SP_FEED_OFF) {
        return 0;
    }
    struct sp_feed_row *row = begin_change(feed, number);
    if (row == NULL) {
        pthread_mutex_lock(&feed->mutex);
        number = ++feed->opened;
        row = place_of(feed, number);
        row->number = number;
        row->began = request->now;
        row->change = ++feed->changes;
    }
    fill(row, request);
    end_change(feed);
    return number;
}

void
sp_feed_ask(struct sp_feed *feed, unsigned long long number, long long now)
{
    struct sp_feed_row *row = begin_change(feed, number);

    if (row != NULL) {
        row->asked = now;
        end_change(feed);
    }
}

void
sp_feed_answer(struct sp_feed *feed, unsigned long long number, int status, long long now)
{
    struct sp_feed_row *row = begin_change(feed, number);

    if (row != NULL) {
        row->status = status;
        row->answered = now;
        end_change(feed);
    }
}

void
sp_feed_attribute(struct sp_feed *feed, unsigned long long number, int who)
{
    struct sp_feed_row *row = begin_change(feed, number);

    if (row != NULL) {
        row->who = who;
        end_change(feed);
    }
}

void
sp_feed_count(struct sp_feed *feed, unsigned long long number, long long bytes)
{
    struct sp_feed_row *row = begin_change(feed, number);

    if (row != NULL) {
        row->sent += bytes;
        end_change(feed);
    }
}

/* Under the mutex. Whoever was to answer is not who has. */
static void
note_refusal(struct sp_feed_row *row, int status)
{
    row->status = status;
    row->answered = row->ended;
    row->sent = 0;
    row->who = SP_FEED_US;
    row->name[0] = '\0';
}

/* Nobody is told: the client has left, or its request is begun anew. */
static bool
is_silent(enum sp_error error)
{
    return error == SP_OK || error == SP_E_CLIENT_GONE || error == SP_E_CANCELED ||
           error == SP_E_MOVED;
}

void
sp_feed_end(struct sp_feed *feed, unsigned long long number, enum sp_error error, long long now)
{
    struct sp_feed_row *row = begin_change(feed, number);

    if (row == NULL) {
        return;
    }
    if (row->ended == SP_NEVER) { /* else whoever lets go of what is over has no news of it */
        row->error = error;
        row->ended = now;
        if (row->status == 0 && !is_silent(error)) {
            note_refusal(row, sp_error_info(error)->status);
        }
    }
    end_change(feed);
}

void
sp_feed_refuse(struct sp_feed *feed, unsigned long long number, int status, long long now)
{
    struct sp_feed_row *row = begin_change(feed, number);

    if (row != NULL) {
        row->ended = row->ended == SP_NEVER ? now : row->ended;
        note_refusal(row, status);
        end_change(feed);
    }
}

static int
by_change(const void *one, const void *other)
{
    const struct sp_feed_row *left = one;
    const struct sp_feed_row *right = other;

    return left->change < right->change ? -1 : left->change > right->change;
}

size_t
sp_feed_copy(struct sp_feed *feed, unsigned long long after, struct sp_feed_row *rows,
             unsigned long long *opened)
{
    size_t count = 0;

    pthread_mutex_lock(&feed->mutex);
    *opened = feed->opened;
    for (size_t i = 0; feed->rows != NULL && i < SP_FEED_ROWS; i++) {
        if (feed->rows[i].number != 0 && feed->rows[i].change > after) {
            rows[count++] = feed->rows[i];
        }
    }
    pthread_mutex_unlock(&feed->mutex);
    qsort(rows, count, sizeof(*rows), by_change);
    return count;
}
