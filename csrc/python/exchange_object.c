#include "python/exchange_object.h"

#include "engine/caller.h"
#include "engine/process.h"

struct ExchangeObject {
    PyObject_HEAD
    struct sp_exchange *exchange; /* a reference of our own */
    atomic_bool busy;             /* some thread is in a method */
};

static struct ExchangeObject *
as_exchange(PyObject *self)
{
    return (struct ExchangeObject *)(void *)self;
}

/* One thread at a time, and never a forked child: the engine is its parent's. */
static bool
enter(PyObject *self)
{
    if (!sp_process_owns(as_exchange(self)->exchange->mailbox)) {
        PyErr_SetString(PyExc_RuntimeError, "this exchange belongs to the parent process");
        return false;
    }
    if (atomic_exchange(&as_exchange(self)->busy, true)) {
        PyErr_SetString(PyExc_RuntimeError, "this exchange is in use by another thread");
        return false;
    }
    return true;
}

static PyObject *
leave(PyObject *self, PyObject *result)
{
    atomic_store(&as_exchange(self)->busy, false);
    return result;
}

static PyObject *
raise_error(PyObject *self, enum sp_error error)
{
    char detail[256] = "";

    sp_caller_detail(as_exchange(self)->exchange, detail, sizeof(detail));
    return sp_module_raise(sp_module_state_of(self), error, detail);
}

static PyObject *
send_all(PyObject *self, struct sp_span bytes)
{
    struct sp_exchange *exchange = as_exchange(self)->exchange;
    bool wanted = true;

    while (wanted && bytes.len > 0) {
        enum sp_error error;
        Py_BEGIN_ALLOW_THREADS
            error = sp_caller_send(exchange, &bytes, &wanted, SP_SLICE);
        Py_END_ALLOW_THREADS
        if (error == SP_E_AGAIN && PyErr_CheckSignals() < 0) {
            return NULL;
        }
        if (error != SP_OK && error != SP_E_AGAIN) {
            return raise_error(self, error);
        }
    }
    return PyBool_FromLong(wanted);
}

PyDoc_STRVAR(send_doc, "send($self, data, /)\n--\n\n"
                       "Send a piece of the request's body; wait while there is no room.\n\n"
                       "False: the upstream does not want the rest. EngineError: longer than\n"
                       "declared, or the client is gone.");

static PyObject *
exchange_send(PyObject *self, PyObject *data)
{
    Py_buffer view;

    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    PyObject *result = NULL;
    if (enter(self)) {
        result = leave(self, send_all(self, (struct sp_span){view.buf, (size_t)view.len}));
    }
    PyBuffer_Release(&view);
    return result;
}

/* The upstream's early answer is looked for between waits for the client; ms. */
#define SP_CLIENT_SLICE 50

static PyObject *
await_client(PyObject *self)
{
    struct sp_exchange *exchange = as_exchange(self)->exchange;
    enum sp_error error;
    size_t count = 0;
    bool wanted = true;

    do {
        Py_BEGIN_ALLOW_THREADS
            error = sp_caller_await_client(exchange, &count, &wanted, SP_CLIENT_SLICE);
        Py_END_ALLOW_THREADS
        if (error == SP_E_AGAIN && PyErr_CheckSignals() < 0) {
            return NULL;
        }
    } while (error == SP_E_AGAIN);
    return PyLong_FromLongLong(wanted ? (long long)count : -1);
}

PyDoc_STRVAR(await_client_doc,
             "await_client($self, /)\n--\n\n"
             "Wait for the client to send more: how many bytes are there, 0 at its end.\n\n"
             "-1 as soon as the upstream does not want the rest of the body.");

static PyObject *
exchange_await_client(PyObject *self, PyObject *Py_UNUSED(unused))
{
    return enter(self) ? leave(self, await_client(self)) : NULL;
}

PyDoc_STRVAR(end_doc, "end($self, /)\n--\n\n"
                      "The request's body is complete. EngineError: shorter than declared.");

static PyObject *
exchange_end(PyObject *self, PyObject *Py_UNUSED(unused))
{
    if (!enter(self)) {
        return NULL;
    }
    enum sp_error error = sp_caller_end(as_exchange(self)->exchange);
    return leave(self, error == SP_OK ? Py_NewRef(Py_None) : raise_error(self, error));
}

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

static PyObject *
build_head(const struct sp_response_head *head)
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

static PyObject *
await_head(PyObject *self)
{
    struct sp_exchange *exchange = as_exchange(self)->exchange;
    enum sp_error error;

    do {
        Py_BEGIN_ALLOW_THREADS
            error = sp_caller_await_head(exchange, SP_SLICE);
        Py_END_ALLOW_THREADS
        if (error == SP_E_AGAIN && PyErr_CheckSignals() < 0) {
            return NULL;
        }
    } while (error == SP_E_AGAIN);
    return error == SP_OK ? build_head(&exchange->head) : raise_error(self, error);
}

