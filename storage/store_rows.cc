#include "storage/store_rows.h"

#include "base/hash.h"

namespace wayside {

std::string db_path(const std::string& dir) { return dir + "/wayside.db"; }

Error damaged_row(const char* table) {
  return {ErrorCode::kBadData, std::string("wayside.db: a row of table ") + table + " is damaged"};
}

int64_t row_crc(std::initializer_list<std::string_view> texts,
                std::initializer_list<uint64_t> numbers) {
  uint32_t crc = 0;
  const auto add = [&](uint64_t n) {
    crc = crc32c({reinterpret_cast<const char*>(&n), sizeof n}, crc);
  };
  for (uint64_t n : numbers) add(n);
  for (std::string_view text : texts) {
    add(text.size());
    crc = crc32c(text, crc);
  }
  return crc;
}
bool is_sound(int64_t kept, int64_t crc) {
  constexpr int64_t kNotKnown = -1;
  return kept == kNotKnown || kept == crc;
}

Result<std::vector<Epoch>> read_epochs(Database& db) {
  WS_ASSIGN(Statement select,
            db.prepare("SELECT name, first_sequence, first_entry, ifnull(crc, -1) FROM epochs "
                       "ORDER BY 2, 3, rowid"));
  std::vector<Epoch> epochs;
  while (true) {
    WS_ASSIGN(bool more, select.step());
    if (!more) return epochs;
    epochs.push_back({std::string(select.column_text(0)), as_u64(select.column_int(1)),
                      as_u64(select.column_int(2))});
    const Epoch& e = epochs.back();
    if (!is_sound(select.column_int(3), row_crc({e.name}, {e.first_sequence, e.first_entry}))) {
      return damaged_row("epochs");
    }
  }
}

void write_reached(const Reached& at, ByteWriter& out) {
  out.varint(at.entry);
  out.varint(at.last_sequence);
  out.varint(at.emitted.size());
  for (uint64_t n : at.emitted) out.varint(n);
  out.fixed(at.emissions);
}

Reached read_reached(ByteReader& in) {
  Reached at;
  at.entry = in.varint();
  at.last_sequence = in.varint();
  for (size_t n = in.count(); n > 0; --n) at.emitted.push_back(in.varint());
  at.emissions = in.fixed<Digest>();
  return at;
}

}  // namespace wayside
