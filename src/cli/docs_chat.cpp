#include "cli/docs_chat.h"

#include <iostream>

#include "base/error.h"
#include "cli/interrupt.h"
#include "cli/line_editor.h"
#include "cli/show_answer.h"
#include "cli/terminal.h"
#include "cli/version.h"
#include "retrieval/follow_up.h"
#include "text/unicode.h"

namespace bantam {
namespace {

constexpr std::string_view kHelp =
    "  /help         this list\n"
    "  /docs DIR     answer from another folder\n"
    "  /index FILE   answer from another index\n"
    "  /manual       answer from the manual of this program\n"
    "  /reset        forget what the conversation was about\n"
    "  /exit         end; so does Ctrl-D\n"
    "Anything else is a question. // begins one that starts with /.\n";

class DocsChat {
 public:
  explicit DocsChat(const DocsChatOptions& options)
      : library_(options.library),
        reader_(open_reader(options.reader)),
        writer_(open_writer(options.writer, options.reader.threads)),
        index_(open_library(library_)) {}

  std::string describe() {
    const IndexStats stats = index_.stats();
    return fmt::format("answers from {} ({} files, {} passages)", library_title(library_), stats.files, stats.passages);
  }

  // Answers a question or obeys a command; false when it says to end. Throws Error.
  bool take(const std::string& line) {
    const size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos) return true;
    if (line[first] == '/' && line.compare(first, 2, "//") != 0) return obey(std::string_view(line).substr(first));
    const std::string question = dialogue_.resolve(to_nfc(line.substr(line[first] == '/' ? first + 1 : first)));
    const Answer found = answer_with(index_, reader_, writer_.get(), question, {});
    dialogue_.remember(question, found);
    print(answer_text(found, question, stdout_takes_colour()));
    flush_output();
    return true;
  }

 private:
  bool obey(std::string_view line) {
    const size_t space = std::min(line.find(' '), line.size());
    const std::string_view command = line.substr(0, space);
    const size_t begin = std::min(line.find_first_not_of(' ', space), line.size());
    const std::string argument(line.substr(begin, line.find_last_not_of(" \r") + 1 - begin));
    if (command == "/exit" || command == "/quit") return false;
    if (command == "/help") {
      print(kHelp);
    } else if (command == "/reset") {
      dialogue_.reset();
    } else if (command == "/manual") {
      change({});
    } else if (command == "/docs" || command == "/index") {
      if (argument.empty()) throw UsageError("{} needs a name", command);
      LibraryOptions wanted;
      if (command == "/docs")
        wanted.docs = {argument};
      else
        wanted.index = argument;
      change(std::move(wanted));
    } else {
      throw UsageError("{} is not a command; /help lists them, and // begins a question that starts with /", command);
    }
    flush_output();
    return true;
  }

  // On an error the old documents stay.
  void change(LibraryOptions wanted) {
    wanted.threads = library_.threads;
    wanted.max_file_mib = library_.max_file_mib;
    index_ = open_library(wanted);
    library_ = std::move(wanted);
    dialogue_.reset();
    notice(describe());
  }

  LibraryOptions library_;
  Reader reader_;
  std::unique_ptr<Writer> writer_;
  Index index_;
  Dialogue dialogue_;
};

void on_terminal(DocsChat& chat) {
  const InterruptGuard guard;
  LineEditor editor(history_path());
  print(fmt::format("bantam {} {}\n", kVersion, chat.describe()));
  print("/help lists what you can do, Ctrl-D ends. 한국어로 물어보셔도 됩니다.\n");
  std::string line;
  while (true) {
    flush_output();
    const auto outcome = editor.read(stdout_takes_colour() ? "\033[1;36myou> \033[0m" : "you> ", line);
    if (outcome == LineEditor::Outcome::end) return;
    if (outcome == LineEditor::Outcome::interrupted) continue;
    try {
      if (!chat.take(line)) return;
    } catch (const Error& error) {
      notice(error.what());  // the conversation goes on
    } catch (const Interrupted&) {
      clear_interrupt();
    }
  }
}

}  // namespace

void chat_about_documents(const DocsChatOptions& options) {
  DocsChat chat(options);
  if (options.once) {
    chat.take(*options.once);
  } else if (stdin_is_terminal() && stdout_is_terminal()) {
    on_terminal(chat);
  } else {
    for (std::string line; std::getline(std::cin, line);) {
      if (!chat.take(line)) return;
    }
  }
}

}  // namespace bantam
