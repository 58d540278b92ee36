#include "python/feed_functions.h"

#include "core/clock.h"
#include "engine/process.h"
#include "python/state.h"

#include <stdlib.h>
#include <string.h>

static PyObject *
fail(PyObject *module, enum sp_error error)
{
    return sp_state_raise(PyModule_GetState(module), error, "");
}

PyDoc_STRVAR(keep_doc,
             "keep_feed(scope, /)\n--\n\n"
             "What the process's feed holds from now on: FEED_OFF, FEED_PROCESS (unless it is the\n"
             "listener's already) or FEED_DOOR.");

static PyObject *
keep_feed(PyObject *module, PyObject *argument)
{
    long scope = PyLong_AsLong(argument);

    if (scope == -1 && PyErr_Occurred() != NULL) {
        return NULL;
    }
    if (scope < SP_FEED_OFF || scope > SP_FEED_DOOR) {
        PyErr_SetString(PyExc_ValueError, "there is no such scope");
        return NULL;
    }
    struct sp_feed *feed;
    enum sp_error error = sp_process_feed(&feed);
    if (error == SP_OK && (scope != SP_FEED_PROCESS || sp_feed_scope(feed) != SP_FEED_DOOR)) {
        Py_BEGIN_ALLOW_THREADS
            error = sp_feed_keep(feed, (enum sp_feed_scope)scope);
        Py_END_ALLOW_THREADS
    }
    if (error != SP_OK) {
        return fail(module, error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(open_doc, "open_row(method, target, who, /)\n--\n\n"
                       "Add a request to the feed that no frontend is asked; its row's number.");

static PyObject *
open_row(PyObject *module, PyObject *args)
{
    struct sp_feed_request request = {.now = sp_clock_now()};
    struct sp_feed *feed;
    Py_ssize_t lengths[2];

    if (!PyArg_ParseTuple(args, "s#s#i:open_row", &request.method.data, &lengths[0],
                          &request.target.data, &lengths[1], &request.who)) {
        return NULL;
    }
    request.method.len = (size_t)lengths[0];
    request.target.len = (size_t)lengths[1];
    enum sp_error error = sp_process_feed(&feed);
    if (error != SP_OK) {
        return fail(module, error);
    }
    unsigned long long number = sp_feed_open(feed, 0, &request);
    sp_feed_ask(feed, number, request.now);
    return PyLong_FromUnsignedLongLong(number);
}

PyDoc_STRVAR(answer_doc, "answer_row(number, status, /)\n--\n\nIts answer has begun.");

static PyObject *
answer_row(PyObject *module, PyObject *args)
{
    unsigned long long number;
    int status;
    struct sp_feed *feed;

    if (!PyArg_ParseTuple(args, "Ki:answer_row", &number, &status)) {
        return NULL;
    }
    enum sp_error error = sp_process_feed(&feed);
    if (error != SP_OK) {
        return fail(module, error);
    }
    sp_feed_answer(feed, number, status, sp_clock_now());
    Py_RETURN_NONE;
}

PyDoc_STRVAR(end_doc, "end_row(number, sent, /)\n--\n\n"
                      "Its answer is over; sent: bytes of its body.");

static PyObject *
end_row(PyObject *module, PyObject *args)
{
    unsigned long long number;
    long long sent;
    struct sp_feed *feed;

    if (!PyArg_ParseTuple(args, "KL:end_row", &number, &sent)) {
        return NULL;
    }
    enum sp_error error = sp_process_feed(&feed);
    if (error != SP_OK) {
        return fail(module, error);
    }
    sp_feed_count(feed, number, sent);
    sp_feed_end(feed, number, SP_OK, sp_clock_now());
    Py_RETURN_NONE;
}

PyDoc_STRVAR(refuse_doc, "refuse_row(number, status, sent, /)\n--\n\n"
                         "Not who was asked has answered, but we.");

static PyObject *
refuse_row(PyObject *module, PyObject *args)
{
    unsigned long long number;
    int status;
    long long sent;
    struct sp_feed *feed;

    if (!PyArg_ParseTuple(args, "KiL:refuse_row", &number, &status, &sent)) {
        return NULL;
    }
    enum sp_error error = sp_process_feed(&feed);
    if (error != SP_OK) {
        return fail(module, error);
    }
    sp_feed_refuse(feed, number, status, sp_clock_now());
    sp_feed_count(feed, number, sent);
    Py_RETURN_NONE;
}

static double
since(long long time, long long began)
{
    return time == SP_NEVER ? -1.0 : (double)(time - began);
}

static PyObject *
as_tuple(const struct sp_feed_row *row, long long now)
{
    const char *error = row->error == SP_OK ? "" : sp_error_info(row->error)->name;
    PyObject *target = PyUnicode_DecodeLatin1(row->target, (Py_ssize_t)strlen(row->target), NULL);
    PyObject *method = PyUnicode_DecodeLatin1(row->method, (Py_ssize_t)strlen(row->method), NULL);

    if (target == NULL || method == NULL) {
        Py_XDECREF(target);
        Py_XDECREF(method);
        return NULL;
    }
    return Py_BuildValue("KKsiNNNiLdddds", row->number, row->change, row->name, row->who, method,
                         target, PyBool_FromLong(row->is_cut), row->status, row->sent,
                         (double)(now - row->began), since(row->asked, row->began),
                         since(row->answered, row->began), since(row->ended, row->began), error);
}

static bool
append_row(PyObject *list, const struct sp_feed_row *row, long long now)
{
    PyObject *tuple = as_tuple(row, now);
    bool appended = tuple != NULL && PyList_Append(list, tuple) == 0;

    Py_XDECREF(tuple);
    return appended;
}

static PyObject *
as_list(const struct sp_feed_row *rows, size_t count)
{
    PyObject *list = PyList_New(0);
    long long now = sp_clock_now();
    bool complete = list != NULL;

    for (size_t i = 0; complete && i < count; i++) {
        complete = append_row(list, &rows[i], now);
    }
    if (!complete) {
        Py_XDECREF(list);
        return NULL;
    }
    return list;
}

PyDoc_STRVAR(
    rows_doc,
    "feed_rows(after, /)\n--\n\n"
    "The rows that have changed since the change `after`, and the number of the newest of all.\n"
    "They come by their last change, the second of each: number, change, a frontend's place (\"\": "
    "who says it), who as in\n"
    "proxy/rules.py (1: we), method, target, whether it is longer, status (0: none yet),\n"
    "bytes of the body, ms since it began, ms from then until it was asked, answered and\n"
    "over (-1: not yet), and EngineError code (\"\": none).");

static PyObject *
feed_rows(PyObject *module, PyObject *argument)
{
    unsigned long long after = PyLong_AsUnsignedLongLong(argument);
    struct sp_feed_row *rows;
    struct sp_feed *feed;
    size_t count = 0;
    unsigned long long opened = 0;

    if (PyErr_Occurred() != NULL) {
        return NULL;
    }
    enum sp_error error = sp_process_feed(&feed);
    rows = error == SP_OK ? malloc(SP_FEED_ROWS * sizeof(*rows)) : NULL;
    if (rows == NULL) {
        return fail(module, error == SP_OK ? SP_E_NO_MEMORY : error);
    }
    Py_BEGIN_ALLOW_THREADS
        count = sp_feed_copy(feed, after, rows, &opened);
    Py_END_ALLOW_THREADS
    PyObject *list = as_list(rows, count);
    free(rows);
    return list == NULL ? NULL : Py_BuildValue("NK", list, opened);
}

/* Not const, since the call takes a plain pointer. */
static PyMethodDef feed_methods[] = {
    {"keep_feed", keep_feed, METH_O, keep_doc},
    {"open_row", open_row, METH_VARARGS, open_doc},
    {"answer_row", answer_row, METH_VARARGS, answer_doc},
    {"end_row", end_row, METH_VARARGS, end_doc},
    {"refuse_row", refuse_row, METH_VARARGS, refuse_doc},
    {"feed_rows", feed_rows, METH_O, rows_doc},
    {NULL, NULL, 0, NULL},
};

int
sp_feed_functions_add(PyObject *module)
{
    if (PyModule_AddIntConstant(module, "FEED_OFF", SP_FEED_OFF) < 0 ||
        PyModule_AddIntConstant(module, "FEED_PROCESS", SP_FEED_PROCESS) < 0 ||
        PyModule_AddIntConstant(module, "FEED_DOOR", SP_FEED_DOOR) < 0) {
        return -1;
    }
    return PyModule_AddFunctions(module, feed_methods);
}
