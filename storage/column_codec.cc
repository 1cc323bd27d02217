#include "storage/column_codec.h"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <memory>

#include "sensors/reading.h"

namespace wayside {
namespace {

enum class Encoding : uint8_t {
  kDifferences = 1,  // decimals; no longer written
  kPlanes = 2,
  kAllNull = 3,
  kDecimal = 4
};

// How integers are kept: varints of the differences; or each less the smallest, in so many bits; or
// their differences so.
enum class Layout : uint8_t { kVarints = 0, kPacked = 1, kPackedDifferences = 2 };

constexpr unsigned kMaxWidth = 56;     // so that a value and the rest of a byte fit a word
constexpr size_t kSmallestFrame = 12;  // zstd needs as much for anything
constexpr int kZstdLevel = 1;          // as the journal

constexpr int kMaxPower = 9;
constexpr std::array<double, kMaxPower + 1> kPowers = {1,   1e1, 1e2, 1e3, 1e4,
                                                       1e5, 1e6, 1e7, 1e8, 1e9};
constexpr double kMaxInteger = 4.5e15;  // well inside what a double counts exactly

// Is `value` exactly an integer over 10^power? Negative zero is not: it would come back positive.
bool as_decimal(double value, double power, int64_t& integer) {
  const double scaled = value * power;
  if (!(std::abs(scaled) < kMaxInteger)) return false;
  integer = static_cast<int64_t>(scaled + std::copysign(0.5, scaled));
  return std::bit_cast<uint64_t>(static_cast<double>(integer) / power) ==
         std::bit_cast<uint64_t>(value);
}

// The smallest power that fits all; the guess grows with what the values ask for. -1: none.
int decimal_power(const std::vector<double>& values, std::vector<int64_t>& integers) {
  int power = 0;
  for (size_t i = 0; i < values.size();) {
    if (is_null(values[i])) {
      integers[i++] = 0;
      continue;
    }
    if (as_decimal(values[i], kPowers[power], integers[i])) {
      ++i;
      continue;
    }
    if (++power > kMaxPower) return -1;
    i = 0;  // the earlier ones have to fit the finer power, too
  }
  return power;
}

void encode_nulls(const std::vector<double>& values, ByteWriter& out) {
  std::string bits((values.size() + 7) / 8, '\0');
  for (size_t i = 0; i < values.size(); ++i) {
    if (is_null(values[i])) bits[i / 8] |= static_cast<char>(1 << (i % 8));
  }
  out.raw(bits);
}

void encode_planes(const std::vector<double>& values, ByteWriter& out) {
  for (int byte = 7; byte >= 0; --byte) {
    for (double v : values) {
      out.fixed(static_cast<uint8_t>(std::bit_cast<uint64_t>(v) >> (8 * byte)));
    }
  }
}

void decode_planes(ByteReader& in, size_t count, std::vector<double>& values) {
  if (count > in.left() / 8) return in.fail();
  std::vector<uint64_t> bits(count);
  for (int byte = 7; byte >= 0; --byte) {
    std::string_view plane = in.raw(count);
    for (size_t i = 0; i < plane.size(); ++i) {
      bits[i] |= static_cast<uint64_t>(static_cast<uint8_t>(plane[i])) << (8 * byte);
    }
  }
  for (uint64_t b : bits) values.push_back(std::bit_cast<double>(b));
}

int64_t difference(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

void encode_varints(const std::vector<int64_t>& differences, ByteWriter& out) {
  for (int64_t d : differences) out.signed_varint(d);
}

struct Range {
  int64_t least = 0;
  unsigned width = 0;  // bits
};

Range range_of(const std::vector<int64_t>& values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return {*least, static_cast<unsigned>(std::bit_width(static_cast<uint64_t>(*most) -
                                                       static_cast<uint64_t>(*least)))};
}

void encode_packed(const std::vector<int64_t>& values, const Range& range, ByteWriter& out) {
  out.signed_varint(range.least);
  out.fixed(static_cast<uint8_t>(range.width));
  uint64_t word = 0;
  unsigned bits = 0;
  for (int64_t v : values) {
    word |= (static_cast<uint64_t>(v) - static_cast<uint64_t>(range.least)) << bits;
    for (bits += range.width; bits >= 8; bits -= 8, word >>= 8) {
      out.fixed(static_cast<uint8_t>(word));
    }
  }
  if (bits > 0) out.fixed(static_cast<uint8_t>(word));
}

void decode_packed(ByteReader& in, size_t count, std::vector<int64_t>& values) {
  const int64_t least = in.signed_varint();
  const unsigned width = in.fixed<uint8_t>();
  if (width > kMaxWidth || count > (SIZE_MAX - 7) / kMaxWidth) return in.fail();
  const std::string_view bytes = in.raw((count * width + 7) / 8);
  if (!in.ok()) return;
  uint64_t word = 0;
  unsigned bits = 0;
  size_t at = 0;
  for (size_t i = 0; i < count; ++i) {
    for (; bits < width; bits += 8) {
      word |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[at++])) << bits;
    }
    values.push_back(sum(least, static_cast<int64_t>(word & ((uint64_t{1} << width) - 1))));
    word >>= width;
    bits -= width;
  }
}

// What zstd makes of it; what repeats vanishes.
size_t compressed_size(const std::string& bytes) {
  thread_local const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> zstd(ZSTD_createCCtx(),
                                                                             ZSTD_freeCCtx);
  if (!zstd) return bytes.size();
  thread_local std::string out;
  out.resize(ZSTD_compressBound(bytes.size()));
  const size_t size =
      ZSTD_compressCCtx(zstd.get(), out.data(), out.size(), bytes.data(), bytes.size(), kZstdLevel);
  return ZSTD_isError(size) ? bytes.size() : size;
}

}  // namespace

