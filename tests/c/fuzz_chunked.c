/* Any bytes as a body in chunks: no crash, and one reading however they are cut. The first byte
 * says how. */
#undef NDEBUG
#include "bytes.h"
#include "wire/chunked.h"
#include "wire/field.h"
#include "wire/trailer.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* libFuzzer's own name */

struct reading {
    struct sp_chunked chunked;
    enum sp_chunked_step step;
    struct sp_buffer body;
    size_t taken; /* of all bytes */
};

static void
take(struct reading *reading, struct sp_span part)
{
    struct sp_span rest = part;
    struct sp_span data = {NULL, 0};

    do {
        const char *before = rest.data;
        reading->step = sp_chunked_next(&reading->chunked, &rest, &data);
        assert(rest.data + rest.len == part.data + part.len && rest.data >= before);
        if (reading->step == SP_CHUNKED_DATA) {
            assert(data.len > 0 && data.data >= before && data.data + data.len == rest.data);
            assert(sp_buffer_append(&reading->body, data));
        }
    } while (reading->step == SP_CHUNKED_DATA);
    assert(reading->step != SP_CHUNKED_MORE || rest.len == 0);
    reading->taken += part.len - rest.len;
}

/* In pieces of random length, of which each stands where nothing follows. */
static void
read_in_pieces(struct reading *reading, struct sp_span bytes, uint32_t longest, uint32_t seed)
{
    while (bytes.len > 0 && reading->step == SP_CHUNKED_MORE) {
        size_t len = next_random(&seed) % longest + 1;
        len = len < bytes.len ? len : bytes.len;
        char *piece = malloc(len);
        assert(piece != NULL);
        memcpy(piece, bytes.data, len);
        take(reading, (struct sp_span){piece, len});
        free(piece);
        bytes = (struct sp_span){bytes.data + len, bytes.len - len};
    }
}

static void
begin(struct reading *reading, size_t size)
{
    sp_chunked_init(&reading->chunked, SP_SPAN(""));
    reading->step = SP_CHUNKED_MORE;
    reading->taken = 0;
    sp_buffer_init(&reading->body, size);
}

static void
check_trailers(struct sp_span trailers)
{
    while (trailers.len > 0) {
        struct sp_field field;
        struct sp_span line = sp_span_cut(&trailers, '\n');
        assert(line.len > 1 && line.data[line.len - 1] == '\r');
        line.len--;
        assert(sp_field_parse(line, &field) && sp_trailer_is_allowed(field.name, SP_SPAN("")));
        assert(sp_field_text_length(field.value) == field.value.len);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reading whole;
    static struct reading pieces;
    uint32_t how = size > 0 ? data[0] : 0;
    struct sp_span bytes = {(const char *)data + (size > 0), size - (size > 0)};

    begin(&whole, size);
    begin(&pieces, size);
    take(&whole, bytes);
    read_in_pieces(&pieces, bytes, how % 64 + 1, how);
    assert(whole.step == pieces.step && whole.taken == pieces.taken);
    assert(sp_span_equal(sp_buffer_peek(&whole.body), sp_buffer_peek(&pieces.body)));
    if (whole.step == SP_CHUNKED_DONE) {
        struct sp_span trailers = sp_buffer_peek(&whole.chunked.trailers);
        assert(sp_span_equal(trailers, sp_buffer_peek(&pieces.chunked.trailers)));
        check_trailers(trailers);
    }
    sp_buffer_clear(&whole.body);
    sp_buffer_clear(&pieces.body);
    return 0;
}
