#include "base/hash.h"

// The digest itself: EVP would load providers and a configuration first, 2 MB for the same code.
#define OPENSSL_API_COMPAT 10100
#include <openssl/sha.h>

#include <cstring>

namespace wayside {

Digest sha256_16(std::initializer_list<std::string_view> parts) {
  SHA256_CTX context;
  uint8_t full[SHA256_DIGEST_LENGTH];
  SHA256_Init(&context);
  for (std::string_view part : parts) SHA256_Update(&context, part.data(), part.size());
  SHA256_Final(full, &context);
  Digest digest;
  std::memcpy(digest.data(), full, digest.size());
  return digest;
}

std::string to_hex(const Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (uint8_t byte : digest) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

namespace {

// Slicing-by-8 tables: eight bytes a step without a special instruction, the same on every CPU.
struct CrcTables {
  uint32_t t[8][256];
  constexpr CrcTables() : t() {
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0x82f63b78u : 0);
      t[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; ++i) {
      for (int k = 1; k < 8; ++k) t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 0xff];
    }
  }
};
constexpr CrcTables kCrc;

uint64_t load64(const char* p) {
  uint64_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

uint64_t mix(uint64_t a, uint64_t b) {
  a ^= b;
  a ^= a >> 32;
  a *= 0xd6e8feb86659fd93u;
  a ^= a >> 32;
  a *= 0xd6e8feb86659fd93u;
  return a ^ (a >> 32);
}

}  // namespace

uint32_t crc32c(std::string_view bytes, uint32_t crc) {
  crc = ~crc;
  const char* p = bytes.data();
  size_t n = bytes.size();
  for (; n >= 8; p += 8, n -= 8) {
    uint64_t v = load64(p) ^ crc;
    crc = kCrc.t[7][v & 0xff] ^ kCrc.t[6][(v >> 8) & 0xff] ^ kCrc.t[5][(v >> 16) & 0xff] ^
          kCrc.t[4][(v >> 24) & 0xff] ^ kCrc.t[3][(v >> 32) & 0xff] ^ kCrc.t[2][(v >> 40) & 0xff] ^
          kCrc.t[1][(v >> 48) & 0xff] ^ kCrc.t[0][v >> 56];
  }
  for (; n > 0; ++p, --n) crc = (crc >> 8) ^ kCrc.t[0][(crc ^ static_cast<uint8_t>(*p)) & 0xff];
  return ~crc;
}

uint64_t hash64(std::string_view bytes, uint64_t seed) {
  uint64_t h = mix(seed + 0x9e3779b97f4a7c15u, bytes.size());
  const char* p = bytes.data();
  size_t n = bytes.size();
  for (; n >= 8; p += 8, n -= 8) h = (h ^ load64(p)) * 0x9fb21c651e98df25u, h ^= h >> 29;
  if (n > 0) {
    uint64_t tail = 0;
    std::memcpy(&tail, p, n);
    h = mix(h, tail);
  }
  return mix(h, 0);
}

}  // namespace wayside
