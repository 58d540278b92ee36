#include "python/exchange_object.h"

#include "engine/caller.h"
#include "engine/process.h"
#include "python/answer_head.h"

static struct ExchangeObject *
as_exchange(PyObject *self)
{
    return (struct ExchangeObject *)(void *)self;
}

/* One thread at a time in each half, and never a forked child: the engine is its parent's. Nor any
 * once the exchange is relayed: the pipe's ends are both the engine's then. */
static bool
enter(PyObject *self, atomic_bool *half)
{
    const char *refusal = NULL;

    if (!sp_process_owns(as_exchange(self)->exchange->mailbox)) {
        refusal = "this exchange belongs to the parent process";
    }
    else if (atomic_exchange(half, true)) {
        refusal = "this exchange is in use by another thread";
    }
    else if (atomic_load(&as_exchange(self)->relayed)) {
        refusal = "this exchange is relayed, and goes on by itself";
        atomic_store(half, false);
    }
    if (refusal != NULL) {
        PyErr_SetString(PyExc_RuntimeError, refusal);
    }
    return refusal == NULL;
}

static PyObject *
leave(atomic_bool *half, PyObject *result)
{
    atomic_store(half, false);
    return result;
}

static PyObject *
raise_error(PyObject *self, enum sp_error error)
{
    char detail[256] = "";

    sp_caller_detail(as_exchange(self)->exchange, detail, sizeof(detail));
    return sp_state_raise(sp_state_of(self), error, detail);
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

PyDoc_STRVAR(offer_doc, "offer($self, data, /)\n--\n\n"
                        "Send what there is room for of a piece of the request's body: how many\n"
                        "bytes. The notifier tells when there is room again.\n\n"
                        "-1: the upstream does not want the rest. EngineError: as for send().");

static PyObject *
offer(PyObject *self, struct sp_span bytes)
{
    struct sp_span rest = bytes;
    bool wanted = true;
    enum sp_error error = sp_caller_send(as_exchange(self)->exchange, &rest, &wanted, 0);

    if (error != SP_OK && error != SP_E_AGAIN) {
        return raise_error(self, error);
    }
    return PyLong_FromSsize_t(wanted ? (Py_ssize_t)(bytes.len - rest.len) : -1);
}

/* `way` sends the bytes of `data`, or a part of them. */
static PyObject *
send_by(PyObject *self, PyObject *data, PyObject *(*way)(PyObject *self, struct sp_span bytes))
{
    Py_buffer view;

    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    PyObject *result = NULL;
    if (enter(self, &as_exchange(self)->sending)) {
        result = leave(&as_exchange(self)->sending,
                       way(self, (struct sp_span){view.buf, (size_t)view.len}));
    }
    PyBuffer_Release(&view);
    return result;
}

static PyObject *
exchange_offer(PyObject *self, PyObject *data)
{
    return send_by(self, data, offer);
}

PyDoc_STRVAR(send_doc, "send($self, data, /)\n--\n\n"
                       "Send a piece of the request's body; wait while there is no room.\n\n"
                       "False: the upstream does not want the rest. EngineError: longer than\n"
                       "declared, or the client is gone.");

static PyObject *
exchange_send(PyObject *self, PyObject *data)
{
    return send_by(self, data, send_all);
}

#define SP_CLIENT_SLICE 50 /* ms between looks for an early answer, while the client is awaited */

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
    return enter(self, &as_exchange(self)->sending)
               ? leave(&as_exchange(self)->sending, await_client(self))
               : NULL;
}

PyDoc_STRVAR(end_doc, "end($self, /)\n--\n\n"
                      "The request's body is complete. EngineError: shorter than declared.");

static PyObject *
exchange_end(PyObject *self, PyObject *Py_UNUSED(unused))
{
    if (!enter(self, &as_exchange(self)->sending)) {
        return NULL;
    }
    enum sp_error error = sp_caller_end(as_exchange(self)->exchange);
    return leave(&as_exchange(self)->sending,
                 error == SP_OK ? Py_NewRef(Py_None) : raise_error(self, error));
}

static PyObject *
await_head(PyObject *self, bool wait)
{
    struct sp_exchange *exchange = as_exchange(self)->exchange;
    enum sp_error error = sp_caller_await_head(exchange, 0);

    if (error == SP_E_AGAIN && !wait) {
        Py_RETURN_NONE;
    }
    while (error == SP_E_AGAIN) {
        Py_BEGIN_ALLOW_THREADS
            error = sp_caller_await_head(exchange, SP_SLICE);
        Py_END_ALLOW_THREADS
        if (error == SP_E_AGAIN && PyErr_CheckSignals() < 0) {
            return NULL;
        }
    }
    return error == SP_OK ? sp_answer_head_build(&exchange->head) : raise_error(self, error);
}

