// libcurl's functions, in a library that is loaded when they are first needed: with the twenty-five libraries that it
// needs in turn it takes half the time in which every other command starts.
#pragma once

#include <curl/curl.h>

#include "base/shared_library.h"

namespace bantam {

struct CurlLibrary {
  SharedLibrary library{"libcurl.so.4", "libcurl4"};

  decltype(&curl_global_init) global_init = library.find("curl_global_init");
  decltype(&curl_free) free = library.find("curl_free");
  decltype(&curl_easy_init) easy_init = library.find("curl_easy_init");
  decltype(&curl_easy_cleanup) easy_cleanup = library.find("curl_easy_cleanup");
  decltype(&curl_easy_reset) easy_reset = library.find("curl_easy_reset");
  decltype(&curl_easy_setopt) easy_setopt = library.find("curl_easy_setopt");
  decltype(&curl_easy_getinfo) easy_getinfo = library.find("curl_easy_getinfo");
  decltype(&curl_easy_header) easy_header = library.find("curl_easy_header");
  decltype(&curl_easy_strerror) easy_strerror = library.find("curl_easy_strerror");
  decltype(&curl_multi_init) multi_init = library.find("curl_multi_init");
  decltype(&curl_multi_cleanup) multi_cleanup = library.find("curl_multi_cleanup");
  decltype(&curl_multi_add_handle) multi_add_handle = library.find("curl_multi_add_handle");
  decltype(&curl_multi_remove_handle) multi_remove_handle = library.find("curl_multi_remove_handle");
  decltype(&curl_multi_perform) multi_perform = library.find("curl_multi_perform");
  decltype(&curl_multi_poll) multi_poll = library.find("curl_multi_poll");
  decltype(&curl_multi_info_read) multi_info_read = library.find("curl_multi_info_read");
  decltype(&curl_url) url = library.find("curl_url");
  decltype(&curl_url_cleanup) url_cleanup = library.find("curl_url_cleanup");
  decltype(&curl_url_set) url_set = library.find("curl_url_set");
  decltype(&curl_url_get) url_get = library.find("curl_url_get");
};

// Throws Error where it is not installed.
inline const CurlLibrary& curl() {
  static const CurlLibrary library;
  return library;
}

}  // namespace bantam
