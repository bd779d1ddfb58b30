#include "base/hash.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <vector>

#include "base/error.h"

namespace bantam {

// SHA-256 is always there; only memory can lack.
struct Sha256::State {
  State() : context(EVP_MD_CTX_new()) {
    if (context == nullptr || EVP_DigestInit_ex(context, EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
  }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  EVP_MD_CTX* context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::add(std::string_view bytes) {
  if (EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) != 1) throw std::bad_alloc();
}

Hash Sha256::finish() {
  Hash out{};
  if (EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(out.data()), nullptr) != 1) {
    throw std::bad_alloc();
  }
  return out;
}

Hash sha256(std::string_view bytes) {
  Sha256 sum;
  sum.add(bytes);
  return sum.finish();
}

Hash sha256_file(const std::filesystem::path& path, const std::function<void(uint64_t)>& on_bytes) {
  constexpr size_t kPieceBytes = size_t{1} << 22;
  struct Descriptor {
    int fd;
    ~Descriptor() {
      if (fd >= 0) ::close(fd);
    }
  };
  const Descriptor in{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (in.fd < 0) throw IoError("{}: cannot be opened: {}", path.string(), std::strerror(errno));
  Sha256 sum;
  std::vector<char> piece(kPieceBytes);
  for (uint64_t done = 0;;) {
    const ssize_t got = ::read(in.fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw IoError("{}: cannot be read: {}", path.string(), std::strerror(errno));
    if (got == 0) return sum.finish();
    sum.add({piece.data(), static_cast<size_t>(got)});
    done += static_cast<uint64_t>(got);
    if (on_bytes) on_bytes(done);
  }
}

std::string to_hex(const Hash& hash, size_t bytes) {
  std::string out;
  for (size_t i = 0; i < bytes; ++i) out += fmt::format("{:02x}", static_cast<unsigned>(hash[i]));
  return out;
}

}  // namespace bantam
