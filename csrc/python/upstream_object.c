#include "python/upstream_object.h"

#include "engine/caller.h"
#include "engine/client_socket.h"
#include "engine/process.h"
#include "python/exchange_object.h"
#include "python/field_list.h"
#include "python/notifier_object.h"
#include "wire/request_head.h"

#include <limits.h>

struct UpstreamObject {
    PyObject_HEAD
    struct sp_upstream *upstream; /* a reference of our own */
};

static struct UpstreamObject *
as_upstream(PyObject *self)
{
    return (struct UpstreamObject *)(void *)self;
}

static long long
milliseconds(double seconds)
{
    double ms = seconds * 1000.0;

    return ms<1.0 ? 1 : ms>(double) INT_MAX ? INT_MAX : (long long)ms;
}

static PyObject *
upstream_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    struct sp_upstream_options options = {.verify = true};
    double connect;
    double response;
    double idle;
    int verify;
    int is_development = 0;
    int is_started = 0;
    Py_ssize_t max_connections;

    if (kwargs != NULL && PyDict_Size(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError, "Upstream() takes no keyword arguments");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "szzp(ddd)n|zpzp:Upstream", &options.url, &options.unix_socket,
                          &options.ca_file, &verify, &connect, &response, &idle, &max_connections,
                          &options.loop_token, &is_development, &options.ca_path, &is_started)) {
        return NULL;
    }
    options.verify = verify != 0;
    options.is_development = is_development != 0;
    options.is_started = is_started != 0;
    options.connect_timeout = milliseconds(connect);
    options.response_timeout = milliseconds(response);
    options.idle_timeout = milliseconds(idle);
    options.max_connections = max_connections > 0 ? (size_t)max_connections : 1;

    PyObject *self = ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (self != NULL && sp_upstream_new(&options, &as_upstream(self)->upstream) != SP_OK) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return self;
}

static void
upstream_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    sp_upstream_give_back(as_upstream(self)->upstream);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static enum sp_error
start_exchange(struct sp_upstream *upstream, struct sp_request *request,
               struct sp_exchange **exchange)
{
    struct sp_mailbox *mailbox;
    enum sp_error error = sp_process_mailbox(&mailbox);

    if (error != SP_OK) {
        sp_buffer_clear(&request->fields);
        return error;
    }
    error = sp_exchange_new(mailbox, upstream, request, exchange);
    if (error == SP_OK) {
        error = sp_caller_start(*exchange);
        if (error != SP_OK) {
            sp_exchange_give_back(*exchange);
        }
    }
    return error;
}

/* A body with HEAD means nothing, and may be read as the next request (RFC 9110, 9.3.2). */
static bool
is_body_possible(const struct sp_request *request)
{
    return request->body_length >= SP_BODY_TUNNEL &&
           (request->body_length == SP_BODY_NONE || request->body_length == 0 ||
            !sp_span_equal(request->method, SP_SPAN("HEAD")));
}

/* (1) What could be read two ways is refused, and what comes back; the rest becomes one block of
 * lines. */
static bool
fill_request(struct sp_request *request, PyObject *fields, struct sp_span loop_token,
             const struct sp_state *state)
{
    bool is_line = sp_method_is_valid(request->method) && sp_target_is_valid(request->target);
    enum sp_error error;

    if (!is_line || !is_body_possible(request)) {
        sp_state_raise(state, SP_E_REQUEST_INVALID,
                       is_line ? "bad body length" : "bad method or target");
        return false;
    }
    sp_request_head_init(&request->fields, request->method, request->target);
    if (!sp_field_list_build(fields, request->body_length == SP_BODY_TUNNEL, loop_token,
                             &request->fields, &error)) {
        return false;
    }
    if (error != SP_OK) {
        sp_state_raise(state, error,
                       error == SP_E_REQUEST_INVALID ? "bad field name or value" : "");
    }
    return error == SP_OK;
}

PyDoc_STRVAR(
    request_doc,
    "request($self, method, target, fields, body_length=-2, client=-1, notifier=None, /)\n--\n\n"
    "Start an exchange.\n\n"
    "method: a token. target: the raw request target, Latin-1 text. fields: a list of\n"
    "pairs of Latin-1 text, sent in their order, hop-by-hop ones left out.\n"
    "body_length: bytes, or NO_BODY or CHUNKED. client: a descriptor of the client's\n"
    "socket, looked at (never read) while waiting, or -1; it must outlive the waiting.\n"
    "notifier: told when there is news, or None. With one the exchange starts at its begin()\n"
    "at the latest.\n"
    "EngineError: request-invalid, request-long, loop, system, shutdown.");

