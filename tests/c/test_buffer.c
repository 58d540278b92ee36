/* Growing buffers, up to their ceilings and not a byte further. */
#undef NDEBUG
#include "bytes.h"
#include "wire/buffer.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void
test_new_buffer_has_no_memory(void)
{
    struct sp_buffer buffer;

    sp_buffer_init(&buffer, 10);
    assert(buffer.data == NULL && sp_buffer_peek(&buffer).len == 0);
    assert(sp_buffer_append(&buffer, (struct sp_span){NULL, 0}));
    assert(buffer.data == NULL);
    sp_buffer_clear(&buffer);
    sp_buffer_clear(&buffer);
}

static void
test_clear_takes_zeroes(void)
{
    struct sp_buffer buffer = {0};

    assert(!sp_buffer_append(&buffer, span("x")));
    assert(sp_buffer_append(&buffer, span("")));
    sp_buffer_clear(&buffer);
}

static void
test_append_keeps_bytes_in_order(void)
{
    struct sp_buffer buffer;

    sp_buffer_init(&buffer, 100);
    assert(sp_buffer_append(&buffer, span("one")));
    assert(sp_buffer_append(&buffer, (struct sp_span){"\0", 1}));
    assert(sp_buffer_append(&buffer, span("two")));
    assert(sp_span_equal(sp_buffer_peek(&buffer), (struct sp_span){"one\0two", 7}));
    sp_buffer_clear(&buffer);
    assert(buffer.len == 0 && buffer.ceiling == 100);
    assert(sp_buffer_append(&buffer, span("again")));
    assert(is(sp_buffer_peek(&buffer), "again"));
    sp_buffer_clear(&buffer);
}

static void
test_ceiling_refuses_and_adds_nothing(void)
{
    struct sp_buffer buffer;

    sp_buffer_init(&buffer, 5);
    assert(sp_buffer_append(&buffer, span("abc")));
    assert(!sp_buffer_append(&buffer, span("def")));
    assert(!sp_buffer_append(&buffer, (struct sp_span){"", SIZE_MAX}));
    assert(is(sp_buffer_peek(&buffer), "abc"));
    assert(sp_buffer_append(&buffer, span("de")));
    assert(!sp_buffer_append(&buffer, span("f")));
    assert(buffer.capacity <= 5);
    sp_buffer_clear(&buffer);
}

static void
test_growth_meets_every_length(void)
{
    enum { CEILING = 5000 };

    for (size_t step = 1; step < 700; step += 13) {
        struct sp_buffer buffer;
        char piece[700];
        size_t total = 0;
        memset(piece, (int)(step % 256), sizeof(piece));
        sp_buffer_init(&buffer, CEILING);
        while (sp_buffer_append(&buffer, (struct sp_span){piece, step})) {
            total += step;
            assert(buffer.len == total && buffer.capacity >= total && buffer.capacity <= CEILING);
        }
        assert(total + step > CEILING);
        sp_buffer_clear(&buffer);
    }
}

static void
test_one_large_append_grows_at_once(void)
{
    struct sp_buffer buffer;
    size_t size = (size_t)1024 * 1024;
    char *bytes = calloc(size, 1);

    assert(bytes != NULL);
    sp_buffer_init(&buffer, size);
    assert(sp_buffer_append(&buffer, (struct sp_span){bytes, size}));
    assert(!sp_buffer_append(&buffer, span("x")));
    sp_buffer_clear(&buffer);
    free(bytes);
}

/* What is put into room that was made needs no more of it. */
static void
test_room_that_is_made_is_there(void)
{
    struct sp_buffer buffer;

    sp_buffer_init(&buffer, 2000);
    assert(sp_buffer_reserve(&buffer, 0) && buffer.data == NULL);
    for (size_t step = 1; sp_buffer_reserve(&buffer, step); step += 61) {
        char *data = buffer.data;
        assert(buffer.capacity - buffer.len >= step && buffer.capacity <= 2000);
        for (size_t i = 0; i < step; i++) {
            sp_buffer_put(&buffer, span("x"));
        }
        sp_buffer_put(&buffer, (struct sp_span){NULL, 0});
        assert(buffer.data == data);
    }
    size_t len = buffer.len;
    assert(!sp_buffer_reserve(&buffer, 2001 - len) && buffer.len == len);
    assert(sp_buffer_reserve(&buffer, 2000 - len));
    sp_buffer_clear(&buffer);
}

int
main(void)
{
    test_new_buffer_has_no_memory();
    test_clear_takes_zeroes();
    test_append_keeps_bytes_in_order();
    test_ceiling_refuses_and_adds_nothing();
    test_growth_meets_every_length();
    test_one_large_append_grows_at_once();
    test_room_that_is_made_is_there();
    (void)puts("buffer: ok");
    return 0;
}
