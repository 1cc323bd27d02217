// Columns to bytes and back, before zstd. Sensor numbers are decimals: a column whose every number
// is an integer divided by the same power of ten is kept as those integers' differences, which is
// exact and far smaller; any other column as doubles, byte plane by byte plane.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace wayside {

void encode_integers(const std::vector<int64_t>& values, ByteWriter& out);
void decode_integers(ByteReader& in, size_t count, std::vector<int64_t>& values);

void encode_numbers(const std::vector<double>& values, ByteWriter& out);
void decode_numbers(ByteReader& in, size_t count, std::vector<double>& values);

}  // namespace wayside
