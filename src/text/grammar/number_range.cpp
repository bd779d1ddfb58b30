#include "text/grammar/number_range.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <vector>

namespace bantam {
namespace {

using NodeId = Grammar::NodeId;

// A bound's size, cut at the point; without a bound every digit goes.
struct Digits {
  std::string whole, fraction;
  bool inclusive = true;
};

struct Signed {
  Digits digits;
  bool negative = false;
};

std::optional<Signed> parse(const NumberBound& bound) {
  std::string_view text = bound.decimal;
  Signed out;
  out.negative = text.starts_with('-');
  if (out.negative) text.remove_prefix(1);
  const size_t point = std::min(text.find('.'), text.size());
  out.digits.whole = std::string(text.substr(0, point));
  out.digits.fraction = point < text.size() ? std::string(text.substr(point + 1)) : std::string();
  while (!out.digits.fraction.empty() && out.digits.fraction.back() == '0') out.digits.fraction.pop_back();
  while (out.digits.whole.size() > 1 && out.digits.whole[0] == '0') out.digits.whole.erase(0, 1);
  out.digits.inclusive = bound.inclusive;
  if (out.digits.whole.size() + out.digits.fraction.size() > kMostRangeDigits) return std::nullopt;
  if (out.digits.whole == "0" && out.digits.fraction.empty()) out.negative = false;
  return out;
}

// Numbers without a sign from `low` to `high`. What is left to write depends on how many digits there are, whether all
// of them so far are those of a bound, and the remainder: one rule for each of these.
class RangeBuilder {
 public:
  RangeBuilder(Grammar& grammar, const Digits& low, const std::optional<Digits>& high, const NumberRange& range)
      : g_(grammar), low_(low), high_(high), range_(range) {}

  NodeId build() {
    std::vector<NodeId> lengths;
    for (size_t length = 1; length <= kMostRangeDigits; ++length) {
      if (length < low_.whole.size() || (high_ && length > high_->whole.size())) continue;
      const bool at_low = length == low_.whole.size(), at_high = high_ && length == high_->whole.size();
      lengths.push_back(whole(length, 0, at_low, at_high, 0));
    }
    return g_.choice(lengths);
  }

 private:
  using Key = std::tuple<bool, size_t, size_t, bool, bool, uint32_t>;

  NodeId remember(const Key& key, NodeId node) {
    const Grammar::RuleId rule = g_.declare("digits");
    g_.define(rule, node);
    return known_[key] = g_.call(rule);
  }

  // Digit `at` of `length` before the point.
  NodeId whole(size_t length, size_t at, bool at_low, bool at_high, uint32_t rest) {
    if (at == length) return after_whole(length, at_low, at_high, rest);
    const Key key{true, length, at, at_low, at_high, rest};
    if (const auto known = known_.find(key); known != known_.end()) return known->second;
    const char first = at_low ? low_.whole[at] : '0', last = at_high ? high_->whole[at] : '9';
    std::vector<NodeId> options;
    for (char digit = first; digit <= last; ++digit) {
      if (at == 0 && digit == '0' && length > 1) continue;
      const uint32_t next_rest = (rest * 10 + static_cast<uint32_t>(digit - '0')) % range_.multiple_of;
      options.push_back(g_.sequence({g_.text(std::string(1, digit)), whole(length, at + 1, at_low && digit == first,
                                                                           at_high && digit == last, next_rest)}));
    }
    return remember(key, g_.choice(options));
  }

  // Whether a number may end when its digits so far are the bound's first `written` of the fraction.
  bool may_end(size_t written, bool at_low, bool at_high) const {
    if (at_low && (written < low_.fraction.size() || !low_.inclusive)) return false;
    return !at_high || written < high_->fraction.size() || high_->inclusive;
  }

  NodeId after_whole(size_t length, bool at_low, bool at_high, uint32_t rest) {
    std::vector<NodeId> options;
    if (rest == 0 && may_end(0, at_low, at_high)) options.push_back(g_.empty());
    const size_t room = range_.integer ? 0 : std::min<size_t>(range_.most_fraction, kMostRangeDigits - length);
    if (room > 0) options.push_back(g_.sequence({g_.text("."), fraction(room, 0, at_low, at_high)}));
    return g_.choice(options);
  }

  NodeId fraction(size_t room, size_t at, bool at_low, bool at_high) {
    const Key key{false, room, at, at_low, at_high, 0};
    if (const auto known = known_.find(key); known != known_.end()) return known->second;
    std::vector<NodeId> options;
    if (at > 0 && may_end(at, at_low, at_high)) options.push_back(g_.empty());
    if (at < room) {
      const char first = at_low && at < low_.fraction.size() ? low_.fraction[at] : '0';
      const char last = !at_high ? '9' : at < high_->fraction.size() ? high_->fraction[at] : '0';
      for (char digit = first; digit <= last; ++digit) {
        options.push_back(g_.sequence({g_.text(std::string(1, digit)),
                                       fraction(room, at + 1, at_low && digit == first, at_high && digit == last)}));
      }
    }
    return remember(key, g_.choice(options));
  }

  Grammar& g_;
  const Digits& low_;
  const std::optional<Digits>& high_;
  const NumberRange& range_;
  std::map<Key, NodeId> known_;
};

}  // namespace

std::optional<NodeId> compile_range(Grammar& grammar, const NumberRange& range) {
  std::optional<Signed> least, most;
  if (range.least && !(least = parse(*range.least))) return std::nullopt;
  if (range.most && !(most = parse(*range.most))) return std::nullopt;
  const Digits zero{"0", "", true};
  std::vector<NodeId> options;
  if (!most || !most->negative) {
    const Digits& low = least && !least->negative ? least->digits : zero;
    const std::optional<Digits> high = most ? std::optional(most->digits) : std::nullopt;
    options.push_back(RangeBuilder(grammar, low, high, range).build());
  }
  if (!least || least->negative) {  // the same with the sizes of the bounds the other way round; no "-0"
    const Digits low = most && most->negative ? most->digits : Digits{"0", "", false};
    const std::optional<Digits> high = least ? std::optional(least->digits) : std::nullopt;
    options.push_back(grammar.sequence({grammar.text("-"), RangeBuilder(grammar, low, high, range).build()}));
  }
  return grammar.choice(options);
}

}  // namespace bantam
