// Hashes: SHA-256 for the journal's chain, CRC-32C for torn writes, a fast 64-bit one for tables.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace wayside {

// The first 16 bytes of a SHA-256.
using Digest = std::array<uint8_t, 16>;

Digest sha256_16(std::initializer_list<std::string_view> parts);
std::string to_hex(const Digest& digest);

// CRC-32C (Castagnoli), as in RFC 3720 appendix B.4. `crc` continues a former call.
uint32_t crc32c(std::string_view bytes, uint32_t crc = 0);

// Not keyed and not stable across releases of the journal format: stored only inside it.
uint64_t hash64(std::string_view bytes, uint64_t seed = 0);

}  // namespace wayside
