#include "python/listener_object.h"

#include "door/listener_caller.h"
#include "engine/process.h"
#include "python/site_arguments.h"

#include <string.h>

struct ListenerObject {
    PyObject_HEAD
    struct sp_listener *listener; /* owned; leaked in a forked child */
};

static struct sp_listener *
listener_of(PyObject *self)
{
    return ((struct ListenerObject *)(void *)self)->listener;
}

/* A forked child has none: its memory is a copy of what the parent's engine works with. */
static bool
check(PyObject *self, enum sp_error *error)
{
    *error = sp_process_owns(listener_of(self)->conductor.door.mailbox) ? SP_OK : SP_E_SHUTDOWN;
    return *error == SP_OK;
}

static PyObject *
conclude(PyObject *self, enum sp_error error)
{
    if (error != SP_OK) {
        return sp_state_raise(sp_state_of(self), error, "");
    }
    Py_RETURN_NONE;
}

static bool
fill_descriptors(PyObject *items, int *fds, size_t *count)
{
    Py_ssize_t length = PyTuple_Size(items);

    if (length < 1 || length > SP_LISTENERS_MAX) {
        PyErr_Format(PyExc_ValueError, "1 to %d listening sockets", SP_LISTENERS_MAX);
        return false;
    }
    for (Py_ssize_t i = 0; i < length; i++) {
        fds[i] = PyObject_AsFileDescriptor(PyTuple_GetItem(items, i));
        if (fds[i] < 0) {
            return false;
        }
    }
    *count = (size_t)length;
    return true;
}

/* Out of a copy: another thread, or an item's fileno(), may change the list meanwhile. */
static bool
read_descriptors(PyObject *list, int *fds, size_t *count)
{
    PyObject *items = PyList_AsTuple(list);
    bool is_read = items != NULL && fill_descriptors(items, fds, count);

    Py_XDECREF(items);
    return is_read;
}

static PyObject *
listener_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    PyObject *list;
    Py_ssize_t max_connections;
    struct sp_listener_options options;
    struct sp_mailbox *mailbox;
    struct sp_listener *listener = NULL;

    if (!PyArg_ParseTuple(args, "O!ni:Listener", &PyList_Type, &list, &max_connections,
                          &options.questions) ||
        !read_descriptors(list, options.fds, &options.count)) {
        return NULL;
    }
    if (max_connections < 1) {
        PyErr_SetString(PyExc_ValueError, "at least one connection");
        return NULL;
    }
    options.max_connections = (size_t)max_connections;
    PyObject *self = ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (self == NULL) {
        return NULL;
    }
    enum sp_error error = sp_process_mailbox(&mailbox);
    if (error == SP_OK) {
        Py_BEGIN_ALLOW_THREADS
            error = sp_listener_open(mailbox, &options, &listener);
        Py_END_ALLOW_THREADS
    }
    if (error != SP_OK) {
        sp_state_raise(sp_state_of(self), error, "");
        Py_DECREF(self);
        return NULL;
    }
    ((struct ListenerObject *)(void *)self)->listener = listener;
    return self;
}

static void
listener_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    struct sp_listener *listener = listener_of(self);

    if (listener != NULL && sp_process_owns(listener->conductor.door.mailbox)) {
        Py_BEGIN_ALLOW_THREADS
            sp_listener_close(listener);
        Py_END_ALLOW_THREADS
        sp_listener_free(listener);
    }
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(
    set_table_doc,
    "set_table($self, routes, own, special_paths, frontends, asks_django, /)\n--\n\n"
    "Say whose path is whose; hosts that were allowed before are forgotten.\n\n"
    "routes: with owners as in proxy/rules.py, or None: everything is Django's. own: the\n"
    "frontends' prefixes alone, for upgrades. special_paths: under which frontends may\n"
    "see a request differently. frontends: tuples of Upstream, OwnAddresses and a dict of\n"
    "EngineError codes to status and line. asks_django: whether hosts are asked about\n"
    "there, not at the socket that the listener was made with.");

