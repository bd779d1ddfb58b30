#include "text/grammar/string_formats.h"

#include <map>
#include <string>

namespace bantam {
namespace {

// RFC 3339, section 5.6: with the days that months have, without years before 1000 and leap seconds.
const std::string kDate =
    "(?:[1-9][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|"
    "02-(?:0[1-9]|1[0-9]|2[0-8]))|"
    "(?:[1-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00)-02-29)";
const std::string kTime =
    "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])";
const std::string kOctet = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const std::string kLabel = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?";
const std::string kHost = kLabel + "(?:\\." + kLabel + "){0,6}";
const std::string kSegment = "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*";

const std::map<std::string, std::string, std::less<>> kExpressions = {
    {"date", kDate},
    {"time", kTime},
    {"date-time", kDate + "T" + kTime},
    // ISO 8601 as RFC 3339, appendix A, has it.
    {"duration",
     "P(?:[0-9]{1,6}W|[0-9]{1,6}Y(?:[0-9]{1,6}M(?:[0-9]{1,6}D)?)?|[0-9]{1,6}M(?:[0-9]{1,6}D)?|[0-9]{1,6}D|"
     "(?:[0-9]{1,6}Y(?:[0-9]{1,6}M(?:[0-9]{1,6}D)?)?|[0-9]{1,6}M(?:[0-9]{1,6}D)?|[0-9]{1,6}D)?"
     "T(?:[0-9]{1,6}H(?:[0-9]{1,6}M(?:[0-9]{1,6}S)?)?|[0-9]{1,6}M(?:[0-9]{1,6}S)?|[0-9]{1,6}S))"},
    {"uuid", "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"},
    {"email", "[A-Za-z0-9_+-]{1,16}(?:\\.[A-Za-z0-9_+-]{1,15}){0,3}@" + kLabel + "(?:\\." + kLabel + "){1,5}"},
    {"hostname", kHost},
    {"ipv4", kOctet + "(?:\\." + kOctet + "){3}"},
    {"ipv6", "(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}"},
    {"uri", "[a-z][a-z0-9+.-]{0,15}://" + kHost + "(?::[1-9][0-9]{0,3})?(?:/" + kSegment + ")*(?:\\?" + kSegment +
                ")?(?:#" + kSegment + ")?"},
};

}  // namespace

std::optional<std::string_view> format_expression(std::string_view format) {
  const auto at = kExpressions.find(format);
  if (at == kExpressions.end()) return std::nullopt;
  return at->second;
}

}  // namespace bantam