void encode_integers(const std::vector<int64_t>& values, ByteWriter& out) {
  if (values.empty()) return;
  std::vector<int64_t> differences(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    differences[i] = difference(values[i], i > 0 ? values[i - 1] : 0);
  }
  std::string varints;
  ByteWriter as_varints(varints);
  encode_varints(differences, as_varints);

  const Range plain = range_of(values);
  const int64_t first = differences.front();
  differences.front() = values.size() > 1 ? differences[1] : 0;
  const Range stepwise = range_of(differences);
  const bool steps = stepwise.width < plain.width;
  const unsigned width = std::min(plain.width, stepwise.width);
  const size_t packed_size = (values.size() * width + 7) / 8;
  const bool pack = width <= kMaxWidth && packed_size < varints.size() &&
                    (packed_size <= kSmallestFrame || packed_size < compressed_size(varints));
  if (!pack) {
    out.fixed(Layout::kVarints);
    out.raw(varints);
    return;
  }
  out.fixed(steps ? Layout::kPackedDifferences : Layout::kPacked);
  if (steps) out.signed_varint(first);
  encode_packed(steps ? differences : values, steps ? stepwise : plain, out);
}

void decode_differences(ByteReader& in, size_t count, std::vector<int64_t>& values) {
  int64_t previous = 0;
  for (size_t i = 0; i < count && in.ok(); ++i) {
    previous = sum(previous, in.signed_varint());
    values.push_back(previous);
  }
}

void decode_integers(ByteReader& in, size_t count, std::vector<int64_t>& values) {
  if (count == 0) return;
  switch (in.fixed<Layout>()) {
    case Layout::kVarints:
      return decode_differences(in, count, values);
    case Layout::kPacked:
      return decode_packed(in, count, values);
    case Layout::kPackedDifferences:
      break;
    default:
      return in.fail();
  }
  int64_t value = in.signed_varint();
  const size_t begin = values.size();
  decode_packed(in, count, values);
  for (size_t i = begin; i < values.size(); ++i) {
    if (i > begin) value = sum(value, values[i]);
    values[i] = value;
  }
}

void encode_numbers(const std::vector<double>& values, ByteWriter& out) {
  size_t nulls = 0;
  for (double v : values) nulls += is_null(v);
  if (nulls == values.size()) {
    out.fixed(Encoding::kAllNull);
    return;
  }
  std::vector<int64_t> integers(values.size());
  const int power = decimal_power(values, integers);
  if (power < 0) {
    out.fixed(Encoding::kPlanes);
    encode_planes(values, out);
    return;
  }
  out.fixed(Encoding::kDecimal);
  out.fixed(static_cast<uint8_t>(power));
  out.fixed(static_cast<uint8_t>(nulls > 0));
  if (nulls > 0) encode_nulls(values, out);
  // Where there is nothing, anything may stand: what makes no step.
  for (size_t i = 1; nulls > 0 && i < values.size(); ++i) {
    if (is_null(values[i])) integers[i] = integers[i - 1];
  }
  encode_integers(integers, out);
}

void decode_numbers(ByteReader& in, size_t count, std::vector<double>& values) {
  const auto encoding = in.fixed<Encoding>();
  switch (encoding) {
    case Encoding::kDecimal:
    case Encoding::kDifferences:
      break;
    case Encoding::kAllNull:
      if (in.ok()) values.insert(values.end(), count, kNull);
      return;
    case Encoding::kPlanes:
      decode_planes(in, count, values);
      return;
    default:
      in.fail();
      return;
  }
  const size_t power = in.fixed<uint8_t>();
  if (power > kMaxPower) return in.fail();
  std::string_view nulls;
  if (in.fixed<uint8_t>()) nulls = in.raw((count + 7) / 8);
  std::vector<int64_t> integers;
  (encoding == Encoding::kDecimal ? decode_integers : decode_differences)(in, count, integers);
  for (size_t i = 0; i < integers.size(); ++i) {
    const bool null = !nulls.empty() && (nulls[i / 8] >> (i % 8) & 1);
    values.push_back(null ? kNull : static_cast<double>(integers[i]) / kPowers[power]);
  }
}

}  // namespace wayside
