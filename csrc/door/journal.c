#include "door/journal.h"

#include <stdlib.h>

/* Of an answer that came. */
#define SP_FIRST_FAILURE 500

enum sp_error
sp_journal_init(struct sp_journal *journal)
{
    *journal = (struct sp_journal){.records = NULL};
    journal->records = calloc(SP_JOURNAL_SIZE, sizeof(*journal->records));
    if (journal->records == NULL) {
        return SP_E_NO_MEMORY;
    }
    (void)pthread_mutex_init(&journal->mutex, NULL); /* cannot fail with default attributes */
    enum sp_error error = sp_wakeup_init(&journal->wakeup);
    if (error != SP_OK) {
        free(journal->records);
        journal->records = NULL;
    }
    return error;
}

void
sp_journal_clear(struct sp_journal *journal)
{
    if (journal->records != NULL) {
        sp_wakeup_clear(&journal->wakeup);
        (void)pthread_mutex_destroy(&journal->mutex); /* nobody else knows it now */
        free(journal->records);
        journal->records = NULL;
    }
}

bool
sp_journal_wants(struct sp_journal *journal, enum sp_error error, int status)
{
    pthread_mutex_lock(&journal->mutex);
    bool wants = journal->takes_all || (error != SP_OK && error != SP_E_CLIENT_GONE) ||
                 status >= SP_FIRST_FAILURE;
    pthread_mutex_unlock(&journal->mutex);
    return wants;
}

void
sp_journal_add(struct sp_journal *journal, const struct sp_record *record)
{
    pthread_mutex_lock(&journal->mutex);
    bool was_empty = journal->count == 0;
    if (journal->count < SP_JOURNAL_SIZE) {
        journal->records[(journal->first + journal->count) % SP_JOURNAL_SIZE] = *record;
        journal->count++;
    }
    pthread_mutex_unlock(&journal->mutex);
    if (was_empty) {
        sp_wakeup_ring(&journal->wakeup);
    }
}

bool
sp_journal_take(struct sp_journal *journal, struct sp_record *record)
{
    pthread_mutex_lock(&journal->mutex);
    bool is_there = journal->count > 0;
    if (is_there) {
        *record = journal->records[journal->first];
        journal->first = (journal->first + 1) % SP_JOURNAL_SIZE;
        journal->count--;
    }
    else {
        sp_wakeup_silence(&journal->wakeup);
    }
    pthread_mutex_unlock(&journal->mutex);
    return is_there;
}

void
sp_journal_take_all(struct sp_journal *journal, bool all)
{
    pthread_mutex_lock(&journal->mutex);
    journal->takes_all = all;
    pthread_mutex_unlock(&journal->mutex);
}
