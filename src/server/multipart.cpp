#include "server/multipart.h"

#include <algorithm>

#include "server/api_error.h"

namespace bantam {
namespace {

constexpr size_t kMostParts = 32, kLongestBoundary = 70;

ApiError broken(std::string_view why) {
  return ApiError(400, "invalid_form", "", fmt::format("the body is no multipart/form-data: {}", why));
}

// name="value" or name=value in a header.
std::string parameter(std::string_view header, std::string_view name) {
  const std::string wanted = fmt::format("{}=", name);
  for (size_t at = header.find(wanted); at != std::string_view::npos; at = header.find(wanted, at + 1)) {
    if (at > 0 && header[at - 1] != ' ' && header[at - 1] != ';') continue;  // "name" inside "filename"
    std::string_view value = header.substr(at + wanted.size());
    const bool quoted = value.starts_with('"');
    if (quoted) value.remove_prefix(1);
    return std::string(value.substr(0, std::min(value.find(quoted ? '"' : ';'), value.size())));
  }
  return {};
}

std::string lowercase(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return text;
}

FormPart parse_part(std::string_view part) {
  const size_t end = part.find("\r\n\r\n");
  if (end == std::string_view::npos) throw broken("a part has no end of its head");
  FormPart out;
  out.content = part.substr(end + 4);
  for (std::string_view head = part.substr(0, end); !head.empty();) {
    const size_t line_end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, line_end);
    head.remove_prefix(std::min(line_end + 2, head.size()));
    if (!lowercase(std::string(line.substr(0, 20))).starts_with("content-disposition:")) continue;
    out.name = parameter(line, "name");
    out.file_name = parameter(line, "filename");
  }
  if (out.name.empty()) throw broken("a part has no name");
  return out;
}

}  // namespace

std::vector<FormPart> parse_form(const IncomingRequest& request) {
  const std::string* type = request.header("content-type");
  if (!type || !lowercase(*type).starts_with("multipart/form-data")) throw broken("the header Content-Type says so");
  const std::string boundary = parameter(*type, "boundary");
  if (boundary.empty() || boundary.size() > kLongestBoundary) throw broken("there is no boundary of 1 to 70 bytes");
  const std::string first = "--" + boundary, next = "\r\n" + first;
  std::string_view rest = request.body;
  if (!rest.starts_with(first)) throw broken("it does not begin with the boundary");
  rest.remove_prefix(first.size());
  std::vector<FormPart> out;
  while (!rest.starts_with("--")) {
    if (!rest.starts_with("\r\n")) throw broken("a boundary is not followed by a line end");
    rest.remove_prefix(2);
    const size_t end = rest.find(next);
    if (end == std::string_view::npos) throw broken("the last boundary is missing");
    if (out.size() == kMostParts) throw broken("it has more than 32 parts");
    out.push_back(parse_part(rest.substr(0, end)));
    rest.remove_prefix(end + next.size());
  }
  return out;
}

}  // namespace bantam