static PyObject *
listener_set_table(PyObject *self, PyObject *args)
{
    enum sp_error error;
    struct sp_site *site = sp_site_from_arguments(sp_state_of(self), args);

    if (site == NULL) {
        return NULL;
    }
    if (!check(self, &error)) {
        sp_site_give_back(site);
        return conclude(self, error);
    }
    struct sp_listener *listener = listener_of(self);
    Py_BEGIN_ALLOW_THREADS
        error = sp_listener_set_site(listener, site);
    Py_END_ALLOW_THREADS
    return conclude(self, error);
}

PyDoc_STRVAR(
    add_host_doc,
    "add_host($self, host, origin, views, /)\n--\n\n"
    "The verdict on a Host value, whose browser is at `origin`.\n\n"
    "views: for each frontend, how it sees an ordinary request, one under a special\n"
    "path and an upgrade (host_policy.HostView as tuples); None: the host is not allowed.");

static PyObject *
listener_add_host(PyObject *self, PyObject *args)
{
    struct sp_host *host;
    enum sp_error error;

    if (!check(self, &error)) {
        return conclude(self, error);
    }
    host = sp_host_from_arguments(args);
    if (host == NULL) {
        return NULL;
    }
    struct sp_listener *listener = listener_of(self);
    Py_BEGIN_ALLOW_THREADS
        error = sp_listener_tell(listener, host);
    Py_END_ALLOW_THREADS
    return conclude(self, error);
}

PyDoc_STRVAR(
    set_words_doc,
    "set_words($self, own, unread, absence_at_once, /)\n--\n\n"
    "Say what the listener says of its own.\n\n"
    "own: by name a tuple as a frontend's failures have. unread: by status what is said of\n"
    "a head that is not read; {}: the reason. absence_at_once: whether requests are told that\n"
    "Django has not started as long as there is no table; else they wait for it, 30 s.");

static PyObject *
listener_set_words(PyObject *self, PyObject *args)
{
    enum sp_error error;
    struct sp_own_words *words = sp_own_words_from_arguments(args);

    if (words == NULL) {
        return NULL;
    }
    if (!check(self, &error)) {
        sp_own_words_free(words);
        return conclude(self, error);
    }
    struct sp_listener *listener = listener_of(self);
    Py_BEGIN_ALLOW_THREADS
        error = sp_listener_set_words(listener, words);
    Py_END_ALLOW_THREADS
    return conclude(self, error);
}

PyDoc_STRVAR(attach_doc, "attach($self, channel, /)\n--\n\n"
                         "Hand Django's requests over through the Unix socket `channel`, of which\n"
                         "a copy is taken; the one before gets no more.");

static PyObject *
listener_attach(PyObject *self, PyObject *argument)
{
    int fd = PyObject_AsFileDescriptor(argument);
    enum sp_error error;

    if (fd < 0) {
        return NULL;
    }
    if (!check(self, &error)) {
        return conclude(self, error);
    }
    struct sp_listener *listener = listener_of(self);
    Py_BEGIN_ALLOW_THREADS
        error = sp_listener_attach(listener, fd);
    Py_END_ALLOW_THREADS
    return conclude(self, error);
}

PyDoc_STRVAR(log_doc, "log_everything($self, on, /)\n--\n\n"
                      "Record every answer of a frontend, or failures and the first behind each.");

