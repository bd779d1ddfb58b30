// Answers GET / and the other files of the page, with the headers that keep foreign scripts and requests out of it.
#include "server/page/bundle.h"
#include "server/page/gunzip.h"
#include "server/routes.h"

namespace bantam {
namespace {

constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; font-src "
    "'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::string_view value_of(const IncomingRequest& request, std::string_view header) {
  const std::string* value = request.header(header);
  return value ? std::string_view(*value) : std::string_view();
}

// "gzip, br;q=0.5" has gzip, "gzip;q=0" has not. RFC 9110, section 12.5.3.
bool accepts_gzip(std::string_view accepted) {
  while (!accepted.empty()) {
    const size_t comma = std::min(accepted.find(','), accepted.size());
    std::string item;
    for (const char c : accepted.substr(0, comma)) {
      if (c != ' ' && c != '\t') item += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    }
    if (item == "gzip" || (item.starts_with("gzip;q=") && item.find_first_of("123456789") != std::string::npos))
      return true;
    accepted.remove_prefix(std::min(comma + 1, accepted.size()));
  }
  return false;
}

// If-None-Match: a list of tags, weak ones too, or "*".
bool is_known(std::string_view tags, const std::string& quoted) {
  return tags == "*" || tags.find(quoted) != std::string_view::npos;
}

}  // namespace

std::unique_ptr<Job> page_file(Call call) {
  const PageFile& file = *call.parts.page.bundle->find(call.request.path);
  const bool as_it_is = !file.gzipped || accepts_gzip(value_of(call.request, "accept-encoding"));
  const std::string etag = fmt::format("\"{}{}\"", file.etag, as_it_is ? "" : "-plain");
  HttpResponse response{.headers = {{"ETag", etag},
                                    {"Cache-Control", "no-cache"},
                                    {"Vary", "Accept-Encoding, Accept"},
                                    {"Content-Security-Policy", std::string(kContentSecurityPolicy)},
                                    {"X-Content-Type-Options", "nosniff"},
                                    {"Referrer-Policy", "no-referrer"},
                                    {"Cross-Origin-Opener-Policy", "same-origin"},
                                    {"Cross-Origin-Resource-Policy", "same-origin"}}};
  if (is_known(value_of(call.request, "if-none-match"), etag)) {
    response.status = 304;
    return ready(std::move(response));
  }
  response.headers.push_back({"Content-Type", file.content_type});
  if (file.gzipped && as_it_is) response.headers.push_back({"Content-Encoding", "gzip"});
  response.body = as_it_is ? std::string(file.bytes) : gunzip(file.bytes, call.request.path);
  return ready(std::move(response));
}

const Route& page_file_route() {
  static constexpr Route kRoute{"GET", "/{file}", Dialect::openai, "", page_file};
  return kRoute;
}

bool wants_page(const Call& call) {
  const PageBundle* bundle = call.parts.page.bundle;
  return bundle && bundle->find("/") && value_of(call.request, "accept").find("text/html") != std::string_view::npos;
}

}  // namespace bantam
