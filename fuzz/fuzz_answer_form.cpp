// Forms of answers from anybody: each is refused in words, or compiled to an automaton that can always go on to an end.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/error.h"
#include "text/grammar/answer_form.h"
#include "text/grammar/matcher.h"

namespace {

using namespace bantam;

// Writes as the bytes of `taste` choose among those that may follow.
void walk(Matcher& matcher, const std::string& taste) {
  Matcher::State state = matcher.start();
  for (const char wanted : taste) {
    if (matcher.full()) return;
    Matcher::State next = Matcher::kDead;
    for (unsigned i = 0; i < 256 && next == Matcher::kDead; ++i) {
      next = matcher.next(state, static_cast<uint8_t>(static_cast<uint8_t>(wanted) + i));
    }
    if (next == Matcher::kDead) {
      if (!matcher.complete(state)) std::abort();
      return;
    }
    state = next;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr AnswerForm::Kind kKinds[] = {AnswerForm::Kind::json_schema, AnswerForm::Kind::regex,
                                         AnswerForm::Kind::grammar, AnswerForm::Kind::choice};
  if (size == 0) return 0;
  const std::string definition(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    Matcher matcher(std::make_shared<const Automaton>(compile_form({kKinds[data[0] % std::size(kKinds)], definition})));
    walk(matcher, definition.substr(0, 64));
  } catch (const Error&) {
  }
  return 0;
}
