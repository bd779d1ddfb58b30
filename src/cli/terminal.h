// What the commands know about where they write: standard output, and whether a person is looking.
#pragma once

#include <string_view>

namespace bantam {

// Thrown when the reader of standard output has gone (`bantam ... | head`); main() ends quietly.
struct OutputClosed {};

// Standard output, buffered. Throw IoError naming it when it cannot be written (disk full), OutputClosed when nobody
// reads any more. main() flushes at the end; stream text with flush_output() after each piece.
void print(std::string_view text);
void flush_output();

// "bantam: ..." on standard error.
void notice(std::string_view message);

bool stdin_is_terminal();
bool stdout_is_terminal();
bool stderr_is_terminal();

// Columns of the terminal on standard error; 80 when unknown.
int terminal_columns();

// Whether standard output takes colours: a terminal, NO_COLOR unset (no-color.org), TERM not "dumb".
bool stdout_takes_colour();

}  // namespace bantam
