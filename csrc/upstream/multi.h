/* libcurl's multi handle, without descriptors that leak into the programs we start. */
#ifndef SP_UPSTREAM_MULTI_H
#define SP_UPSTREAM_MULTI_H

#include <curl/curl.h>

/* NULL when there is no memory. To be cleaned up by curl_multi_cleanup(). */
CURLM *sp_multi_new(void);

#endif
