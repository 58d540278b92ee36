/* The path of a request as Django will see it (PATH_INFO), for the routing table. */
#ifndef SP_WIRE_PATH_H
#define SP_WIRE_PATH_H

#include "wire/span.h"

/* Decodes the path of `target` (origin form; its query is left out) into `room`, which holds at
 * least as many bytes as the target: percent-decoded once, slashes at its beginning as one, dots
 * and other slashes kept, as wsgiref and Django do it. False when it is not UTF-8: Django then
 * sees something else than the bytes. */
bool sp_path_decode(struct sp_span target, char *room, struct sp_span *path);

#endif
