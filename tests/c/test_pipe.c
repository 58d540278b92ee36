/* The bounded pipe: every byte once and in order, also between two threads. */
#undef NDEBUG
#include "bytes.h"
#include "core/pipe.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>

static void
test_empty_pipe_gives_nothing(void)
{
    struct sp_pipe pipe;

    sp_pipe_init(&pipe, 8);
    assert(sp_pipe_room(&pipe) == 8 && sp_pipe_is_empty(&pipe));
    assert(sp_pipe_peek(&pipe).len == 0);
    assert(sp_pipe_peek(&pipe).len == 0);
    sp_pipe_clear(&pipe);
    sp_pipe_clear(&pipe);
}

static void
test_bytes_come_out_in_order(void)
{
    struct sp_pipe pipe;

    sp_pipe_init(&pipe, 8);
    assert(sp_pipe_write(&pipe, span("abc")) && sp_pipe_write(&pipe, span("def")));
    assert(is(sp_pipe_peek(&pipe), "abcdef"));
    assert(sp_pipe_room(&pipe) == 8);
    assert(sp_pipe_write(&pipe, span("gh")));
    sp_pipe_consume(&pipe, 4);
    assert(is(sp_pipe_peek(&pipe), "ef"));
    sp_pipe_consume(&pipe, 2);
    assert(!sp_pipe_is_empty(&pipe));
    assert(is(sp_pipe_peek(&pipe), "gh"));
    assert(!sp_pipe_is_empty(&pipe));
    sp_pipe_consume(&pipe, 2);
    assert(sp_pipe_is_empty(&pipe) && sp_pipe_peek(&pipe).len == 0);
    sp_pipe_clear(&pipe);
}

static void
test_each_half_has_its_ceiling(void)
{
    struct sp_pipe pipe;

    sp_pipe_init(&pipe, 4);
    assert(sp_pipe_write(&pipe, span("abcd")));
    assert(sp_pipe_room(&pipe) == 0 && !sp_pipe_write(&pipe, span("e")));
    assert(is(sp_pipe_peek(&pipe), "abcd"));
    assert(sp_pipe_write(&pipe, span("efgh")) && !sp_pipe_write(&pipe, span("i")));
    assert(is(sp_pipe_peek(&pipe), "abcd"));
    sp_pipe_consume(&pipe, 4);
    assert(is(sp_pipe_peek(&pipe), "efgh") && sp_pipe_room(&pipe) == 4);
    sp_pipe_clear(&pipe);
}

/* What was peeked at does not move while the writer goes on. */
static void
test_peeked_bytes_stay_while_more_is_written(void)
{
    struct sp_pipe pipe;

    sp_pipe_init(&pipe, 4096);
    assert(sp_pipe_write(&pipe, span("first")));
    struct sp_span peeked = sp_pipe_peek(&pipe);
    for (int i = 0; i < 400; i++) {
        assert(sp_pipe_write(&pipe, span("more bytes")));
    }
    assert(is(peeked, "first") && sp_pipe_peek(&pipe).data == peeked.data);
    sp_pipe_clear(&pipe);
}

enum { TOTAL = 2000000 };

struct shared {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct sp_pipe pipe;
};

static char
byte_at(size_t position)
{
    return (char)(unsigned char)(position * 31 % 251);
}

/* Writes pieces of odd sizes, and waits for room. */
static void *
write_all(void *context)
{
    struct shared *shared = context;
    uint32_t random = 7;
    size_t written = 0;

    while (written < TOTAL) {
        char bytes[900];
        size_t len = 1 + next_random(&random) % sizeof(bytes);
        len = len < TOTAL - written ? len : TOTAL - written;
        for (size_t i = 0; i < len; i++) {
            bytes[i] = byte_at(written + i);
        }
        pthread_mutex_lock(&shared->mutex);
        while (sp_pipe_room(&shared->pipe) < len) {
            pthread_cond_wait(&shared->changed, &shared->mutex);
        }
        assert(sp_pipe_write(&shared->pipe, (struct sp_span){bytes, len}));
        pthread_cond_signal(&shared->changed);
        pthread_mutex_unlock(&shared->mutex);
        written += len;
    }
    return NULL;
}

/* The bytes are read, and said to be read, without the lock. */
static void
read_all(struct shared *shared)
{
    uint32_t random = 3;
    size_t got = 0;

    while (got < TOTAL) {
        pthread_mutex_lock(&shared->mutex);
        struct sp_span bytes = sp_pipe_peek(&shared->pipe);
        while (bytes.len == 0) {
            pthread_cond_wait(&shared->changed, &shared->mutex);
            bytes = sp_pipe_peek(&shared->pipe);
        }
        pthread_cond_signal(&shared->changed);
        pthread_mutex_unlock(&shared->mutex);
        size_t count = 1 + next_random(&random) % bytes.len;
        for (size_t i = 0; i < count; i++) {
            assert(bytes.data[i] == byte_at(got + i));
        }
        sp_pipe_consume(&shared->pipe, count);
        got += count;
    }
}

static void
test_two_threads_lose_nothing(void)
{
    struct shared shared = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                            .changed = PTHREAD_COND_INITIALIZER};
    pthread_t writer;

    sp_pipe_init(&shared.pipe, 1000);
    assert(pthread_create(&writer, NULL, write_all, &shared) == 0);
    read_all(&shared);
    assert(pthread_join(writer, NULL) == 0);
    assert(sp_pipe_peek(&shared.pipe).len == 0);
    sp_pipe_clear(&shared.pipe);
}

static void
test_spans_go_in_together_or_not_at_all(void)
{
    struct sp_pipe pipe;
    struct sp_span spans[] = {SP_SPAN("3\r\n"), SP_SPAN("abc"), SP_SPAN("\r\n")};

    sp_pipe_init(&pipe, 12);
    assert(sp_pipe_write_all(&pipe, spans, 3) && !sp_pipe_write_all(&pipe, spans, 3));
    assert(sp_pipe_room(&pipe) == 4);
    assert(sp_span_equal(sp_pipe_peek(&pipe), SP_SPAN("3\r\nabc\r\n")));
    sp_pipe_clear(&pipe);
}

int
main(void)
{
    test_empty_pipe_gives_nothing();
    test_bytes_come_out_in_order();
    test_each_half_has_its_ceiling();
    test_spans_go_in_together_or_not_at_all();
    test_peeked_bytes_stay_while_more_is_written();
    test_two_threads_lose_nothing();
    (void)puts("pipe: ok");
    return 0;
}
