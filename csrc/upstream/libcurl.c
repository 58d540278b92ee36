#include "upstream/libcurl.h"

#include <curl/curl.h>

#define SP_CURL_OLDEST 0x075100U /* 7.81.0 */
#define SP_CURL_BROKEN 0x080800U /* 8.8.0 keeps no time while it resolves a name */

bool
sp_libcurl_is_known(const char **version)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

    *version = info->version;
    return info->version_num >= SP_CURL_OLDEST && info->version_num != SP_CURL_BROKEN;
}

bool
sp_libcurl_start(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}
