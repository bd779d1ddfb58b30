// The chat as a person meets it: on a terminal of its own, with keys typed.
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/test_folder.h"
#include "engine/test_text_model.h"

namespace bantam {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);

// `bantam chat` behind a pseudo-terminal.
class ChatOnTerminal : public testing::Test {
 protected:
  ChatOnTerminal() {
    write_test_text_model(folder_ / "m.gguf", 1, 4096);
    const std::string model = (folder_ / "m.gguf").string(), bias = fmt::format("{}=100", kTestLongToken);
    child_ = forkpty(&terminal_, nullptr, nullptr, nullptr);
    if (child_ == 0) {
      setenv("XDG_STATE_HOME", folder_.path().c_str(), 1);
      setenv("TERM", "xterm", 1);
      setenv("LC_ALL", "C", 1);  // Hangul must work even so
      execl(BANTAM_BINARY, "bantam", "chat", "-m", model.c_str(), "-t", "1", "-n", "3000", "--logit-bias", bias.c_str(),
            nullptr);
      _exit(127);
    }
  }
  ~ChatOnTerminal() override {
    close(terminal_);
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
  }

  void type(std::string_view keys) {
    ASSERT_EQ(write(terminal_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }

  // Reads until `text` has been shown, and forgets all up to it.
  testing::AssertionResult sees(std::string_view text) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    for (size_t at; (at = shown_.find(text)) == std::string::npos;) {
      pollfd waiting{terminal_, POLLIN, 0};
      char buffer[256];
      const ssize_t got = poll(&waiting, 1, 1000) > 0 ? read(terminal_, buffer, sizeof buffer) : 0;
      if (got > 0) shown_.append(buffer, static_cast<size_t>(got));
      if (got < 0 || std::chrono::steady_clock::now() > deadline) {
        return testing::AssertionFailure() << "no '" << text << "' in: " << shown_;
      }
    }
    shown_.erase(0, shown_.find(text) + text.size());
    return testing::AssertionSuccess();
  }

  // The prompt, and then keys going to the line editor: until then the terminal itself edits what is typed.
  testing::AssertionResult is_ready() {
    if (const auto prompt = sees("you> "); !prompt) return prompt;
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    termios settings{};
    do {
      if (std::chrono::steady_clock::now() > deadline) return testing::AssertionFailure() << "the editor never read";
      if (tcgetattr(terminal_, &settings) != 0) return testing::AssertionFailure() << "the terminal is gone";
    } while (settings.c_lflag & ICANON);
    return testing::AssertionSuccess();
  }

  int exit_code() {
    char buffer[256];
    while (read(terminal_, buffer, sizeof buffer) > 0) {
    }
    int status = 0;
    waitpid(std::exchange(child_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  TestFolder folder_;
  int terminal_ = -1;
  pid_t child_ = -1;
  std::string shown_;
};

TEST_F(ChatOnTerminal, ctrl_c_stops_the_answer_and_ctrl_d_the_program) {
  ASSERT_TRUE(is_ready());
  type("hello\r");
  // The answer, 190 kB, is more than a terminal holds unread (64 kB): it cannot be over when Ctrl-C is typed.
  ASSERT_TRUE(sees("aaaaaaaa"));
  type("\x03");
  ASSERT_TRUE(sees("stopped"));
  ASSERT_TRUE(is_ready());
  type("/params max_tokens 1\r");
  ASSERT_TRUE(sees("longest answer"));
  ASSERT_TRUE(is_ready());
  type("\x04");
  EXPECT_EQ(exit_code(), 0);
}

TEST_F(ChatOnTerminal, ctrl_c_drops_a_line_half_typed) {
  ASSERT_TRUE(is_ready());
  type("/exi\x03");
  ASSERT_TRUE(sees("^C"));
  ASSERT_TRUE(is_ready());
  type("/exit\r");
  EXPECT_EQ(exit_code(), 0);
}

TEST_F(ChatOnTerminal, hangul_is_edited_by_whole_characters_and_remembered) {
  ASSERT_TRUE(is_ready());
  type("/system 한국말\x7f어\r");  // backspace takes the last syllable
  ASSERT_TRUE(sees("system: 한국어"));
  ASSERT_TRUE(is_ready());
  type("\x1b[A\r");  // the last line again
  ASSERT_TRUE(sees("system: 한국어"));
  ASSERT_TRUE(is_ready());
  type("/exit\r");
  EXPECT_EQ(exit_code(), 0);
  EXPECT_NE(read_file(folder_ / "bantam/history").find("/exit"), std::string::npos);
}

TEST_F(ChatOnTerminal, an_error_is_shown_and_the_chat_goes_on) {
  ASSERT_TRUE(is_ready());
  type("/load none.json\r");
  ASSERT_TRUE(sees("none.json: cannot be opened"));
  ASSERT_TRUE(is_ready());
  type("/exit\r");
  EXPECT_EQ(exit_code(), 0);
}

}  // namespace
}  // namespace bantam
