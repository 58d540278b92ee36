#include "python/site_arguments.h"

#include "python/own_addresses_object.h"
#include "python/routes_object.h"
#include "python/upstream_object.h"

#include <stdlib.h>
#include <string.h>

static bool
refuse(const char *what)
{
    PyErr_SetString(PyExc_TypeError, what);
    return false;
}

static bool
keep_text(struct sp_text **texts, PyObject *text, struct sp_span *kept)
{
    Py_ssize_t length;
    const char *bytes = PyUnicode_AsUTF8AndSize(text, &length);

    if (bytes == NULL) {
        return false;
    }
    if (sp_texts_keep(texts, (struct sp_span){bytes, (size_t)length}, kept) != SP_OK) {
        PyErr_NoMemory();
        return false;
    }
    return true;
}

static bool
read_routes(const struct sp_state *state, PyObject *object, struct sp_routes **routes)
{
    if (object == Py_None) {
        return true;
    }
    if (Py_TYPE(object) != state->routes_type) {
        return refuse("routes are a Routes or None");
    }
    *routes = sp_routes_take(sp_routes_object_peek(object));
    return true;
}

/* Lists and dicts are read out of copies: another thread, or a method of what is in them, may
 * change them meanwhile. */
static bool
read_items(PyObject *list, bool (*read)(PyObject *items, void *context), void *context)
{
    PyObject *items = PyList_AsTuple(list);
    bool is_read = items != NULL && read(items, context);

    Py_XDECREF(items);
    return is_read;
}

static bool
read_pairs(PyObject *dict, bool (*read)(PyObject *key, PyObject *value, void *context),
           void *context)
{
    PyObject *copy = PyDict_Copy(dict);
    bool is_read = copy != NULL;
    PyObject *key;
    PyObject *value;
    Py_ssize_t place = 0;

    while (is_read && PyDict_Next(copy, &place, &key, &value)) {
        is_read = read(key, value, context);
    }
    Py_XDECREF(copy);
    return is_read;
}

static bool
read_specials(PyObject *items, void *context)
{
    struct sp_site *site = context;
    Py_ssize_t count = PyTuple_Size(items);

    if (count > SP_SITE_MAX_SPECIALS) {
        PyErr_SetString(PyExc_ValueError, "too many special paths");
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!keep_text(&site->texts, PyTuple_GetItem(items, i), &site->specials[i])) {
            return false;
        }
    }
    site->special_count = (size_t)count;
    return true;
}

/* What a failure without a line of its own says; there is none in practice. */
static void
fill_failures(struct sp_frontend *frontend)
{
    for (int error = 0; error < SP_ERROR_COUNT; error++) {
        int status = sp_error_info((enum sp_error)error)->status;
        frontend->failures[error] = (struct sp_failure){
            .status = status, .error = (enum sp_error)error, .line = SP_SPAN("samesite_proxy\n")};
    }
}

static int
error_named(const char *name)
{
    int error = 0;

    while (error < SP_ERROR_COUNT && strcmp(sp_error_info((enum sp_error)error)->name, name) != 0) {
        error++;
    }
    return error;
}

static bool
read_failure(PyObject *value, struct sp_text **texts, struct sp_failure *failure)
{
    PyObject *line;
    PyObject *page;
    PyObject *data;

    if (!PyTuple_Check(value)) {
        return refuse("a failure is a tuple of a status, a line, a page and JSON");
    }
    return PyArg_ParseTuple(value, "iUUU", &failure->status, &line, &page, &data) &&
           keep_text(texts, line, &failure->line) && keep_text(texts, page, &failure->page) &&
           keep_text(texts, data, &failure->data);
}

struct site_reading {
    const struct sp_state *state;
    struct sp_site *site;
    struct sp_frontend *frontend; /* that is read now */
};

/* A code that the engine does not know is passed over. */
static bool
read_failure_of(PyObject *code, PyObject *value, void *context)
{
    const struct site_reading *reading = context;
    const char *name = PyUnicode_AsUTF8AndSize(code, NULL);
    int error = name != NULL ? error_named(name) : SP_ERROR_COUNT;

    return name != NULL &&
           (error == SP_ERROR_COUNT ||
            read_failure(value, &reading->site->texts, &reading->frontend->failures[error]));
}

static bool
read_frontend(PyObject *item, struct site_reading *reading)
{
    struct sp_site *site = reading->site;
    struct sp_frontend *frontend = &site->frontends[site->frontend_count];
    PyObject *upstream;
    PyObject *own_addresses;
    PyObject *failures;
    PyObject *line;

    if (!PyTuple_Check(item)) {
        return refuse("a frontend is a tuple of Upstream, OwnAddresses, its failures and a line");
    }
    if (!PyArg_ParseTuple(item, "O!O!O!U", reading->state->upstream_type, &upstream,
                          reading->state->own_addresses_type, &own_addresses, &PyDict_Type,
                          &failures, &line)) {
        return false;
    }
    frontend->upstream = sp_upstream_take(sp_upstream_object_peek(upstream));
    frontend->own_addresses = sp_own_addresses_take(sp_own_addresses_object_peek(own_addresses));
    site->frontend_count++;
    fill_failures(frontend);
    reading->frontend = frontend;
    return keep_text(&site->texts, line, &frontend->last_line) &&
           read_pairs(failures, read_failure_of, reading);
}

static bool
read_frontends(PyObject *items, void *context)
{
    Py_ssize_t count = PyTuple_Size(items);

    if (count > SP_SITE_MAX_FRONTENDS) {
        PyErr_SetString(PyExc_ValueError, "too many frontends");
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!read_frontend(PyTuple_GetItem(items, i), context)) {
            return false;
        }
    }
    return true;
}