PyDoc_STRVAR(head_doc, "head($self, /)\n--\n\n"
                       "Wait for the answer's head: its status, reason and fields (pairs of\n"
                       "Latin-1 text in their order, hop-by-hop ones left out).");

static PyObject *
exchange_head(PyObject *self, PyObject *Py_UNUSED(unused))
{
    return enter(self) ? leave(self, await_head(self)) : NULL;
}

static PyObject *
await_body(PyObject *self, bool wait)
{
    struct sp_exchange *exchange = as_exchange(self)->exchange;
    struct sp_span bytes;
    enum sp_error error = sp_caller_await_body(exchange, &bytes, 0);

    if (error == SP_E_AGAIN && !wait) {
        Py_RETURN_NONE;
    }
    while (error == SP_E_AGAIN) {
        if (PyErr_CheckSignals() < 0) {
            return NULL;
        }
        Py_BEGIN_ALLOW_THREADS
            error = sp_caller_await_body(exchange, &bytes, SP_SLICE);
        Py_END_ALLOW_THREADS
    }
    if (error != SP_OK) {
        return raise_error(self, error);
    }
    PyObject *piece = PyBytes_FromStringAndSize(bytes.data, (Py_ssize_t)bytes.len);
    if (piece != NULL) {
        sp_caller_consume(exchange, bytes.len);
    }
    return piece;
}

PyDoc_STRVAR(read_doc, "read($self, wait=True, /)\n--\n\n"
                       "The next piece of the answer's body, at most 256 KiB. None when there is\n"
                       "none yet and wait is false.\n\n"
                       "Empty: the body is whole. EngineError: it broke off.");

static PyObject *
exchange_read(PyObject *self, PyObject *args)
{
    int wait = 1;

    if (!PyArg_ParseTuple(args, "|p:read", &wait)) {
        return NULL;
    }
    return enter(self) ? leave(self, await_body(self, wait != 0)) : NULL;
}

PyDoc_STRVAR(cancel_doc, "cancel($self, /)\n--\n\n"
                         "End the exchange, wherever it stands, without waiting. Any thread.");

static PyObject *
exchange_cancel(PyObject *self, PyObject *Py_UNUSED(unused))
{
    struct sp_exchange *exchange = as_exchange(self)->exchange;

    if (sp_process_owns(exchange->mailbox)) {
        sp_caller_cancel(exchange);
    }
    Py_RETURN_NONE;
}

/* (12) In a forked child the memory leaks: its mutex may be held by a thread that is not here. */
static void
exchange_dealloc(PyObject *self)
{
    struct sp_exchange *exchange = as_exchange(self)->exchange;
    PyTypeObject *type = Py_TYPE(self);

    if (exchange != NULL && sp_process_owns(exchange->mailbox)) {
        sp_caller_cancel(exchange);
        sp_exchange_give_back(exchange);
    }
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

PyObject *
sp_exchange_object_wrap(PyTypeObject *type, struct sp_exchange *exchange)
{
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    PyObject *self = alloc(type, 0);

    if (self == NULL) {
        sp_caller_cancel(exchange);
        sp_exchange_give_back(exchange);
        return NULL;
    }
    as_exchange(self)->exchange = exchange;
    atomic_init(&as_exchange(self)->busy, false);
    return self;
}

/* Not const, since a slot takes a plain pointer. */
static char exchange_doc[] = "One request and its answer, made by Upstream.request().";

static PyMethodDef exchange_methods[] = {
    {"send", exchange_send, METH_O, send_doc},
    {"await_client", exchange_await_client, METH_NOARGS, await_client_doc},
    {"end", exchange_end, METH_NOARGS, end_doc},
    {"head", exchange_head, METH_NOARGS, head_doc},
    {"read", exchange_read, METH_VARARGS, read_doc},
    {"cancel", exchange_cancel, METH_NOARGS, cancel_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot exchange_slots[] = {
    {Py_tp_doc, exchange_doc},
    {Py_tp_methods, exchange_methods},
    {Py_tp_dealloc, exchange_dealloc},
    {0, NULL},
};

static PyType_Spec exchange_spec = {
    .name = "samesite_proxy._engine.Exchange",
    .basicsize = sizeof(struct ExchangeObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = exchange_slots,
};

int
sp_exchange_object_add(PyObject *module, PyTypeObject **type)
{
    *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &exchange_spec, NULL);
    return *type != NULL ? PyModule_AddType(module, *type) : -1;
}