/* `way` waits for what comes, unless the one argument is false. */
static PyObject *
receive_by(PyObject *self, PyObject *args, const char *format,
           PyObject *(*way)(PyObject *self, bool wait))
{
    int wait = 1;

    if (!PyArg_ParseTuple(args, format, &wait) || !enter(self, &as_exchange(self)->receiving)) {
        return NULL;
    }
    return leave(&as_exchange(self)->receiving, way(self, wait != 0));
}

PyDoc_STRVAR(head_doc,
             "head($self, wait=True, /)\n--\n\n"
             "Wait for the answer's head: its status, reason and fields (pairs of\n"
             "Latin-1 text in their order, hop-by-hop ones left out). None when there is\n"
             "none yet and wait is false.");

static PyObject *
exchange_head(PyObject *self, PyObject *args)
{
    return receive_by(self, args, "|p:head", await_head);
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
    return receive_by(self, args, "|p:read", await_body);
}

static PyObject *
relay(PyObject *self, int fd, struct sp_span head, struct sp_span early)
{
    struct sp_exchange *exchange = as_exchange(self)->exchange;

    if (!sp_caller_has_head(exchange)) {
        PyErr_SetString(PyExc_RuntimeError, "this exchange has no head yet");
        return NULL;
    }
    enum sp_error error = sp_caller_relay(exchange, fd, head, early);
    if (error != SP_OK) {
        sp_caller_cancel(exchange); /* the client is lost, and with it the exchange's purpose */
    }
    atomic_store(&as_exchange(self)->relayed, true);
    return error == SP_OK ? Py_NewRef(Py_None) : raise_error(self, error);
}

PyDoc_STRVAR(relay_doc,
             "relay($self, fd, head, early, /)\n--\n\n"
             "Give the engine the client's connection, also when it fails: head goes out on\n"
             "it, then the answer's body as it is. After a 101, early and what the client\n"
             "sends goes upstream. The exchange goes on without this object: RuntimeError\n"
             "from then on, as before the head, and the connection is the caller's.");

static PyObject *
exchange_relay(PyObject *self, PyObject *args)
{
    int fd;
    struct sp_span head, early;
    Py_ssize_t head_length, early_length;

    if (!PyArg_ParseTuple(args, "iy#y#:relay", &fd, &head.data, &head_length, &early.data,
                          &early_length)) {
        return NULL;
    }
    head.len = (size_t)head_length;
    early.len = (size_t)early_length;
    return enter(self, &as_exchange(self)->receiving)
               ? leave(&as_exchange(self)->receiving, relay(self, fd, head, early))
               : NULL;
}

PyDoc_STRVAR(cancel_doc, "cancel($self, /)\n--\n\n"
                         "End the exchange, wherever it stands, without waiting. Any thread.");

static PyObject *
exchange_cancel(PyObject *self, PyObject *Py_UNUSED(unused))
{
    struct sp_exchange *exchange = as_exchange(self)->exchange;

    if (sp_process_owns(exchange->mailbox) && !atomic_load(&as_exchange(self)->relayed)) {
        sp_caller_cancel(exchange);
    }
    Py_RETURN_NONE;
}

/* (11) In a forked child the memory leaks: its mutex may be held by a thread that is not here. */
static void
exchange_dealloc(PyObject *self)
{
    struct sp_exchange *exchange = as_exchange(self)->exchange;
    PyTypeObject *type = Py_TYPE(self);

    if (exchange != NULL && sp_process_owns(exchange->mailbox)) {
        if (!atomic_load(&as_exchange(self)->relayed)) {
            sp_caller_cancel(exchange);
        }
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
    as_exchange(self)->exchange = exchange; /* the rest is zeroes */
    return self;
}

/* Not const, since a slot takes a plain pointer. */
static char exchange_doc[] = "One request and its answer, made by Upstream.request().";

static PyObject *
exchange_key(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromVoidPtr(as_exchange(self)->exchange);
}

static PyObject *
exchange_row(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromUnsignedLongLong(atomic_load(&as_exchange(self)->exchange->row));
}

static PyGetSetDef exchange_properties[] = {
    {"key", exchange_key, NULL, "What Notifier.answer() names this exchange by.", NULL},
    {"row", exchange_row, NULL, "Its row's number in the feed, once it has begun; 0: none.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef exchange_methods[] = {
    {"offer", exchange_offer, METH_O, offer_doc},
    {"send", exchange_send, METH_O, send_doc},
    {"await_client", exchange_await_client, METH_NOARGS, await_client_doc},
    {"end", exchange_end, METH_NOARGS, end_doc},
    {"head", exchange_head, METH_VARARGS, head_doc},
    {"read", exchange_read, METH_VARARGS, read_doc},
    {"relay", exchange_relay, METH_VARARGS, relay_doc},
    {"cancel", exchange_cancel, METH_NOARGS, cancel_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot exchange_slots[] = {
    {Py_tp_doc, exchange_doc},
    {Py_tp_methods, exchange_methods},
    {Py_tp_getset, exchange_properties},
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
