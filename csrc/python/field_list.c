#include "python/field_list.h"

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
borrow_all(PyObject *list, PyObject *copies, struct sp_field *fields)
{
    Py_ssize_t count = PyList_Size(list);

    for (Py_ssize_t i = 0; i < count; i++) {
        if (!borrow_field(PyList_GetItem(list, i), copies, &fields[i])) {
            return false;
        }
    }
    return true;
}

bool
sp_field_list_build(PyObject *list, bool is_upgrade, struct sp_buffer *block,
                    enum sp_request_verdict *verdict)
{
    Py_ssize_t count = PyList_Size(list);

    *verdict = SP_REQUEST_INVALID;
    if (count > SP_MAX_FIELDS) {
        *verdict = SP_REQUEST_TOO_LONG;
        return true;
    }
    struct sp_field *fields = PyMem_Malloc(((size_t)count + 1) * sizeof(*fields));
    PyObject *copies = PyList_New(0);
    bool borrowed = fields != NULL && copies != NULL && borrow_all(list, copies, fields);
    if (borrowed) {
        *verdict = is_upgrade ? sp_request_head_build_upgrade(block, fields, (size_t)count)
                              : sp_request_head_build(block, fields, (size_t)count);
    }
    if (*verdict != SP_REQUEST_FIT) {
        sp_buffer_clear(block);
    }
    if (fields == NULL) {
        PyErr_NoMemory();
    }
    PyMem_Free(fields);
    Py_XDECREF(copies);
    return borrowed;
}
