#include "python/answer_head.h"

static PyObject *
latin1(struct sp_span span)
{
    return PyUnicode_DecodeLatin1(span.data, (Py_ssize_t)span.len, NULL);
}

static bool
append_field(PyObject *fields, const struct sp_field *field)
{
    PyObject *name = latin1(field->name);
    PyObject *value = latin1(field->value);
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
    PyObject *reason = latin1(sp_buffer_peek(&head->reason));
    PyObject *built = NULL;

    if (fields != NULL && reason != NULL) {
        built = Py_BuildValue("(iOO)", head->status, reason, fields);
    }
    Py_XDECREF(fields);
    Py_XDECREF(reason);
    return built;
}
