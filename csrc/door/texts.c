#include "door/texts.h"

#include <stdlib.h>
#include <string.h>

struct sp_text {
    struct sp_text *next;
    char bytes[];
};

enum sp_error
sp_texts_keep(struct sp_text **texts, struct sp_span text, struct sp_span *kept)
{
    struct sp_text *made = malloc(sizeof(*made) + text.len);

    if (made == NULL) {
        return SP_E_NO_MEMORY;
    }
    if (text.len > 0) {
        memcpy(made->bytes, text.data, text.len);
    }
    made->next = *texts;
    *texts = made;
    *kept = (struct sp_span){made->bytes, text.len};
    return SP_OK;
}

void
sp_texts_free(struct sp_text *texts)
{
    while (texts != NULL) {
        struct sp_text *text = texts;
        texts = text->next;
        free(text);
    }
}
