// Columns to bytes and back, before zstd. Sensor numbers are decimals: a column whose every number
// is an integer divided by the same power of ten is kept as those integers, which is exact and far
// smaller; any other column as doubles, byte plane by byte plane. Integers are kept as differences,
// in which zstd finds what repeats, or in as few bits as their range needs, whichever is smaller.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace wayside {

void encode_integers(const std::vector<int64_t>& values, ByteWriter& out);
void decode_integers(ByteReader& in, size_t count, std::vector<int64_t>& values);
// As differences only, as blocks of version 1 have them.
void decode_differences(ByteReader& in, size_t count, std::vector<int64_t>& values);

void encode_numbers(const std::vector<double>& values, ByteWriter& out);
void decode_numbers(ByteReader& in, size_t count, std::vector<double>& values);

}  // namespace wayside
