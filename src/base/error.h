// The errors this library throws. Everything the outside world can get wrong ends in one of these;
// `cli/` turns them into one paragraph and exit code 2.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace bantam {

// Base of all errors. The message names the thing, the field, what was found and what was wanted.
class Error : public std::runtime_error {
 public:
  template <class... Args>
  explicit Error(fmt::format_string<Args...> format, Args&&... args)
      : std::runtime_error(fmt::format(format, std::forward<Args>(args)...)) {}
};

// A file or request whose bytes break the rules of its format.
class FormatError : public Error {
 public:
  using Error::Error;
};

// Well formed, but something this build does not know (architecture, weight format, tokenizer).
class UnsupportedError : public Error {
 public:
  using Error::Error;
};

// The operating system refused: no such file, no permission, disk full.
class IoError : public Error {
 public:
  using Error::Error;
};

// A flag, parameter or combination the caller can correct.
class UsageError : public Error {
 public:
  using Error::Error;
};

}  // namespace bantam
