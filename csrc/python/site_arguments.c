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

static bool
read_specials(PyObject *list, struct sp_site *site)
{
    Py_ssize_t count = PyList_Size(list);

    if (count > SP_SITE_MAX_SPECIALS) {
        PyErr_SetString(PyExc_ValueError, "too many special paths");
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!keep_text(&site->texts, PyList_GetItem(list, i), &site->specials[i])) {
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

static bool
read_failures(PyObject *failures, struct sp_site *site, struct sp_frontend *frontend)
{
    PyObject *code;
    PyObject *value;
    Py_ssize_t place = 0;

    fill_failures(frontend);
    while (PyDict_Next(failures, &place, &code, &value)) {
        const char *name = PyUnicode_AsUTF8AndSize(code, NULL);
        int error = name != NULL ? error_named(name) : SP_ERROR_COUNT;
        if (name == NULL || (error < SP_ERROR_COUNT &&
                             !read_failure(value, &site->texts, &frontend->failures[error]))) {
            return false;
        }
    }
    return true;
}

static bool
read_frontend(const struct sp_state *state, PyObject *item, struct sp_site *site)
{
    struct sp_frontend *frontend = &site->frontends[site->frontend_count];
    PyObject *upstream;
    PyObject *own_addresses;
    PyObject *failures;
    PyObject *line;

    if (!PyTuple_Check(item)) {
        return refuse("a frontend is a tuple of Upstream, OwnAddresses, its failures and a line");
    }
    if (!PyArg_ParseTuple(item, "O!O!O!U", state->upstream_type, &upstream,
                          state->own_addresses_type, &own_addresses, &PyDict_Type, &failures,
                          &line)) {
        return false;
    }
    frontend->upstream = sp_upstream_take(sp_upstream_object_peek(upstream));
    frontend->own_addresses = sp_own_addresses_take(sp_own_addresses_object_peek(own_addresses));
    site->frontend_count++;
    return keep_text(&site->texts, line, &frontend->last_line) &&
           read_failures(failures, site, frontend);
}

static bool
read_frontends(const struct sp_state *state, PyObject *list, struct sp_site *site)
{
    Py_ssize_t count = PyList_Size(list);

    if (count > SP_SITE_MAX_FRONTENDS) {
        PyErr_SetString(PyExc_ValueError, "too many frontends");
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!read_frontend(state, PyList_GetItem(list, i), site)) {
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
    if (!read_routes(state, routes, &site->routes) || !read_routes(state, own, &site->own) ||
        !read_specials(specials, site) || !read_frontends(state, frontends, site)) {
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
fill_views(PyObject *list, struct sp_host *host)
{
    for (size_t i = 0; i < host->frontend_count; i++) {
        PyObject *kinds = PyList_GetItem(list, (Py_ssize_t)i);
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
    host->frontend_count = (size_t)PyList_Size(views);
    host->views = calloc(host->frontend_count * SP_VIEW_KINDS + 1, sizeof(*host->views));
    if (host->views == NULL) {
        PyErr_NoMemory();
        return false;
    }
    return fill_views(views, host);
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
read_own(PyObject *own, struct sp_own_words *words)
{
    PyObject *code;
    PyObject *value;
    Py_ssize_t place = 0;

    while (PyDict_Next(own, &place, &code, &value)) {
        const char *name = PyUnicode_AsUTF8AndSize(code, NULL);
        enum sp_own which = name != NULL ? sp_own_words_named(name) : SP_OWN_COUNT;
        if (name != NULL && which == SP_OWN_COUNT) {
            PyErr_Format(PyExc_ValueError, "the listener says nothing named %s", name);
        }
        if (which == SP_OWN_COUNT || !read_failure(value, &words->texts, &words->own[which])) {
            return false;
        }
    }
    return true;
}

static bool
read_unread(PyObject *lines, struct sp_own_words *words)
{
    PyObject *status;
    PyObject *line;
    Py_ssize_t place = 0;

    if (PyDict_Size(lines) > SP_OWN_MAX_UNREAD) {
        PyErr_SetString(PyExc_ValueError, "too many statuses");
        return false;
    }
    while (PyDict_Next(lines, &place, &status, &line)) {
        struct sp_failure *failure = &words->unread[words->unread_count];
        failure->status = (int)PyLong_AsLong(status);
        if (PyErr_Occurred() != NULL || !keep_text(&words->texts, line, &failure->line)) {
            return false;
        }
        words->unread_count++;
    }
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
    if (!read_own(own, words) || !read_unread(unread, words)) {
        sp_own_words_free(words);
        return NULL;
    }
    return words;
}