struct sp_site *
sp_site_from_arguments(const struct sp_state *state, PyObject *args)
{
    PyObject *routes;
    PyObject *own;
    PyObject *specials;
    PyObject *frontends;
    int asks_django;
    struct sp_site *site = NULL;

    if (!PyArg_ParseTuple(args, "OOO!O!p:set_table", &routes, &own, &PyList_Type, &specials,
                          &PyList_Type, &frontends, &asks_django)) {
        return NULL;
    }
    if (sp_site_new(&site) != SP_OK) {
        PyErr_NoMemory();
        return NULL;
    }
    site->asks_django = asks_django != 0;
    struct site_reading reading = {state, site, NULL};
    if (!read_routes(state, routes, &site->routes) || !read_routes(state, own, &site->own) ||
        !read_items(specials, read_specials, site) ||
        !read_items(frontends, read_frontends, &reading)) {
        sp_site_give_back(site);
        return NULL;
    }
    if ((site->routes == NULL) != (site->own == NULL)) {
        PyErr_SetString(PyExc_ValueError, "both routes or none");
        sp_site_give_back(site);
        return NULL;
    }
    return site;
}

static bool
read_view(PyObject *tuple, struct sp_text **texts, struct sp_host_view *seen)
{
    struct sp_view *view = &seen->view;
    struct sp_span *const spans[] = {
        &view->host,         &view->forwarded_host, &view->forwarded_proto,
        &view->browser_host, &view->own_origin,     &seen->alias};
    PyObject *words[sizeof(spans) / sizeof(spans[0])];
    int is_whole_site;

    if (!PyTuple_Check(tuple)) {
        return refuse("a view is a tuple");
    }
    if (!PyArg_ParseTuple(tuple, "UUUUUpU", &words[0], &words[1], &words[2], &words[3], &words[4],
                          &is_whole_site, &words[5])) {
        return false;
    }
    view->is_whole_site = is_whole_site != 0;
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        if (!keep_text(texts, words[i], spans[i])) {
            return false;
        }
    }
    return true;
}

static bool
fill_views(PyObject *items, void *context)
{
    struct sp_host *host = context;

    host->frontend_count = (size_t)PyTuple_Size(items);
    host->views = calloc(host->frontend_count * SP_VIEW_KINDS + 1, sizeof(*host->views));
    if (host->views == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (size_t i = 0; i < host->frontend_count; i++) {
        PyObject *kinds = PyTuple_GetItem(items, (Py_ssize_t)i);
        if (!PyTuple_Check(kinds) || PyTuple_Size(kinds) != SP_VIEW_KINDS) {
            return refuse("a frontend has a view for each kind of request");
        }
        for (size_t kind = 0; kind < SP_VIEW_KINDS; kind++) {
            if (!read_view(PyTuple_GetItem(kinds, (Py_ssize_t)kind), &host->texts,
                           &host->views[i * SP_VIEW_KINDS + kind])) {
                return false;
            }
        }
    }
    return true;
}

static bool
read_views(PyObject *views, struct sp_host *host)
{
    if (views == Py_None) {
        return true;
    }
    if (!PyList_Check(views)) {
        return refuse("views are a list or None");
    }
    host->verdict = SP_VERDICT_ALLOWED;
    return read_items(views, fill_views, host);
}

struct sp_host *
sp_host_from_arguments(PyObject *args)
{
    struct sp_span value;
    Py_ssize_t length;
    PyObject *origin;
    PyObject *views;
    struct sp_host *host = NULL;

    if (!PyArg_ParseTuple(args, "s#UO:add_host", &value.data, &length, &origin, &views)) {
        return NULL;
    }
    value.len = (size_t)length;
    if (sp_host_new(value, SP_VERDICT_REFUSED, &host) != SP_OK) {
        PyErr_NoMemory();
        return NULL;
    }
    if (!keep_text(&host->texts, origin, &host->origin) || !read_views(views, host)) {
        sp_host_give_back(host);
        return NULL;
    }
    return host;
}

static bool
read_own(PyObject *code, PyObject *value, void *context)
{
    struct sp_own_words *words = context;
    const char *name = PyUnicode_AsUTF8AndSize(code, NULL);
    enum sp_own which = name != NULL ? sp_own_words_named(name) : SP_OWN_COUNT;

    if (name != NULL && which == SP_OWN_COUNT) {
        PyErr_Format(PyExc_ValueError, "the listener says nothing named %s", name);
    }
    return which != SP_OWN_COUNT && read_failure(value, &words->texts, &words->own[which]);
}

static bool
read_unread(PyObject *status, PyObject *line, void *context)
{
    struct sp_own_words *words = context;
    struct sp_failure *failure = &words->unread[words->unread_count];

    if (words->unread_count == SP_OWN_MAX_UNREAD) {
        PyErr_SetString(PyExc_ValueError, "too many statuses");
        return false;
    }
    failure->status = (int)PyLong_AsLong(status);
    if (PyErr_Occurred() != NULL || !keep_text(&words->texts, line, &failure->line)) {
        return false;
    }
    words->unread_count++;
    return true;
}

struct sp_own_words *
sp_own_words_from_arguments(PyObject *args)
{
    PyObject *own;
    PyObject *unread;
    int is_at_once;
    struct sp_own_words *words = NULL;

    if (!PyArg_ParseTuple(args, "O!O!p:set_words", &PyDict_Type, &own, &PyDict_Type, &unread,
                          &is_at_once)) {
        return NULL;
    }
    if (sp_own_words_new(&words) != SP_OK) {
        PyErr_NoMemory();
        return NULL;
    }
    words->is_absence_at_once = is_at_once != 0;
    if (!read_pairs(own, read_own, words) || !read_pairs(unread, read_unread, words)) {
        sp_own_words_free(words);
        return NULL;
    }
    return words;
}
