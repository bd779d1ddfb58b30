// A file's fingerprint: tells whether its content is what it was.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace bantam {

using Hash = std::array<std::byte, 32>;

// SHA-256 (FIPS 180-4). Throws std::bad_alloc.
Hash sha256(std::string_view bytes);

// The same of bytes that come in pieces.
class Sha256 {
 public:
  Sha256();  // throws std::bad_alloc
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void add(std::string_view bytes);
  // Of all that was added; afterwards it takes no more.
  Hash finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Of a whole file. `on_bytes` is told how many bytes have been read, a few times a second, and may throw to stop.
// Throws IoError naming the path.
Hash sha256_file(const std::filesystem::path& path, const std::function<void(uint64_t bytes)>& on_bytes = {});

// The first `bytes` of a hash as lowercase hexadecimal digits.
std::string to_hex(const Hash& hash, size_t bytes = 32);

}  // namespace bantam
