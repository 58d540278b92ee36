#include "python/field_list.h"

#include "wire/cdn_loop.h"
#include "wire/request_head.h"

/* The bytes of Latin-1 text. ASCII, that is nearly always, needs no copy; a copy is kept
 * alive by `copies`. */
static bool
borrow_latin1(PyObject *text, PyObject *copies, struct sp_span *span)
{
    Py_ssize_t size = 0;
    const char *utf8 = PyUnicode_AsUTF8AndSize(text, &size);

    if (utf8 == NULL) {
        return false;
    }
    if (size == PyUnicode_GetLength(text)) {
        *span = (struct sp_span){utf8, (size_t)size};
        return true;
    }
    PyObject *copy = PyUnicode_AsLatin1String(text);
    if (copy == NULL || PyList_Append(copies, copy) < 0) {
        Py_XDECREF(copy);
        return false;
    }
    *span = (struct sp_span){PyBytes_AsString(copy), (size_t)PyBytes_Size(copy)};
    Py_DECREF(copy);
    return true;
}

static bool
borrow_field(PyObject *pair, PyObject *copies, struct sp_field *field)
{
    PyObject *name;
    PyObject *value;

    if (!PyTuple_Check(pair)) {
        PyErr_SetString(PyExc_TypeError, "a field is a pair of str");
        return false;
    }
    return PyArg_ParseTuple(pair, "UU;a field is a pair of str", &name, &value) &&
           borrow_latin1(name, copies, &field->name) && borrow_latin1(value, copies, &field->value);
}

static bool
borrow_all(PyObject *pairs, PyObject *copies, struct sp_field *fields)
{
    Py_ssize_t count = PyTuple_Size(pairs);

    for (Py_ssize_t i = 0; i < count; i++) {
        if (!borrow_field(PyTuple_GetItem(pairs, i), copies, &fields[i])) {
            return false;
        }
    }
    return true;
}

static enum sp_error
build(const struct sp_field *fields, size_t count, bool is_upgrade, struct sp_span loop_token,
      struct sp_buffer *block)
{
    if (sp_cdn_loop_is_closed(fields, count, loop_token)) {
        return SP_E_LOOP;
    }
    enum sp_request_verdict verdict =
        is_upgrade ? sp_request_head_build_upgrade(block, fields, count, loop_token)
                   : sp_request_head_build(block, fields, count, loop_token);
    return sp_error_of_request(verdict);
}

static bool
build_pairs(PyObject *pairs, bool is_upgrade, struct sp_span loop_token, struct sp_buffer *block,
            enum sp_error *error)
{
    Py_ssize_t count = PyTuple_Size(pairs);

    if ((size_t)count > SP_REQUEST_GIVEN_MOST) {
        *error = SP_E_REQUEST_LONG;
        return true;
    }
    struct sp_field *fields = PyMem_Malloc(((size_t)count + 1) * sizeof(*fields));
    PyObject *copies = PyList_New(0);
    bool borrowed = fields != NULL && copies != NULL && borrow_all(pairs, copies, fields);
    if (borrowed) {
        *error = build(fields, (size_t)count, is_upgrade, loop_token, block);
    }
    if (fields == NULL) {
        PyErr_NoMemory();
    }
    PyMem_Free(fields);
    Py_XDECREF(copies);
    return borrowed;
}

/* Out of a copy: another thread may change the list meanwhile. */
bool
sp_field_list_build(PyObject *list, bool is_upgrade, struct sp_span loop_token,
                    struct sp_buffer *block, enum sp_error *error)
{
    PyObject *pairs = PyList_AsTuple(list);

    *error = SP_E_REQUEST_INVALID;
    bool borrowed = pairs != NULL && build_pairs(pairs, is_upgrade, loop_token, block, error);
    if (*error != SP_OK) {
        sp_buffer_clear(block);
    }
    Py_XDECREF(pairs);
    return borrowed;
}
