#include "storage/column_codec.h"

#include <array>
#include <bit>
#include <cmath>

#include "sensors/reading.h"

namespace wayside {
namespace {

enum class Encoding : uint8_t { kDecimal = 1, kPlanes = 2, kAllNull = 3 };

constexpr int kMaxPower = 9;
constexpr std::array<double, kMaxPower + 1> kPowers = {1,   1e1, 1e2, 1e3, 1e4,
                                                       1e5, 1e6, 1e7, 1e8, 1e9};
constexpr double kMaxInteger = 4.5e15;  // well inside what a double counts exactly

// Is `value` exactly an integer over 10^power? Negative zero is not: it would come back positive.
bool as_decimal(double value, double power, int64_t& integer) {
  const double scaled = value * power;
  if (!(std::abs(scaled) < kMaxInteger)) return false;
  const double rounded = std::nearbyint(scaled);
  integer = static_cast<int64_t>(rounded);
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

}  // namespace

void encode_integers(const std::vector<int64_t>& values, ByteWriter& out) {
  uint64_t previous = 0;
  for (int64_t v : values) {
    out.signed_varint(static_cast<int64_t>(static_cast<uint64_t>(v) - previous));
    previous = static_cast<uint64_t>(v);
  }
}

void decode_integers(ByteReader& in, size_t count, std::vector<int64_t>& values) {
  uint64_t previous = 0;
  for (size_t i = 0; i < count && in.ok(); ++i) {
    previous += static_cast<uint64_t>(in.signed_varint());
    values.push_back(static_cast<int64_t>(previous));
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
  encode_integers(integers, out);
}

void decode_numbers(ByteReader& in, size_t count, std::vector<double>& values) {
  switch (in.fixed<Encoding>()) {
    case Encoding::kDecimal:
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
  decode_integers(in, count, integers);
  for (size_t i = 0; i < integers.size(); ++i) {
    const bool null = !nulls.empty() && (nulls[i / 8] >> (i % 8) & 1);
    values.push_back(null ? kNull : static_cast<double>(integers[i]) / kPowers[power]);
  }
}

}  // namespace wayside
