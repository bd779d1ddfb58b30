// Reads lines from a terminal with editing and history. The one user of libedit.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace bantam {

// Where the chat keeps what was typed: $XDG_STATE_HOME/bantam/history, else ~/.local/state/bantam/history; empty when
// neither variable is set (XDG Base Directory Specification).
std::filesystem::path history_path();

class LineEditor {
 public:
  // Loads the history from the file, if there is one; an empty path keeps none. Standard input is a terminal and
  // an InterruptGuard alive.
  explicit LineEditor(std::filesystem::path history_file);
  // Saves the history; when that fails the session is simply not remembered.
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  enum class Outcome { line, interrupted, end };

  // `line` without its line end. Ctrl-C, seen through interrupt.h, drops what was typed; Ctrl-D on an empty line ends.
  // `prompt` may hold colour codes.
  Outcome read(const std::string& prompt, std::string& line);

 private:
  struct Libedit;
  std::unique_ptr<Libedit> libedit_;
  std::filesystem::path history_file_;
};

}  // namespace bantam
