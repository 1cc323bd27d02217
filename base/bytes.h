// Little-endian bytes in memory: what the on-disk formats are made of.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace wayside {

static_assert(std::endian::native == std::endian::little, "formats are little-endian");

constexpr uint64_t zigzag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
constexpr int64_t unzigzag(uint64_t v) {
  return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
}

// Appends to a string that it borrows.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}

  template <class T>
  void fixed(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    out_.append(raw, sizeof(T));
  }
  void varint(uint64_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<char>(value | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<char>(value));
  }
  void signed_varint(int64_t value) { varint(zigzag(value)); }
  void raw(std::string_view bytes) { out_.append(bytes); }
  void text(std::string_view bytes) {
    varint(bytes.size());
    raw(bytes);
  }
  std::string& out() { return out_; }

 private:
  std::string& out_;
};

// Reads from bytes that it borrows. A read past the end yields zeros and clears ok().
class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : in_(in) {}

  bool ok() const { return ok_; }
  size_t left() const { return in_.size(); }
  // For whoever finds that the bytes cannot be right.
  void fail() {
    ok_ = false;
    in_ = {};
  }

  template <class T>
  T fixed() {
    T value{};
    std::string_view bytes = raw(sizeof(T));
    if (ok_) std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (in_.empty()) break;
      auto byte = static_cast<uint8_t>(in_.front());
      in_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  int64_t signed_varint() { return unzigzag(varint()); }
  std::string_view raw(size_t n) {
    if (n > in_.size()) {
      ok_ = false;
      in_ = {};
      return {};
    }
    std::string_view bytes = in_.substr(0, n);
    in_.remove_prefix(n);
    return bytes;
  }
  std::string_view text() { return raw(varint()); }
  // A count that is about to size a container: each element takes at least `min_bytes_each`.
  size_t count(size_t min_bytes_each = 1) {
    uint64_t n = varint();
    if (min_bytes_each > 0 && n > in_.size() / min_bytes_each) {
      ok_ = false;
      return 0;
    }
    return n;
  }

 private:
  std::string_view in_;
  bool ok_ = true;
};

}  // namespace wayside
