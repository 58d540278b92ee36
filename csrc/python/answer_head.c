#include "python/answer_head.h"

#include <string.h>

static PyObject *
latin1(struct sp_span span)
{
    return PyUnicode_DecodeLatin1(span.data, (Py_ssize_t)span.len, NULL);
}

/* A value or a reason, with a space for each control character, which RFC 9110, 5.5 lets a
 * recipient put there: a server would refuse the answer as a whole, or say half of it. */
static PyObject *
text(struct sp_span span)
{
    size_t length = sp_field_text_length(span);

    if (length == span.len) {
        return latin1(span);
    }
    char *copy = PyMem_Malloc(span.len);
    if (copy == NULL) {
        return PyErr_NoMemory();
    }
    memcpy(copy, span.data, span.len);
    while (length < span.len) {
        copy[length++] = ' ';
        length += sp_field_text_length((struct sp_span){copy + length, span.len - length});
    }
    PyObject *built = latin1(sp_span_trim((struct sp_span){copy, span.len}));
    PyMem_Free(copy);
    return built;
}

static bool
append_field(PyObject *fields, const struct sp_field *field)
{
    PyObject *name = latin1(field->name);
    PyObject *value = text(field->value);
    PyObject *pair = name != NULL && value != NULL ? PyTuple_Pack(2, name, value) : NULL;
    bool appended = pair != NULL && PyList_Append(fields, pair) == 0;

    Py_XDECREF(name);
    Py_XDECREF(value);
    Py_XDECREF(pair);
    return appended;
}

static PyObject *
build_fields(const struct sp_response_head *head)
{
    PyObject *fields = PyList_New(0);
    struct sp_span rest = sp_buffer_peek(&head->lines);
    struct sp_field field;

    while (fields != NULL && sp_response_head_next(head, &rest, &field)) {
        if (!append_field(fields, &field)) {
            Py_DECREF(fields);
            return NULL;
        }
    }
    return fields;
}

PyObject *
sp_answer_head_build(const struct sp_response_head *head)
{
    PyObject *fields = build_fields(head);
    PyObject *reason = text(sp_buffer_peek(&head->reason));
    PyObject *built = NULL;

    if (fields != NULL && reason != NULL) {
        built = Py_BuildValue("(iOO)", head->status, reason, fields);
    }
    Py_XDECREF(fields);
    Py_XDECREF(reason);
    return built;
}