static PyObject *
listener_log_everything(PyObject *self, PyObject *argument)
{
    int on = PyObject_IsTrue(argument);
    enum sp_error error;

    if (on < 0) {
        return NULL;
    }
    if (!check(self, &error)) {
        return conclude(self, error);
    }
    sp_journal_take_all(&listener_of(self)->conductor.door.journal, on != 0);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(fileno_doc, "fileno($self, /)\n--\n\nReadable while there are records.");

static PyObject *
listener_fileno(PyObject *self, PyObject *Py_UNUSED(unused))
{
    enum sp_error error;

    return check(self, &error)
               ? PyLong_FromLong(listener_of(self)->conductor.door.journal.wakeup.receiver)
               : conclude(self, error);
}

static PyObject *
as_tuple(const struct sp_record *record)
{
    bool failed = record->error != SP_OK;
    const char *code = failed ? sp_error_info(record->error)->name : record->words;
    PyObject *target =
        PyUnicode_DecodeLatin1(record->target, (Py_ssize_t)strlen(record->target), NULL);

    if (target == NULL) {
        return NULL;
    }
    return Py_BuildValue("ssNiLddsis", record->peer, record->method, target, record->status,
                         record->sent, (double)record->total, (double)record->upstream, code,
                         record->frontend, failed ? record->words : "");
}

static bool
append_record(PyObject *list, const struct sp_record *record)
{
    PyObject *tuple = as_tuple(record);
    bool appended = tuple != NULL && PyList_Append(list, tuple) == 0;

    Py_XDECREF(tuple);
    return appended;
}

PyDoc_STRVAR(
    records_doc,
    "records($self, /)\n--\n\n"
    "What was answered since: client, method, target, status, bytes of the body, ms in\n"
    "all, ms until the frontend's head (-1: none), EngineError code or why the listener\n"
    "refused, by name or in words (\"\": neither), the frontend's index (-1: none), and words\n"
    "on the code.");

static PyObject *
listener_records(PyObject *self, PyObject *Py_UNUSED(unused))
{
    struct sp_record record;
    enum sp_error error;

    if (!check(self, &error)) {
        return conclude(self, error);
    }
    PyObject *list = PyList_New(0);
    bool complete = list != NULL;

    while (complete && sp_journal_take(&listener_of(self)->conductor.door.journal, &record)) {
        complete = append_record(list, &record);
    }
    if (!complete) {
        Py_XDECREF(list);
        return NULL;
    }
    return list;
}

PyDoc_STRVAR(close_doc, "close($self, /)\n--\n\nEnd listening and every connection.");

static PyObject *
listener_close(PyObject *self, PyObject *Py_UNUSED(unused))
{
    struct sp_listener *listener = listener_of(self);
    enum sp_error error;

    if (check(self, &error)) {
        Py_BEGIN_ALLOW_THREADS
            sp_listener_close(listener);
        Py_END_ALLOW_THREADS
    }
    Py_RETURN_NONE;
}

/* Not const, since a slot takes a plain pointer. */
static char listener_doc[] =
    "Listener(descriptors, max_connections, questions, /)\n--\n\n"
    "Accepts on listening sockets, answers what is a frontend's, and hands the rest over to\n"
    "Django. Until the first table everything waits. questions: a datagram socket that does\n"
    "not block, by which hosts are asked about. Copies of all sockets are taken.";

static PyMethodDef listener_methods[] = {
    {"set_table", listener_set_table, METH_VARARGS, set_table_doc},
    {"add_host", listener_add_host, METH_VARARGS, add_host_doc},
    {"set_words", listener_set_words, METH_VARARGS, set_words_doc},
    {"attach", listener_attach, METH_O, attach_doc},
    {"log_everything", listener_log_everything, METH_O, log_doc},
    {"fileno", listener_fileno, METH_NOARGS, fileno_doc},
    {"records", listener_records, METH_NOARGS, records_doc},
    {"close", listener_close, METH_NOARGS, close_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot listener_slots[] = {
    {Py_tp_doc, listener_doc},
    {Py_tp_methods, listener_methods},
    {Py_tp_new, listener_new},
    {Py_tp_dealloc, listener_dealloc},
    {0, NULL},
};

static PyType_Spec listener_spec = {
    .name = "samesite_proxy._engine.Listener",
    .basicsize = sizeof(struct ListenerObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = listener_slots,
};

int
sp_listener_object_add(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &listener_spec, NULL);

    if (type == NULL) {
        return -1;
    }
    int added = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return added;
}
