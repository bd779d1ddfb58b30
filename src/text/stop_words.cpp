#include "text/stop_words.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/utf8.h"

namespace bantam {
namespace {

constexpr std::string_view kWords =
    "a about after all also am an and any are aren as at be because been before being between both but by can could "
    "couldn did didn do does doesn doing don during each either for from had hadn has hasn have haven having he hence "
    "her here hers herself him himself his how however i if in into is isn it its itself just may me might more most "
    "much many must my myself no nor not now of on once only or other our ours ourselves out over own per shall she "
    "should shouldn so some such than that the their theirs them themselves then there these they this those through "
    "thus to too under until up upon us very was wasn we were weren what whatever when where whether which while who "
    "whom whose why will with within without won would wouldn yes yet you your yours yourself yourselves";

constexpr std::string_view kPairs =
    "니다 습니 입니 합니 됩니 이다 하다 한다 된다 었다 았다 였다 했다 있다 없다 하는 되는 있는 였던 었던 았던 하고 "
    "하여 하며 으며 이며 에서 으로 에게 에는 에도 이라 라는 라고 부터 까지 처럼 보다 무엇 엇인 엇을 엇이 인가 는가 "
    "은가 던가 을까 일까 누구 구인 어디 디인 디에 언제 제인 어떤 어떻 떻게 얼마 마나 나요 가요 까요 인지 는지 은지";

const std::vector<std::string_view>& words() {
  static const std::vector<std::string_view> sorted = [] {
    std::vector<std::string_view> list;
    for (size_t at = 0; at < kWords.size();) {
      const size_t end = std::min(kWords.find(' ', at), kWords.size());
      list.push_back(kWords.substr(at, end - at));
      at = end + 1;
    }
    std::sort(list.begin(), list.end());
    return list;
  }();
  return sorted;
}

uint64_t pair_key(char32_t first, char32_t second) { return uint64_t{first} << 32 | second; }

// Sorted, and which syllables begin one.
struct Pairs {
  std::vector<uint64_t> keys;
  std::vector<bool> begins = std::vector<bool>(0xD7A4 - 0xAC00);
};

const Pairs& pairs() {
  static const Pairs table = [] {
    Pairs list;
    for (size_t at = 0; at < kPairs.size(); at += 7) {
      const char32_t first = decode_utf8(kPairs.substr(at))->value;
      list.keys.push_back(pair_key(first, decode_utf8(kPairs.substr(at + 3))->value));
      list.begins[first - 0xAC00] = true;
    }
    std::sort(list.keys.begin(), list.keys.end());
    return list;
  }();
  return table;
}

}  // namespace

bool is_stop_word(std::string_view word) { return std::binary_search(words().begin(), words().end(), word); }

bool is_stop_pair(char32_t first, char32_t second) {
  const Pairs& table = pairs();
  if (first < 0xAC00 || first > 0xD7A3 || !table.begins[first - 0xAC00]) return false;
  return std::binary_search(table.keys.begin(), table.keys.end(), pair_key(first, second));
}

}  // namespace bantam
