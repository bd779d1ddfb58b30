// Conversations of any bytes: control tokens are exactly those the form puts there, never any from a message.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "text/bpe_trainer.h"
#include "text/chat.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bantam;
  static constexpr const char* kRoles[] = {"system", "user", "assistant"};
  static const Tokenizer tokenizer = BpeTrainer({.vocab_size = 259}).train();

  // Messages are separated by a zero byte; the first byte of each chooses the role.
  std::vector<ChatMessage> messages;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const std::string_view message = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), message.size() + 1));
    if (message.empty()) continue;
    const auto role = static_cast<uint8_t>(message[0]);
    messages.push_back({kRoles[role % 3], std::string(message.substr(1))});
  }
  const ChatTokens chat = encode_chat(tokenizer, messages);
  const auto controls = std::ranges::count_if(chat.ids, [&](int32_t id) { return tokenizer.is_control(id); });
  if (static_cast<size_t>(controls) != 2 * messages.size() + 1 || chat.is_answer.size() != chat.ids.size())
    std::abort();
  return 0;
}
