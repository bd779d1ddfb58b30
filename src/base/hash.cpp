#include "base/hash.h"

#include <openssl/evp.h>

#include <new>

namespace bantam {

Hash sha256(std::string_view bytes) {
  Hash out{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), &size, EVP_sha256(),
                 nullptr) != 1) {
    throw std::bad_alloc();  // SHA-256 is always there; only memory can lack
  }
  return out;
}

}  // namespace bantam
