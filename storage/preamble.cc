#include "storage/preamble.h"

#include "base/bytes.h"

namespace wayside {
namespace {

constexpr uint8_t kPreambleVersion = 1;

void write_counts(const Preamble::Counts& counts, ByteWriter& out) {
  out.varint(counts.size());
  for (const auto& [name, n] : counts) {
    out.text(name);
    out.varint(n);
  }
}

void read_counts(ByteReader& in, Preamble::Counts& counts) {
  for (size_t n = in.count(2); n > 0; --n) {
    std::string name(in.text());
    counts.emplace_back(std::move(name), in.varint());
  }
}

}  // namespace

std::string Preamble::encode(size_t max_bytes) const {
  for (size_t skipped = 0; skipped <= epochs.size(); ++skipped) {
    std::string bytes;
    ByteWriter out(bytes);
    out.fixed(kPreambleVersion);
    out.varint(last_sequence);
    out.varint(epochs.size() - skipped);
    for (size_t i = skipped; i < epochs.size(); ++i) {
      out.text(epochs[i].name);
      out.varint(epochs[i].first_sequence);
      out.varint(epochs[i].first_entry);
    }
    write_counts(emitted, out);
    write_counts(rows_before, out);
    if (bytes.size() <= max_bytes) return bytes;
  }
  return {};
}

std::optional<Preamble> Preamble::decode(std::string_view bytes) {
  ByteReader in(bytes);
  Preamble p;
  if (in.fixed<uint8_t>() != kPreambleVersion) return std::nullopt;
  p.last_sequence = in.varint();
  for (size_t n = in.count(3); n > 0; --n) {
    Epoch& e = p.epochs.emplace_back();
    e.name = in.text();
    e.first_sequence = in.varint();
    e.first_entry = in.varint();
  }
  read_counts(in, p.emitted);
  read_counts(in, p.rows_before);
  if (!in.ok() || in.left() != 0) return std::nullopt;
  return p;
}

}  // namespace wayside