static PyObject *
upstream_request(PyObject *self, PyObject *args)
{
    struct sp_state *state = sp_state_of(self);
    struct sp_request request = {.body_length = SP_BODY_NONE, .client = SP_NO_CLIENT};
    PyObject *target;
    PyObject *fields;
    Py_ssize_t method_length;

    PyObject *notifier = Py_None;

    if (!PyArg_ParseTuple(args, "s#UO!|LiO:request", &request.method.data, &method_length, &target,
                          &PyList_Type, &fields, &request.body_length, &request.client,
                          &notifier) ||
        !sp_notifier_object_borrow(notifier, state->notifier_type, &request.notifier)) {
        return NULL;
    }
    request.method.len = (size_t)method_length;
    PyObject *raw_target = PyUnicode_AsLatin1String(target);
    if (raw_target == NULL) {
        return NULL;
    }
    request.target =
        (struct sp_span){PyBytes_AsString(raw_target), (size_t)PyBytes_Size(raw_target)};
    struct sp_exchange *exchange = NULL;
    PyObject *result = NULL;
    struct sp_upstream *upstream = as_upstream(self)->upstream;
    if (fill_request(&request, fields, sp_upstream_loop_token(upstream), state)) {
        enum sp_error error = start_exchange(upstream, &request, &exchange);
        result = error == SP_OK ? sp_exchange_object_wrap(state->exchange_type, exchange)
                                : sp_state_raise(state, error, "");
    }
    Py_DECREF(raw_target);
    return result;
}

PyDoc_STRVAR(
    leave_doc,
    "leave($self, heir=None, is_down_still=True, /)\n--\n\n"
    "Let go what waits for it to be back: such an exchange ends with EngineError moved, and\n"
    "its request is to go where the frontend is now. heir: the Upstream in its place, which\n"
    "where is_down_still is down as long as this one has been.");

static PyObject *
upstream_leave(PyObject *self, PyObject *args)
{
    PyTypeObject *type = sp_state_of(self)->upstream_type;
    PyObject *heir = Py_None;
    int is_down_still = 1;

    if (!PyArg_ParseTuple(args, "|Op:leave", &heir, &is_down_still)) {
        return NULL;
    }
    if (heir != Py_None && !PyObject_TypeCheck(heir, type)) {
        PyErr_SetString(PyExc_TypeError, "heir is an Upstream or None");
        return NULL;
    }
    sp_upstream_leave(as_upstream(self)->upstream,
                      heir != Py_None ? as_upstream(heir)->upstream : NULL, is_down_still != 0);
    Py_RETURN_NONE;
}

/* Not const, since a slot takes a plain pointer. */
static char upstream_doc[] =
    "Upstream(url, unix_socket, ca_file, verify, timeouts, max_connections, loop_token=None,\n"
    "is_development=False, ca_path=None, is_started=False, /)\n--\n\n"
    "An address that requests go to.\n\n"
    "url: scheme://host:port/, without a path. unix_socket: a path or None. verify: check an\n"
    "https upstream's certificate, by the authorities in ca_file, and in the folders of ca_path\n"
    "with a colon between; both None: where libcurl looks for them. timeouts: seconds to\n"
    "connect, from the request's last byte to the answer's head, and between bytes.\n"
    "max_connections: at once, over all upstreams of the process. loop_token: samesite-…, which\n"
    "each request bears in CDN-Loop; one that comes with it, or with eight like it, is refused.\n"
    "is_development: a timeout is told apart where eight or more requests with one method and\n"
    "target wait, and a refusal where localhost has something at that port; and a GET or HEAD\n"
    "without a body, of at most 32 at once, waits up to 5 s for an upstream that has answered\n"
    "within the last minute, or is_started together with Django, and refuses now.";

static PyMethodDef upstream_methods[] = {
    {"request", upstream_request, METH_VARARGS, request_doc},
    {"leave", upstream_leave, METH_VARARGS, leave_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot upstream_slots[] = {
    {Py_tp_doc, upstream_doc},
    {Py_tp_methods, upstream_methods},
    {Py_tp_new, upstream_new},
    {Py_tp_dealloc, upstream_dealloc},
    {0, NULL},
};

static PyType_Spec upstream_spec = {
    .name = "samesite_proxy._engine.Upstream",
    .basicsize = sizeof(struct UpstreamObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = upstream_slots,
};

int
sp_upstream_object_add(PyObject *module, PyTypeObject **type)
{
    *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &upstream_spec, NULL);
    return *type != NULL ? PyModule_AddType(module, *type) : -1;
}

struct sp_upstream *
sp_upstream_object_peek(PyObject *self)
{
    return as_upstream(self)->upstream;
}
