#include "cli/line_editor.h"

#include <histedit.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <initializer_list>
#include <system_error>
#include <utility>

#include "cli/interrupt.h"

namespace bantam {
namespace {

constexpr int kHistoryLines = 1000;
constexpr char kInvisible = '\1';  // libedit: what stands between two of these takes no columns

// libedit sees characters through the C locale. Where the user has set none, text is UTF-8 all the same.
void use_utf8_characters() {
  std::setlocale(LC_CTYPE, "");
  if (MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
}

// A byte from the terminal: 1, 0 at the end, -1 on an error or after Ctrl-C.
ssize_t read_byte(char& byte) {
  while (!interrupted()) {
    pollfd waiting[] = {{STDIN_FILENO, POLLIN, 0}, {interrupt_descriptor(), POLLIN, 0}};
    if (::poll(waiting, 2, -1) < 0 && errno != EINTR) return -1;
    if (waiting[1].revents == 0 && waiting[0].revents != 0) return ::read(STDIN_FILENO, &byte, 1);
  }
  return -1;
}

// One character, for libedit, with the results of read_byte(). libedit's own reader would read on after a signal.
int read_character(EditLine*, wchar_t* character) {
  std::mbstate_t state{};
  while (true) {
    char byte = 0;
    if (const ssize_t got = read_byte(byte); got <= 0) return static_cast<int>(got);
    const size_t used = std::mbrtowc(character, &byte, 1, &state);
    if (used <= 1) return 1;
    if (used == static_cast<size_t>(-1)) state = {};  // not a character: as if it had not been typed
  }
}

// Colour codes marked as invisible.
std::string mark_invisible(const std::string& prompt) {
  std::string marked;
  bool in_code = false;
  for (const char c : prompt) {
    if (c == '\033') {
      marked += kInvisible;
      in_code = true;
    }
    marked += c;
    if (in_code && c == 'm') {
      marked += kInvisible;
      in_code = false;
    }
  }
  return marked;
}

}  // namespace

struct LineEditor::Libedit {
  EditLine* editor = nullptr;
  History* history = nullptr;
  std::string prompt;
};

std::filesystem::path history_path() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state && *state == '/') return std::filesystem::path(state) / "bantam/history";
  const char* home = std::getenv("HOME");
  return home && *home ? std::filesystem::path(home) / ".local/state/bantam/history" : std::filesystem::path();
}

LineEditor::LineEditor(std::filesystem::path history_file)
    : libedit_(std::make_unique<Libedit>()), history_file_(std::move(history_file)) {
  use_utf8_characters();
  EditLine* const editor = libedit_->editor = el_init("bantam", stdin, stdout, stderr);
  libedit_->history = history_init();
  if (!editor || !libedit_->history) throw std::bad_alloc();

  HistEvent event;
  history(libedit_->history, &event, H_SETSIZE, kHistoryLines);
  history(libedit_->history, &event, H_SETUNIQUE, 1);
  if (!history_file_.empty()) history(libedit_->history, &event, H_LOAD, history_file_.c_str());

  el_set(editor, EL_EDITOR, "emacs");
  el_set(editor, EL_CLIENTDATA, libedit_.get());
  el_set(editor, EL_HIST, history, libedit_->history);
  el_set(editor, EL_GETCFN, read_character);
  constexpr auto prompt_of = [](EditLine* asking) -> char* {
    void* data = nullptr;
    el_get(asking, EL_CLIENTDATA, &data);
    return static_cast<Libedit*>(data)->prompt.data();
  };
  el_set(editor, EL_PROMPT_ESC, static_cast<char* (*)(EditLine*)>(prompt_of), kInvisible);
  for (const auto& [key, action] :
       std::initializer_list<std::pair<const char*, const char*>>{{"\\e[3~", "ed-delete-next-char"},
                                                                  {"\\e[H", "ed-move-to-beg"},
                                                                  {"\\e[F", "ed-move-to-end"},
                                                                  {"\\e[1~", "ed-move-to-beg"},
                                                                  {"\\e[4~", "ed-move-to-end"},
                                                                  {"\\e[1;5C", "em-next-word"},
                                                                  {"\\e[1;5D", "ed-prev-word"},
                                                                  {"^R", "em-inc-search-prev"}}) {
    el_set(editor, EL_BIND, key, action, nullptr);
  }
  el_source(editor, nullptr);  // ~/.editrc
}

LineEditor::~LineEditor() {
  if (!history_file_.empty()) {
    std::error_code ignored;
    std::filesystem::create_directories(history_file_.parent_path(), ignored);
    HistEvent event;
    history(libedit_->history, &event, H_SAVE, history_file_.c_str());
  }
  history_end(libedit_->history);
  el_end(libedit_->editor);
}

LineEditor::Outcome LineEditor::read(const std::string& prompt, std::string& line) {
  line.clear();
  libedit_->prompt = mark_invisible(prompt);
  el_resize(libedit_->editor);
  int count = 0;
  const char* text = el_gets(libedit_->editor, &count);
  if (interrupted()) {
    clear_interrupt();
    std::fputs("^C\n", stdout);
    return Outcome::interrupted;
  }
  if (!text || count <= 0) {
    std::fputs("\n", stdout);
    return Outcome::end;
  }
  line.assign(text, std::strlen(text));
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  if (line.find_first_not_of(" \t") != std::string::npos) {
    HistEvent event;
    history(libedit_->history, &event, H_ENTER, line.c_str());
  }
  return Outcome::line;
}

}  // namespace bantam
