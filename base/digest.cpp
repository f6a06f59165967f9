// SPDX-License-Identifier: Apache-2.0
#include "base/digest.h"

#include <cstdio>
#include <fstream>

#define XXH_INLINE_ALL
#include <xxhash.h>

#ifdef FLUXTILE_HAVE_OPENSSL
#include <openssl/evp.h>
#endif

#include "base/error.h"

namespace fluxtile {
namespace {

std::string to_hex(const unsigned char* bytes, size_t n) {
  static const char digits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < n; ++i) {
    text += digits[bytes[i] >> 4];
    text += digits[bytes[i] & 15];
  }
  return text;
}

#ifdef FLUXTILE_HAVE_OPENSSL
class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_, EVP_sha256(), nullptr); }
  ~Sha256() { EVP_MD_CTX_free(context_); }
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void add(const void* data, size_t n) { EVP_DigestUpdate(context_, data, n); }
  std::string hex() {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    EVP_DigestFinal_ex(context_, out, &n);
    return to_hex(out, n);
  }

 private:
  EVP_MD_CTX* context_;
};
#else
class Sha256 {
 public:
  Sha256() {
    throw Error(Code::internal, "this build has no SHA-256")
        .hint("build with OpenSSL (libssl-dev)");
  }
  void add(const void*, size_t) {}
  std::string hex() { return {}; }
};
#endif

}  // namespace

bool sha256_available() noexcept {
#ifdef FLUXTILE_HAVE_OPENSSL
  return true;
#else
  return false;
#endif
}

std::string sha256(std::string_view bytes) {
  Sha256 sum;
  sum.add(bytes.data(), bytes.size());
  return sum.hex();
}

std::string sha256_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(Code::data, "cannot open the file").file(path);
  Sha256 sum;
  std::string buffer(1 << 20, '\0');
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    sum.add(buffer.data(), static_cast<size_t>(in.gcount()));
  }
  if (in.bad()) throw Error(Code::io, "cannot read the file").file(path);
  return sum.hex();
}

struct Digest::State {
  State() { XXH3_128bits_reset(&xxh); }
  XXH3_state_t xxh{};
};

Digest::Digest() : state_(std::make_unique<State>()) {}
Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

Digest& Digest::add(const void* data, size_t bytes) {
  if (bytes > 0) XXH3_128bits_update(&state_->xxh, data, bytes);
  return *this;
}

Digest& Digest::add_text(std::string_view text) {
  add_value(static_cast<uint64_t>(text.size()));
  return add(text.data(), text.size());
}

std::string Digest::hex() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state_->xxh));
  return to_hex(canonical.digest, sizeof canonical.digest);
}

uint64_t xxh3_64(const void* data, size_t bytes) noexcept { return XXH3_64bits(data, bytes); }

uint64_t xxh3_64(const std::vector<std::string_view>& parts) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  for (const auto& part : parts)
    if (!part.empty()) XXH3_64bits_update(&state, part.data(), part.size());
  return XXH3_64bits_digest(&state);
}

}  // namespace fluxtile
